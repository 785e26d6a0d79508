"""From a source to a sink, whatever happens on the way."""

import logging
import time
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from storages.backends.s3 import S3Storage

from platforms.durable import LeaseLost
from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.outbound import OutboundFailed
from recordings.fetching.base import Beat, Changed, Cut, FetchFailed, Hasher, Held, StoredFile
from recordings.fetching.buckets import S3Sink, end_uploads
from recordings.fetching.sinks import LocalSink, Sink, forget_parts
from recordings.fetching.sources import Body, UrlSource
from recordings.reading import open_stored

logger = logging.getLogger(__name__)

TRIES = 5  # in a row that bring little
LITTLE = 64 * 1024  # bytes
SLOWEST = 2048  # bytes per second
FIRST_PAUSE = 0.2  # seconds after a cut, doubled by each further one in a row
# The longest that a server may ask to wait without ending the attempt, in seconds: where a next attempt can go on, and
# where it would have to begin anew.
PATIENCE = 3.0
LONG_PATIENCE = 60.0
READ = 128 * 1024  # bytes


def fetch(source: UrlSource, name: str, held: Held, anew: bool = False) -> StoredFile:
    """Copy a file into the recordings storage under that name, whole or not at all.

    What an earlier attempt left is gone on with, and a file that is there already is taken as it is, unless `anew`.
    Raises FetchFailed, or another PlatformRejected, for good; PlatformUnavailable or OSError when it can be tried
    again; and what `held.renew` raises. Takes RECORDING_DEADLINE_SECONDS at most.
    """
    beat = Beat(held)
    sink = _sink(storages["recordings"], name, beat)
    if not anew and sink.exists():
        forget(name)
        return examine(name, held)
    transfer = _Transfer(source, sink, beat)
    try:
        sink.prepare()
        transfer.run()
        digest = sink.finish()
    except (PlatformRejected, LeaseLost):
        sink.discard()
        raise
    except BaseException:
        sink.keep()
        raise
    logger.info("file_fetched name=%s bytes=%d received=%d cuts=%d", name, sink.size, transfer.received, transfer.cuts)
    return StoredFile(name, sink.size, digest, sink.version.content_type if sink.version else "")


def examine(name: str, held: Held) -> StoredFile:
    """What is known of a file that is in the storage already, by reading it."""
    beat = Beat(held)
    hasher, size = Hasher(), 0
    try:
        with open_stored(name) as file:
            while chunk := file.read(READ):
                hasher.update(chunk)
                size += len(chunk)
                beat()
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


def _sink(storage: Storage, name: str, beat: Beat) -> Sink:
    if isinstance(storage, S3Storage):
        return S3Sink(storage, name, beat)
    if isinstance(storage, FileSystemStorage):
        return LocalSink(Path(storage.path(name)), beat)
    raise PlatformNotConfigured("STORAGES['recordings'] must be a FileSystemStorage or an S3Storage.")


class _Transfer:
    def __init__(self, source: UrlSource, sink: Sink, beat: Beat) -> None:
        self.received = 0  # bytes, those fetched again included
        self.cuts = 0
        self._source = source
        self._sink = sink
        self._beat = beat
        self._deadline = time.monotonic() + settings.RECORDING_DEADLINE_SECONDS
        self._has_ended = False
        self._starts_over = False
        self._is_sure = False

    def run(self) -> None:
        fruitless = 0
        while not self._is_whole() or self._has_more():
            before = self._sink.size
            try:
                self._pull()
            except (Cut, Changed, OutboundFailed) as error:
                self.cuts += 1
                fruitless = 0 if self._sink.size - before >= LITTLE else fruitless + 1
                if fruitless >= TRIES:
                    raise _given_up(error) from error
                self._starts_over = isinstance(error, Changed)
                self._beat.pause(FIRST_PAUSE * 2**fruitless)
            except PlatformUnavailable as error:
                fruitless += 1
                if error.retry_after > self._patience() or fruitless >= TRIES:
                    raise
                self._beat.pause(error.retry_after)

    def _is_whole(self) -> bool:
        version = self._sink.version
        return self._has_ended or (version is not None and version.size == self._sink.size and not self._starts_over)

    def _has_more(self) -> bool:
        """Ask once, where the length is the word of one answer only. No answer to this is no reason to doubt."""
        version = self._sink.version
        if self._is_sure or version is None or not version.size or not version.validator:
            return False
        self._is_sure = True
        seconds = self._seconds_left()
        try:
            if not self._beat.during(lambda: self._source.has_more(version, seconds)):
                return False
        except PlatformError:
            return False
        self._sink.version = replace(version, size=None)
        self._has_ended = False
        return True

    def _pull(self) -> None:
        """Take in as much as comes; returns when that was all."""
        start = 0 if self._starts_over else self._sink.size
        seconds = self._seconds_left()
        with self._beat.during(lambda: self._source.open(start, self._sink.version, seconds)) as body:
            self._starts_over = False
            if self._accept(body):
                self._take_in(body)
        self._has_ended = True

    def _accept(self, body: Body) -> bool:
        """False when all of this version is here already."""
        held = self._sink.version
        is_same = held is not None and held.validator == body.version.validator != ""
        if is_same and body.version.size == self._sink.size:
            self._sink.version = body.version
            return False
        self._is_sure = body.is_sure
        if body.start != self._sink.size or body.start == 0:
            self._sink.restart(body.version)
        self._sink.version = body.version
        if (size := body.version.size) is not None:
            self._require_size(size)
            self._sink.require_room(size - body.start)
        return True

    def _take_in(self, body: Body) -> None:
        meter = _Meter()
        for chunk in body:
            self.received += len(chunk)
            self._require_size(self._sink.size + len(chunk))
            self._sink.write(chunk)
            self._beat()
            meter.count(len(chunk))

    def _require_size(self, size: int) -> None:
        if size > settings.RECORDING_MAX_BYTES:
            raise FetchFailed(f"The file is larger than {settings.RECORDING_MAX_BYTES} bytes (RECORDING_MAX_BYTES).")

    def _patience(self) -> float:
        return PATIENCE if self._sink.can_be_resumed or not self._sink.size else LONG_PATIENCE

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
        if self._bytes < SLOWEST * elapsed:
            raise Cut("The server sends too slowly.")
        self._began, self._bytes = time.monotonic(), 0


def _given_up(error: Exception) -> PlatformUnavailable:
    if isinstance(error, PlatformUnavailable):
        return error
    reason = "The server changes the file again and again." if isinstance(error, Changed) else str(error)
    return PlatformUnavailable(reason)
