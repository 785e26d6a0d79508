"""Where files go in a folder: into a part beside the file that is to be, until it is whole."""

import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol, Self

from platforms.work.heartbeat import Heartbeat
from platforms.work.models import LeaseLost
from recordings.fetching.download.base import Chunk, Hasher, Version
from recordings.storage.free_space import CHECK_EVERY_BYTES, NoRoom, is_full, require_room

CHUNK_BYTES = 128 * 1024
WRITE_BYTES = 32 * 1024


class Destination(Protocol):
    """Takes one file in order, from the beginning. `size` is how many bytes of `version` it has."""

    can_be_resumed: ClassVar[bool]  # by another process
    version: Version | None
    size: int

    def exists(self) -> bool:
        """Whether the whole file is there, from a worker that was killed after it had finished this."""

    def prepare(self) -> None:
        """Take up what an earlier worker left, or remove it."""

    def restart(self, version: Version) -> None:
        """Forget what there is: another version begins."""

    def require_room(self, size: int) -> None:
        """Raise NoRoom unless so many further bytes fit."""

    def write(self, chunk: Chunk) -> None: ...

    def finish(self) -> str:
        """Make it the file that it is to be, at once and for good. Its SHA-256."""

    def keep(self) -> None:
        """Leave what there is for a next worker, as far as that can go on with it."""

    def discard(self) -> None:
        """Leave nothing behind."""


class LocalDestination:
    """A file below a folder. Its part can be gone on with after a crash.

    A part has a name of its own and is locked while its worker lives. So a worker that only slept until its lease was
    over finds its part gone, and cannot put anything in the place of what another made meanwhile.
    """

    can_be_resumed: ClassVar[bool] = True

    def __init__(self, path: Path, heartbeat: Heartbeat) -> None:
        self.path = path
        self.version: Version | None = None
        self.size = 0
        self._heartbeat = heartbeat
        self._part: _Part | None = None
        self._hasher = Hasher()
        self._flushed = 0  # bytes that the disk was told of

    def exists(self) -> bool:
        return self.path.is_file()

    def prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        parts = [part for path in _parts_of(self.path) if (part := _Part.take_over(path))]
        parts.sort(key=lambda part: part.length())
        if parts:
            self._adopt(parts.pop())
        for part in parts:
            part.remove()

    def restart(self, version: Version) -> None:
        if self._part is None:
            self._part = _Part.create(self.path)
        self._part.empty(version)
        self._hasher.close()
        self._hasher = Hasher()
        self.version, self.size, self._flushed = version, 0, 0

    def require_room(self, size: int) -> None:
        require_room(self.path.parent, size)

    def write(self, chunk: Chunk) -> None:
        if self._part is None:
            raise RuntimeError("restart() comes first")
        try:
            self._part.write(chunk)
        except OSError as error:
            if is_full(error):
                raise NoRoom from error
            raise
        self._hasher.update(chunk)
        self.size += len(chunk)
        if self.size - self._flushed >= CHECK_EVERY_BYTES:
            self.require_room(0)
            self._part.flush(self._flushed, self.size)
            self._flushed = self.size

    def finish(self) -> str:
        if self._part is None:
            raise RuntimeError("restart() comes first")
        self._heartbeat.during(self._part.sync)
        digest = self._hasher.hexdigest()
        # A worker that slept until its lease was over ends here, before it replaces what the next one may have made.
        self._heartbeat.now()
        self._part.become(self.path)
        return digest

    def keep(self) -> None:
        self._hasher.close()
        if self._part:
            self._part.close()
        self._remove_empty_folder()

    def discard(self) -> None:
        self._hasher.close()
        if self._part:
            self._part.remove()
        self._remove_empty_folder()

    def _remove_empty_folder(self) -> None:
        with suppress(OSError):  # it may not be empty
            self.path.parent.rmdir()

    def _adopt(self, part: "_Part") -> None:
        self._part, self.version = part, part.version
        part.file.seek(0)
        while chunk := part.file.read(CHUNK_BYTES):
            self._hasher.update(chunk)
            self.size += len(chunk)
            self._heartbeat()


class _Part:
    """A part on disk, open and locked, with notes beside it about which version it is of."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.version = Version()
        self._notes = path.with_suffix(".json")

    @classmethod
    def create(cls, of: Path) -> Self:
        path = of.with_name(f".{of.name}.{secrets.token_hex(8)}.part")
        file = path.open("x+b")
        # The lock goes with the process: once it is killed, its part can be taken over.
        fcntl.flock(file, fcntl.LOCK_EX)
        return cls(path, file)

    @classmethod
    def take_over(cls, path: Path) -> Self | None:
        """The part of a worker that is gone. That of one that only lost its lease is taken away from it."""
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            return None
        part = cls(path, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Its worker lives and has lost its lease. Without its part it ends with LeaseLost, as `become` finds
            # nothing.
            part.remove()
            return None
        # Between opening and locking it may have become the file, or been removed: then the name stands for something
        # else.
        if part.is_there() and part._read_notes():
            return part
        part.remove()
        return None

    def is_there(self) -> bool:
        """Whether it is still what its name stands for."""
        with suppress(FileNotFoundError):
            return os.path.samestat(self.path.stat(), os.fstat(self.file.fileno()))
        return False

    def length(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def empty(self, version: Version) -> None:
        # In this order: whenever the machine goes down, notes never speak of another version than the bytes are of.
        self._notes.unlink(missing_ok=True)
        self.file.seek(0)
        self.file.truncate()
        self.version = version
        self._notes.write_text(json.dumps(asdict(version)))

    def write(self, chunk: Chunk) -> None:
        """In pieces: large ones get large pages of memory, which were seen to cost twice the time."""
        for position in range(0, len(chunk), WRITE_BYTES):
            self.file.write(chunk[position : position + WRITE_BYTES])

    def flush(self, start: int, end: int) -> None:
        """Have a stretch written to the disk from now on, so that not all of a large file waits for the end."""
        self.file.flush()
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.file.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def become(self, path: Path) -> None:
        """Raises LeaseLost when another worker has taken it away."""
        try:
            self.path.replace(path)
        except FileNotFoundError:
            raise LeaseLost from None
        # The bytes are on the disk already; without this their name may not be when the machine goes down.
        _sync_folder(path.parent)
        self._notes.unlink(missing_ok=True)
        self.file.close()

    def close(self) -> None:
        self.file.close()

    def remove(self) -> None:
        with suppress(OSError):  # what it still holds back may not fit on the disk
            self.file.close()
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _read_notes(self) -> bool:
        """Without a validator nothing tells whether the rest would belong to it."""
        try:
            self.version = Version(**json.loads(self._notes.read_text()))
        except (OSError, ValueError, TypeError):
            return False
        return bool(self.version.validator)


def forget_parts(path: Path) -> None:
    """Remove the parts of a file, and its folder when nothing else is in it."""
    for part in _parts_of(path):
        part.unlink(missing_ok=True)
        part.with_suffix(".json").unlink(missing_ok=True)
    for notes in path.parent.glob(f".{path.name}.*.json"):
        notes.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _parts_of(path: Path) -> list[Path]:
    return list(path.parent.glob(f".{path.name}.*.part"))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
