"""What sources, sinks and the transfer between them have in common."""

import hashlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol, TypeVar

from platforms.exceptions import PlatformRejected

Result = TypeVar("Result")
Chunk = bytes | memoryview  # of a buffer that is used again, see BUFFERS

RENEWALS = 6  # in the time of one lease
BEHIND = 4  # chunks that wait to be hashed
# Buffers that are filled in turn: while one is, as many as that wait, one is hashed and one is handed on.
BUFFERS = BEHIND + 3


class FetchFailed(PlatformRejected):
    """The file cannot be had, or is not wanted, for the reason that the text tells people.

    It is not tried again by itself; `can_retry` tells whether trying again later, by hand, can help.
    """

    def __init__(self, reason: str, can_retry: bool = False) -> None:
        super().__init__(reason)
        self.can_retry = can_retry


class Cut(Exception):
    """The bytes stopped before the end of the file: the rest can be asked for."""


class Changed(Exception):
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


class Held(Protocol):
    """What a worker holds while it works: a row of work, or what stands for one."""

    LEASE: ClassVar[timedelta]

    def renew(self) -> None:
        """Keep it for another LEASE. Raises what ends the work when it is not to be gone on with."""


class Beat:
    """Renews what is held now and then, as long as it is called often enough: a worker that hangs loses its hold."""

    def __init__(self, held: Held) -> None:
        self._renew: Callable[[], None] = held.renew
        self._every = held.LEASE.total_seconds() / RENEWALS
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last >= self._every:
            self.now()

    def now(self) -> None:
        self._renew()
        self._last = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait, and keep what is held meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._every))
            self()

    def during(self, call: Callable[[], Result]) -> Result:
        """Make a call that may take long in another thread, and keep what is held meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            return self.wait(pool.submit(call))

    def wait(self, future: Future[Result]) -> Result:
        """What another thread is making; keep what is held meanwhile."""
        while not wait([future], self._every).done:
            self.now()
        self()
        return future.result()


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
