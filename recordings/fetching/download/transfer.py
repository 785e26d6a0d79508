"""From a source to a destination, whatever happens on the way."""

import logging
import time
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from storages.backends.s3 import S3Storage

from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.http.safe_http import RequestFailed
from platforms.pauses import shortened
from platforms.work.heartbeat import Heartbeat, Renewable
from platforms.work.models import LeaseLost
from recordings.fetching.download.base import ConnectionLost, FetchFailed, Hasher, SourceChanged, StoredFile
from recordings.fetching.download.buckets import S3Destination, end_uploads
from recordings.fetching.download.destinations import Destination, LocalDestination, forget_parts
from recordings.fetching.download.sources import Body, UrlSource
from recordings.storage.reader import open_stored

logger = logging.getLogger(__name__)

TRIES = 5  # in a row that bring little
LEAST_PROGRESS_BYTES = 64 * 1024
SLOWEST_BYTES_PER_SECOND = 2048
FIRST_PAUSE_SECONDS = 0.2  # after a cut, doubled by each further one in a row
# The longest that a server may ask to wait without ending the attempt, in seconds: where a next attempt can go on, and
# where it would have to begin anew.
RESUME_WAIT_SECONDS = 3.0
RESTART_WAIT_SECONDS = 60.0
READ_BYTES = 128 * 1024


def fetch(source: UrlSource, name: str, claim: Renewable, anew: bool = False) -> StoredFile:
    """Copy a file into the recordings storage under that name, whole or not at all.

    What an earlier attempt left is gone on with, and a file that is there already is taken as it is, unless `anew`.
    Raises FetchFailed, or another PlatformRejected, for good; PlatformUnavailable or OSError when it can be tried
    again; and what `held.renew` raises. Takes RECORDING_DEADLINE_SECONDS at most.
    """
    heartbeat = Heartbeat(claim)
    destination = _destination(storages["recordings"], name, heartbeat)
    if not anew and destination.exists():
        forget(name)
        return examine(name, claim)
    transfer = _Transfer(source, destination, heartbeat)
    try:
        destination.prepare()
        transfer.run()
        digest = destination.finish()
    # Nobody goes on with this: what there is would only take room.
    except (PlatformRejected, LeaseLost):
        destination.discard()
        raise
    # Also a worker that is told to stop: what has come need not come again.
    except BaseException:
        destination.keep()
        raise
    logger.info(
        "file_fetched name=%s bytes=%d received=%d cuts=%d", name, destination.size, transfer.received, transfer.cuts
    )
    return StoredFile(name, destination.size, digest, destination.version.content_type if destination.version else "")


def examine(name: str, claim: Renewable) -> StoredFile:
    """What is known of a file that is in the storage already, by reading it."""
    heartbeat = Heartbeat(claim)
    hasher, size = Hasher(), 0
    try:
        with open_stored(name) as file:
            while chunk := file.read(READ_BYTES):
                hasher.update(chunk)
                size += len(chunk)
                heartbeat()
    finally:
        digest = hasher.hexdigest()
    return StoredFile(name, size, digest)


def forget(name: str) -> None:
    """Remove what unfinished attempts have left of a file, in the storage."""
    storage = storages["recordings"]
    if isinstance(storage, S3Storage):
        client, key = storage.connection.meta.client, storage._normalize_name(name)
        end_uploads(client, {"Bucket": storage.bucket_name, "Key": key})
    else:
        forget_parts(Path(storage.path(name)))


def _destination(storage: Storage, name: str, heartbeat: Heartbeat) -> Destination:
    if isinstance(storage, S3Storage):
        return S3Destination(storage, name, heartbeat)
    if isinstance(storage, FileSystemStorage):
        return LocalDestination(Path(storage.path(name)), heartbeat)
    raise PlatformNotConfigured("STORAGES['recordings'] must be a FileSystemStorage or an S3Storage.")


