"""What a worker holds while it ingests a recording, and the only ways in which it changes that."""

import logging
from datetime import timedelta
from typing import Any, BinaryIO, ClassVar, cast

from django.core.files.storage import storages
from django.db import transaction

from platforms.exceptions import PlatformUnavailable
from platforms.work.heartbeat import Heartbeat
from recordings import telling
from recordings.fetching.download import forget
from recordings.media.info import MediaInfo
from recordings.media.probe import probe
from recordings.models import Ingest, Recording, Submission, Track
from recordings.models.transitions import transition
from recordings.storage.reader import open_stored
from recordings.transcripts.beginning import give_up

logger = logging.getLogger(__name__)


class Cancelled(Exception):
    """The recording is to be deleted, or somebody else has taken it further: this work is void."""


class Claim:
    """A recording and the job that lets this worker change it."""

    LEASE: ClassVar[timedelta] = Ingest.LEASE

    def __init__(self, job: Ingest, recording: Recording) -> None:
        self.job = job
        self.recording = recording

    def renew(self) -> None:
        self.job.renew()
        if self.recording.is_being_deleted():
            raise Cancelled

    def complete(self, state: str, **fields: Any) -> None:
        with transaction.atomic():
            self.renew()  # holds the job until the end of the transaction
            if not transition(self.recording, state, **fields):
                raise Cancelled
            if state == Recording.State.STORED:
                submission, created = Submission.objects.get_or_create(recording=self.recording)
                if not created:
                    Submission.objects.filter(pk=submission.pk).run_again()
                submission.enqueue_on_commit()
                telling.recording_ready(self.recording)
            elif state == Recording.State.NO_AUDIO:
                give_up(self.recording, self.recording.error)
                telling.recording_failed(self.recording)
        logger.info("recording_ingested recording=%s state=%s", self.recording.pk, state)

    def note(self, track: Track, state: str, **fields: Any) -> None:
        with transaction.atomic():
            self.renew()
            Track.objects.filter(pk=track.pk).update(state=state, **fields)

    def require_newest(self) -> None:
        """Before a file is called of no use. Raises PlatformUnavailable when another was reported meanwhile."""
        reported = Recording.objects.values_list("reported_version", flat=True).get(pk=self.recording.pk)
        if reported != self.recording.fetched_version:
            raise PlatformUnavailable("Its file was replaced while it was fetched.")

    def probe(self, name: str) -> MediaInfo:
        """Raises NotMedia."""
        with open_stored(name) as file:
            return probe(cast(BinaryIO, _HeartbeatFile(file, Heartbeat(self))))

    def remove(self, name: str) -> None:
        """Take a file that is of no use out of the storage."""
        self.renew()
        storages["recordings"].delete(name)
        forget(name)


class _HeartbeatFile:
    """A file that is read for a while: who reads on keeps the work."""

    def __init__(self, file: BinaryIO, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._read = file.read
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        self._heartbeat()
        return self._read(size)
