"""Room on the disks that are written to. Every writer asks, so that some is left for the database."""

import errno
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

from platforms.exceptions import PlatformUnavailable

RETRY_SECONDS = 300.0  # until it is tried again
CHECK_EVERY_BYTES = 32 * 1024 * 1024  # written until the room is looked at again
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class NoRoom(PlatformUnavailable):
    """There is too little room on a disk of this machine, or none."""

    def __init__(self) -> None:
        super().__init__("There is too little room on the disk.", retry_after=RETRY_SECONDS)


def require_room(folder: Path, size: int = 0) -> None:
    """Raise NoRoom unless so many further bytes fit, and RECORDINGS_KEEP_FREE_MB beside them."""
    if shutil.disk_usage(_there(folder)).free < size + settings.RECORDINGS_KEEP_FREE:
        raise NoRoom


def require_room_in_storage(size: int = 0) -> None:
    """A bucket always has room."""
    storage = storages["recordings"]
    if isinstance(storage, FileSystemStorage):
        require_room(Path(storage.location), size)


def drafts() -> Path:
    """Where files are written that have no name."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())


def is_full(error: OSError) -> bool:
    return error.errno in FULL


class Frugal:
    """A file in `folder` that is written to as long as there is room: write() raises NoRoom."""

    def __init__(self, file: BinaryIO, folder: Path) -> None:
        self.seek = file.seek
        self.tell = file.tell
        self._file = file
        self._folder = folder
        self._unseen = 0  # bytes written since the room was looked at
        require_room(folder)

    def write(self, content: bytes) -> int:
        self._unseen += len(content)
        if self._unseen >= CHECK_EVERY_BYTES:
            require_room(self._folder)
            self._unseen = 0
        try:
            return self._file.write(content)
        except OSError as error:
            if is_full(error):
                raise NoRoom from error
            raise


def frugal(file: Any, folder: Path) -> BinaryIO:
    return cast(BinaryIO, Frugal(file, folder))


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: it is made when the first file is."""
    return next(path for path in [folder, *folder.parents] if path.exists())
