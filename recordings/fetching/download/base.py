"""What sources, destinations and the transfer between them have in common."""

import hashlib
import queue
import threading
from dataclasses import dataclass

from platforms.exceptions import PlatformRejected

Chunk = bytes | memoryview  # of a buffer that is used again, see BUFFERS

NOT_THERE = 404  # the status of what was looked for elsewhere than on a server
BEHIND = 4  # chunks that wait to be hashed
# Buffers that are filled in turn: while one is, as many as that wait, one is hashed and one is handed on.
BUFFERS = BEHIND + 3


class FetchFailed(PlatformRejected):
    """The file cannot be had, or is not wanted, for the reason that the text tells people.

    It is not tried again by itself; `can_retry` tells whether trying again later, by hand, can help. `status` is what
    the server answered in the place of the file.
    """

    def __init__(self, reason: str, can_retry: bool = False, status: int | None = None) -> None:
        super().__init__(reason, status=status)
        self.can_retry = can_retry


class ConnectionLost(Exception):
    """The bytes stopped before the end of the file: the rest can be asked for."""


class SourceChanged(Exception):
    """What the source has is not what was begun: it is to be fetched from its beginning."""


@dataclass(frozen=True)
class Version:
    """Tells one content of a source from another, so that a file is not pieced together from two.

    `validator` is what If-Range takes, "" where the server gives nothing of the kind. `size` is None when unknown.
    """

    validator: str = ""
    size: int | None = None  # bytes
    content_type: str = ""


@dataclass(frozen=True)
class StoredFile:
    """A whole file in the recordings storage; `content_type` is what its source said."""

    name: str
    size: int  # bytes
    sha256: str
    content_type: str = ""


class Hasher:
    """SHA-256 of what goes by, in a thread of its own: hashing takes about as long as writing, and need not wait."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._chunks: queue.Queue[Chunk | None] = queue.Queue(BEHIND)
        self._thread: threading.Thread | None = None

    def update(self, chunk: Chunk) -> None:
        """The chunk must stay what it is until BEHIND + 1 others have followed."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
            self._thread.start()
        self._chunks.put(chunk)

    def hexdigest(self) -> str:
        """Of all that went by; nothing may follow."""
        self.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._chunks.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._digest.update(chunk)