class _Transfer:
    def __init__(self, source: UrlSource, destination: Destination, heartbeat: Heartbeat) -> None:
        self.received = 0  # bytes, those fetched again included
        self.cuts = 0
        self._source = source
        self._destination = destination
        self._heartbeat = heartbeat
        self._deadline = time.monotonic() + settings.RECORDING_DEADLINE_SECONDS
        self._has_ended = False
        self._starts_over = False
        self._is_sure = False

    def run(self) -> None:
        fruitless = 0
        while not self._is_whole() or self._has_more():
            before = self._destination.size
            try:
                self._pull()
            except (ConnectionLost, SourceChanged, RequestFailed) as error:
                self.cuts += 1
                fruitless = 0 if self._destination.size - before >= LEAST_PROGRESS_BYTES else fruitless + 1
                if fruitless >= TRIES:
                    raise _given_up(error) from error
                self._starts_over = isinstance(error, SourceChanged)
                self._heartbeat.pause(shortened(FIRST_PAUSE_SECONDS * 2**fruitless))
            except PlatformUnavailable as error:
                fruitless += 1
                if error.retry_after > self._longest_wait() or fruitless >= TRIES:
                    raise
                self._heartbeat.pause(error.retry_after)

    def _is_whole(self) -> bool:
        version = self._destination.version
        return self._has_ended or (
            version is not None and version.size == self._destination.size and not self._starts_over
        )

    def _has_more(self) -> bool:
        """Ask once, where the length is the word of one answer only. No answer to this is no reason to doubt."""
        version = self._destination.version
        if self._is_sure or version is None or not version.size or not version.validator:
            return False
        self._is_sure = True
        seconds = self._seconds_left()
        try:
            if not self._heartbeat.during(lambda: self._source.has_more(version, seconds)):
                return False
        except PlatformError:
            return False
        self._destination.version = replace(version, size=None)
        self._has_ended = False
        return True

    def _pull(self) -> None:
        """Take in as much as comes; returns when that was all."""
        start = 0 if self._starts_over else self._destination.size
        seconds = self._seconds_left()
        with self._heartbeat.during(lambda: self._source.open(start, self._destination.version, seconds)) as body:
            self._starts_over = False
            if self._accept(body):
                self._take_in(body)
        self._has_ended = True

    def _accept(self, body: Body) -> bool:
        """False when all of this version is here already."""
        known = self._destination.version
        is_same = known is not None and known.validator == body.version.validator != ""
        if is_same and body.version.size == self._destination.size:
            self._destination.version = body.version
            return False
        self._is_sure = body.is_sure
        if body.start != self._destination.size or body.start == 0:
            self._destination.restart(body.version)
        self._destination.version = body.version
        if (size := body.version.size) is not None:
            self._require_size(size)
            self._destination.require_room(size - body.start)
        return True

    def _take_in(self, body: Body) -> None:
        meter = _Meter()
        for chunk in body:
            self.received += len(chunk)
            self._require_size(self._destination.size + len(chunk))
            self._destination.write(chunk)
            self._heartbeat()
            meter.count(len(chunk))

    def _require_size(self, size: int) -> None:
        if size > settings.RECORDING_MAX_BYTES:
            raise FetchFailed(f"The file is larger than {settings.RECORDING_MAX_BYTES} bytes (RECORDING_MAX_BYTES).")

    def _longest_wait(self) -> float:
        return (
            RESUME_WAIT_SECONDS
            if self._destination.can_be_resumed or not self._destination.size
            else RESTART_WAIT_SECONDS
        )

    def _seconds_left(self) -> float:
        seconds: float = self._deadline - time.monotonic()
        if seconds <= 0:
            raise PlatformUnavailable("Fetching the file took too long (RECORDING_DEADLINE_SECONDS).", retry_after=60)
        return seconds


class _Meter:
    """Tells a server that drips from one that is slow."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._bytes = 0

    def count(self, size: int) -> None:
        self._bytes += size
        elapsed = time.monotonic() - self._began
        if elapsed < settings.RECORDING_SILENCE_SECONDS:
            return
        if self._bytes < SLOWEST_BYTES_PER_SECOND * elapsed:
            raise ConnectionLost("The server sends too slowly.")
        self._began, self._bytes = time.monotonic(), 0


def _given_up(error: Exception) -> PlatformUnavailable:
    if isinstance(error, PlatformUnavailable):
        return error
    reason = "The server changes the file again and again." if isinstance(error, SourceChanged) else str(error)
    return PlatformUnavailable(reason)
