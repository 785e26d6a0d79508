"""Deleting audio and video: from our storage, from the bucket that the provider writes to, and at the provider.

Each place is a job. Only when every place has said that it holds nothing any more, the recording is called
deleted and its transcript says so. What was said stays, unless its transcript is destroyed.
"""

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from platforms.abilities import RecordingBucket
from platforms.exceptions import PlatformError, PlatformNotConfigured, UnsupportedCapability
from platforms.work.heartbeat import keep_alive
from platforms.work.models import Job, LeaseLost
from recordings.models import Erasure, Recording, Track, Transcript, UploadPart
from recordings.models.transitions import transition
from recordings.privacy import erasure
from recordings.storage import buckets

logger = logging.getLogger(__name__)

Location = Erasure.Location
State = Recording.State
ERROR_LIMIT = 1000  # characters


def trash(transcript: Transcript) -> None:
    """Hide a transcript and its recording; nothing is deleted before the time of the trash is over."""
    now = timezone.now()
    with transaction.atomic():
        _lock_recordings(transcript)
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        transcript.deleted_at = held.deleted_at = now
        held.touch()
        _recordings_of(held).filter(deleted_at__isnull=True).update(deleted_at=now)


def restore(transcript: Transcript) -> bool:
    """Take it out of the trash, or its recording, which may rest there alone. False when neither is there."""
    with transaction.atomic():
        _lock_recordings(transcript)
        held = Transcript.objects.select_for_update().get(pk=transcript.pk)
        was_in_trash, held.deleted_at = held.deleted_at is not None, None
        if was_in_trash:
            held.touch()
        has_audio_again = bool(list(filter(restore_recording, held.recordings)))
        if has_audio_again and not was_in_trash:
            held.touch()
    return was_in_trash or has_audio_again


def restore_recording(recording: Recording) -> bool:
    """How long it is kept counts from now. False when it is not in the trash, or its deletion has begun.

    One whose transcript was put there goes back with that.
    """
    with transaction.atomic():
        # PostgreSQL locks no row that may not be there, as that of the transcript.
        resting = Recording.objects.select_for_update(of=("self",)).filter(pk=recording.pk, deleted_at__isnull=False)
        resting = resting.exclude(state=State.DELETED).exclude(video_of__deleted_at__isnull=False)
        held = resting.exclude(transcript__deleted_at__isnull=False).first()
        if held is None or held.is_being_deleted():
            return False
        Recording.objects.filter(pk=held.pk).update(deleted_at=None, restored_at=timezone.now())
    return True


def destroy(transcript: Transcript) -> bool:
    """Delete a transcript for good, and its audio and video everywhere. False when it is not in the trash.

    The row of its recording stays, so that it is not taken in anew when somebody reports it again.
    """
    with transaction.atomic():
        _lock_recordings(transcript)
        held = Transcript.objects.select_for_update().filter(pk=transcript.pk, deleted_at__isnull=False).first()
        if held is None:
            return False
        parts = UploadPart.objects.filter(upload=held.pk).values_list("file", flat=True)
        files = [name for name in (held.audio_file, *parts) if name]
        if held.recording:
            for recording in held.recordings:
                delete_everywhere(recording, files if recording == held.recording else ())
        else:
            transaction.on_commit(lambda: erasure.delete_files(files))
        held.delete()
    logger.info("transcript_destroyed transcript=%s", transcript.pk)
    return True


def delete_audio(transcript: Transcript) -> None:
    """Have audio and video of a transcript deleted everywhere, and keep what was said."""
    for recording in transcript.recordings:
        delete_everywhere(recording)


def remove(transcript: Transcript) -> None:
    """Of one in which nothing was said, the row."""
    transcript.deleted_at = timezone.now()
    transcript.touch()
    transcript.delete()


def delete_everywhere(recording: Recording, files: Iterable[str] = ()) -> None:
    """Have every copy of a recording deleted. Asked again, it looks again."""
    _ask(recording, _locations_of(recording), only_video=False, files=files)


def delete_video(recording: Recording) -> None:
    """Have the pictures deleted, once there is audio without them."""
    _ask(recording, [Location.STORAGE], only_video=True)


def erase(job: Erasure) -> None:
    """Delete what a job names, where it names it. Safe to repeat.

    Where the provider takes no such request, the work is done: nothing of it failed, and the copy is kept there.
    """
    try:
        with keep_alive(job):
            erasure.delete_video(job) if job.only_video else erasure.delete_all(job)
    except UnsupportedCapability as error:
        _note_kept(job, error)
        return
    with transaction.atomic():
        held = Recording.objects.select_for_update().get(pk=job.recording_id)
        mine = Erasure.objects.filter(pk=job.pk, lease_token=job.lease_token)
        if not mine.update(gone_at=timezone.now(), files=[]):
            raise LeaseLost
        if job.only_video and job.location == Location.STORAGE:
            # Only now is there audio besides these.
            _ask(held, [location for location in _locations_of(held) if location != Location.STORAGE], only_video=True)
        _conclude(held)


