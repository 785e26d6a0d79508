"""Deleting audio and video: from our storage, from the bucket that the provider writes to, and at the provider.

Each place is a row of work. Only when every place has said that it holds nothing any more, the recording is called
deleted and its transcript says so. What was said stays, unless its transcript is destroyed.
"""

import logging
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from platforms.base import VideoPlatformClient
from platforms.durable import LeaseLost, Work
from recordings import buckets, places
from recordings.leases import kept
from recordings.models import Destruction, Recording, Track, Transcript, UploadPart
from recordings.states import advance
from recordings.transcripts import touch

logger = logging.getLogger(__name__)

Place = Destruction.Place
State = Recording.State


def trash(transcript: Transcript) -> None:
    """Hide a transcript and its recording; nothing is deleted before the time of the trash is over."""
    now = timezone.now()
    with transaction.atomic():
        transcript.deleted_at = now
        touch(transcript)
        if transcript.recording_id:
            Recording.objects.filter(pk=transcript.recording_id, deleted_at__isnull=True).update(deleted_at=now)


def restore(transcript: Transcript) -> bool:
    """False when it is not in the trash."""
    with transaction.atomic():
        held = Transcript.objects.select_for_update().filter(pk=transcript.pk, deleted_at__isnull=False).first()
        if held is None:
            return False
        held.deleted_at = None
        touch(held)
        if held.recording and held.recording.state != State.DELETED and not is_asked(held.recording):
            Recording.objects.filter(pk=held.recording.pk).update(deleted_at=None)
    return True


def destroy(transcript: Transcript) -> bool:
    """Delete a transcript for good, and its audio and video everywhere. False when it is not in the trash.

    The row of its recording stays, so that it is not taken in anew when somebody reports it again.
    """
    with transaction.atomic():
        held = Transcript.objects.select_for_update().filter(pk=transcript.pk, deleted_at__isnull=False).first()
        if held is None:
            return False
        parts = UploadPart.objects.filter(upload=held.pk).values_list("file", flat=True)
        files = [name for name in (held.audio_file, *parts) if name]
        if held.recording:
            delete_everywhere(held.recording, files)
        else:
            transaction.on_commit(lambda: places.delete_files(files))
        held.delete()
    logger.info("transcript_destroyed transcript=%s", transcript.pk)
    return True


def delete_audio(transcript: Transcript) -> None:
    """Have audio and video of a transcript deleted everywhere, and keep what was said."""
    if transcript.recording:
        delete_everywhere(transcript.recording)


def delete_everywhere(recording: Recording, files: Iterable[str] = ()) -> None:
    """Have every copy of a recording deleted. Asked again, it looks again."""
    _ask(recording, _places_of(recording), only_video=False, files=files)


def delete_video(recording: Recording) -> None:
    """Have the pictures deleted, once there is audio without them."""
    _ask(recording, [Place.STORAGE], only_video=True)


def is_asked(recording: Recording) -> bool:
    return Destruction.objects.filter(recording=recording, only_video=False).exists()


def destroy_in_place(work: Destruction) -> None:
    """Delete what a row of work names, where it names it. Safe to repeat."""
    with kept(work):
        places.delete_video(work) if work.only_video else places.delete_all(work)
    with transaction.atomic():
        held = Recording.objects.select_for_update().get(pk=work.recording_id)
        mine = Destruction.objects.filter(pk=work.pk, lease_token=work.lease_token)
        if not mine.update(gone_at=timezone.now(), files=[]):
            raise LeaseLost
        if work.only_video and work.place == Place.STORAGE:
            # Only now is there audio besides these.
            _ask(held, [place for place in _places_of(held) if place != Place.STORAGE], only_video=True)
        _conclude(held)


def _conclude(recording: Recording) -> None:
    """Say that all is gone, if it is. The row is locked, so that of places that end at once the last one sees all."""
    asked = Destruction.objects.filter(recording=recording)
    if asked.filter(only_video=True).exists() or asked.filter(gone_at__isnull=True).exists():
        return
    if recording.file or recording.tracks.exclude(file="").exists():
        # Stored by a worker that was under way meanwhile.
        _ask(recording, [Place.STORAGE], only_video=False)
        return
    advance(recording, State.DELETED, source_url="", has_video=False, error="", can_retry=False)
    recording.tracks.update(state=Track.State.DELETED)
    for transcript in Transcript.objects.select_for_update().filter(recording=recording):
        transcript.audio_deleted, transcript.audio_file = True, ""
        touch(transcript)
    logger.info("recording_deleted recording=%s", recording.pk)


def _places_of(recording: Recording) -> list[Place]:
    found = [Place.STORAGE]
    if recording.bucket and (recording.key or recording.tracks.exists()):
        found.append(Place.BUCKET)
    if recording.provider_recording_id:
        client = buckets.client_of(recording.platform)
        # Where the platform is not configured any more it cannot be said that all is gone: the row will say why.
        if client is None or _has_it(client, Place.BUCKET in found):
            found.append(Place.PROVIDER)
    return found


def _has_it(client: VideoPlatformClient, is_in_bucket: bool) -> bool:
    return client.supports_recording_deletion and (client.remembers_bucket_recordings or not is_in_bucket)


def _ask(recording: Recording, among: Iterable[Place], only_video: bool, files: Iterable[str] = ()) -> None:
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)
        for place in among:
            _ask_one(recording, place, only_video, files if place == Place.STORAGE else ())
        if not only_video:
            Destruction.objects.filter(recording=recording).update(only_video=False)


def _ask_one(recording: Recording, place: Place, only_video: bool, files: Iterable[str]) -> None:
    """A row that is there begins anew: one that is under way cannot record its outcome over this."""
    row = Destruction.objects.filter(recording=recording, place=place).first()
    row = row or Destruction(recording=recording, place=place, only_video=only_video)
    row.only_video = row.only_video and only_video
    row.files = [*row.files, *files]
    row.state, row.attempts, row.last_error = Work.State.WAITING, 0, ""
    row.next_attempt_at, row.gone_at, row.finished_at = timezone.now(), None, None
    row.lease_token = row.lease_until = None
    row.save()
    row.nudge_on_commit()
