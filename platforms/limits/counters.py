"""Counts that all processes share: in Redis where there is one, else in a file that those of this machine have mapped.

Counting costs some microseconds, and no work in the database: whoever calls too often must not keep others waiting.
"""

import fcntl
import logging
import mmap
import os
import struct
import threading
import time
from functools import cache
from pathlib import Path

import redis
from django.conf import settings
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)

PLACES = 65_536
ENTRY = struct.Struct("=II")  # the window, and how often
ROWS = 2  # each subject has a place in each row; the lower count is its own, unless others share both
REDIS_SECONDS = 0.3  # to connect, and for an answer
REDIS_PAUSE_SECONDS = 10.0  # that it is left alone after it gave none


class MachineCounter:
    """Counts in a file of a fixed size, however many subjects there are: two may share a place, now and then."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            self._counts = self._map(self._file)
        except OSError as error:  # no room on the disk, for one: then each process counts for itself
            logger.warning("limits_not_shared error=%s", type(error).__name__)
            self._counts = mmap.mmap(-1, ROWS * PLACES * ENTRY.size)

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def add(self, subject: str, window: int) -> int:
        """Count one more; how many there are in this window."""
        digest = _digest(subject)
        places = [row * PLACES + int.from_bytes(digest[4 * row : 4 * row + 4]) % PLACES for row in range(ROWS)]
        with self._lock:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                return min([self._add(place * ENTRY.size, window % 2**32) for place in places])
            finally:
                if self._file is not None:
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    def _add(self, offset: int, window: int) -> int:
        last, count = ENTRY.unpack_from(self._counts, offset)
        count = min(count + 1, 2**32 - 1) if last == window else 1
        ENTRY.pack_into(self._counts, offset, window, count)
        return count

    def _map(self, file: int) -> mmap.mmap:
        """The disk gives the room before it is mapped: a write into a hole that cannot be filled ends the process."""
        size = ROWS * PLACES * ENTRY.size
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.fstat(file).st_size != size:
                os.posix_fallocate(file, 0, size)
            return mmap.mmap(file, size)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


class RedisCounter:
    def __init__(self, url: str) -> None:
        timeouts = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        self._redis = redis.Redis.from_url(url, **timeouts)

    def add(self, subject: str, window: int, seconds: int) -> int:
        key = f"limits:{_digest(subject).hex()}:{window}"
        with self._redis.pipeline() as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, seconds)
            count, _ = pipeline.execute()
        return int(count)


class Counter:
    """Whichever there is. A Redis that is away lets everybody through to the machine's own counts."""

    def __init__(self) -> None:
        self._machine = MachineCounter(settings.DATA_DIR / "limits")
        self._redis = RedisCounter(settings.REDIS_URL) if settings.REDIS_URL else None
        self._redis_from = 0.0  # when it may be asked again

    def add(self, subject: str, window: int, seconds: int) -> int:
        if self._redis and time.monotonic() >= self._redis_from:
            try:
                return self._redis.add(subject, window, seconds)
            except redis.RedisError as error:
                self._redis_from = time.monotonic() + REDIS_PAUSE_SECONDS
                logger.warning("limits_without_redis error=%s", type(error).__name__)
        return self._machine.add(subject, window)


@cache
def counter() -> Counter:
    return Counter()


# A lock on a file belongs to all that were forked with it open.
os.register_at_fork(after_in_child=counter.cache_clear)


def _digest(subject: str) -> bytes:
    """Who calls from where is nobody's business, and nobody outside can choose whose place they share."""
    return salted_hmac("limits", subject, algorithm="sha256").digest()