def _note_kept(job: Erasure, error: UnsupportedCapability) -> None:
    with transaction.atomic():
        if not Erasure.objects.select_for_update().filter(pk=job.pk, lease_token=job.lease_token).exists():
            raise LeaseLost
        _say_left(job, str(error))


def on_permanent_failure(job: Erasure, error: Exception) -> None:
    """A place could not be emptied, and is not tried again: the recording is not called deleted, and says why."""
    match error:
        case PlatformNotConfigured():  # its text is for who runs the server
            reason = "The platform is not configured any more."
        case PlatformError():
            reason = str(error)
        case _:
            reason = type(error).__name__
    _say_left(job, reason)


def _say_left(job: Erasure, reason: str) -> None:
    text = f"A copy may be left: {job.get_location_display()}. {reason}"
    Recording.objects.filter(pk=job.recording_id).update(error=text[:ERROR_LIMIT])
    logger.warning("recording_left recording=%s place=%s", job.recording_id, job.location)


def _conclude(recording: Recording) -> None:
    """Say that all is gone, if it is. The row is locked, so that of places that end at once the last one sees all."""
    asked = Erasure.objects.filter(recording=recording)
    if asked.filter(only_video=True).exists() or asked.filter(gone_at__isnull=True).exists():
        return
    if recording.file or recording.tracks.exclude(file="").exists():
        # Stored by a worker that was under way meanwhile.
        _ask(recording, [Location.STORAGE], only_video=False)
        return
    transition(recording, State.DELETED, source_url="", has_video=False, error="", can_retry=False)
    recording.tracks.update(state=Track.State.DELETED)
    for transcript in Transcript.objects.select_for_update().filter(Q(recording=recording) | Q(video=recording)):
        _tell(transcript, recording)
    logger.info("recording_deleted recording=%s", recording.pk)


def _tell(transcript: Transcript, deleted: Recording) -> None:
    if deleted.pk == transcript.recording_id and transcript.is_awaited():
        remove(transcript)
        return
    if not _recordings_of(transcript).exclude(state=State.DELETED).exists():
        transcript.audio_deleted, transcript.audio_file, transcript.waveform = True, "", []
    transcript.touch()


def _lock_recordings(transcript: Transcript) -> None:
    """Before the transcript, as workers lock them: in the other order two would wait for each other."""
    list(_recordings_of(transcript).select_for_update().order_by("pk").values_list("pk"))


def _recordings_of(transcript: Transcript) -> QuerySet[Recording]:
    return Recording.objects.filter(pk__in=filter(None, (transcript.recording_id, transcript.video_id)))


def _locations_of(recording: Recording) -> list[Location]:
    found = [Location.STORAGE]
    if recording.bucket and (recording.key or recording.tracks.exists()):
        found.append(Location.BUCKET)
    if recording.provider_recording_id:
        client = buckets.client_of(recording.platform)
        # Where the platform is not configured any more it cannot be said that all is gone: the row will say why.
        # Where the provider cannot delete, it will as well.
        forgets = isinstance(client, RecordingBucket) and not client.remembers_bucket_recordings
        if not forgets or Location.BUCKET not in found:
            found.append(Location.PROVIDER)
    return found


def _ask(recording: Recording, among: Iterable[Location], only_video: bool, files: Iterable[str] = ()) -> None:
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)
        for location in among:
            _ask_one(recording, location, only_video, files if location == Location.STORAGE else ())
        if not only_video:
            Erasure.objects.filter(recording=recording).update(only_video=False)


def _ask_one(recording: Recording, location: Location, only_video: bool, files: Iterable[str]) -> None:
    """A row that is there begins anew: one that is under way cannot record its outcome over this."""
    row = Erasure.objects.filter(recording=recording, location=location).first()
    row = row or Erasure(recording=recording, location=location, only_video=only_video)
    row.only_video = row.only_video and only_video
    row.files = [*row.files, *files]
    row.state, row.attempts, row.losses, row.last_error = Job.State.WAITING, 0, 0, ""
    row.next_attempt_at, row.gone_at, row.finished_at = timezone.now(), None, None
    row.lease_token = row.lease_until = None
    row.save()
    row.enqueue_on_commit()
