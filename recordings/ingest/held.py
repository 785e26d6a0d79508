"""What a worker holds while it ingests a recording, and the only ways in which it changes that."""

import logging
from datetime import timedelta
from typing import Any, BinaryIO, ClassVar, cast

from django.core.files.storage import storages
from django.db import transaction

from recordings.fetching import Beat, forget
from recordings.media import MediaInfo, probe
from recordings.models import Destruction, HandOff, Ingest, Recording, Track
from recordings.reading import open_stored
from recordings.states import advance

logger = logging.getLogger(__name__)


class Unwanted(Exception):
    """The recording is to be deleted, or somebody else has taken it further: this work is void."""


class Held:
    """A recording and the row of work that lets this worker change it."""

    LEASE: ClassVar[timedelta] = Ingest.LEASE

    def __init__(self, work: Ingest, recording: Recording) -> None:
        self.work = work
        self.recording = recording

    def renew(self) -> None:
        self.work.renew()
        if self.is_to_go():
            raise Unwanted

    def is_to_go(self) -> bool:
        return Destruction.objects.filter(recording=self.recording, only_video=False).exists()

    def settle(self, state: str, **fields: Any) -> None:
        with transaction.atomic():
            self.renew()  # holds the row of work until the end of the transaction
            if not advance(self.recording, state, **fields):
                raise Unwanted
            if state == Recording.State.STORED:
                hand_off, created = HandOff.objects.get_or_create(recording=self.recording)
                if not created:
                    HandOff.objects.filter(pk=hand_off.pk).run_again()
                hand_off.nudge_on_commit()
        logger.info("recording_ingested recording=%s state=%s", self.recording.pk, state)

    def note(self, track: Track, state: str, **fields: Any) -> None:
        with transaction.atomic():
            self.renew()
            Track.objects.filter(pk=track.pk).update(state=state, **fields)

    def look_into(self, name: str) -> MediaInfo:
        """Raises NotMedia."""
        with open_stored(name) as file:
            return probe(cast(BinaryIO, _Watched(file, Beat(self))))

    def remove(self, name: str) -> None:
        """Take a file that is of no use out of the storage."""
        self.renew()
        storages["recordings"].delete(name)
        forget(name)


class _Watched:
    """A file that is read for a while: who reads on keeps the work."""

    def __init__(self, file: BinaryIO, beat: Beat) -> None:
        self._beat = beat
        self._read = file.read
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        self._beat()
        return self._read(size)
