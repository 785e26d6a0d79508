"""The one way in: whoever learns of a recording, by webhook, queue, listing, backfill or hand, reports it here."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from meetings.models import Meeting, ParticipantSession
from platforms import logs
from platforms.events import Track as ReportedTrack
from platforms.types import RecordingRef
from recordings.intake.matching import match_meeting
from recordings.intake.merging import STORED, keep_deleted, unite
from recordings.intake.news import is_news
from recordings.media.info import LONGEST_SECONDS
from recordings.models import Erasure, Ingest, Recording, RecordingJob, Submission, Track, Transcript
from recordings.models.transitions import transition
from recordings.transcripts import beginning

logger = logging.getLogger(__name__)

State = Recording.State

ATTEMPTS = 3  # at writing a report that others write at the same moment


def register_recording(ref: RecordingRef) -> Recording:
    """The row of that recording, made if it is new, with what this report knows better.

    Its files are fetched by a worker once its meeting is known. One that was deleted stays deleted. Raises ValueError
    for a report that names neither an id nor an object.
    """
    if not (ref.recording_id or ref.key):
        raise ValueError("A recording needs the provider's id or the key of its object.")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _register(ref)
        except IntegrityError:
            # Somebody else reported it at the same moment: the row is there now.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def link(recording: Recording, meeting: Meeting) -> bool:
    """Say which meeting a recording belongs to, and have it fetched if it waited for that.

    A transcript that is there goes along, to the owner of the meeting's room. False when it was deleted, is about to
    be, or rests in the trash.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state == State.DELETED or locked.is_discarded():
            return False
        locked.meeting = meeting
        locked.save(update_fields=["meeting", "updated_at"])
        Track.objects.filter(recording=locked).update(participant=None)
        name_tracks(locked)
        _hand_over_transcript(locked, meeting)
        if locked.state == State.UNMATCHED:
            _start(locked)
    logger.info("recording_linked recording=%s meeting=%s", recording.pk, meeting.pk)
    recording.refresh_from_db()
    return True


def fetch_again(recording: Recording) -> bool:
    """Start over with a recording that failed, or that staff want fetched anew.

    False when that cannot be done: it is or will be deleted or rests in the trash, it belongs to no meeting, a worker
    is at it, or we had it deleted where it came from.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state == State.UNMATCHED or not _may_begin_anew(locked) or not _has_source(locked):
            return False
        if not transition(locked, State.REPORTED, error="", can_retry=False, restarts=0):
            return False
        beginning.begin_anew(locked)
        _ask_for(Ingest, locked)
    recording.refresh_from_db()
    return True


def submit_again(recording: Recording, language: str | None = None) -> bool:
    """Have a stored recording transcribed anew; `language` is what is spoken in it, if somebody says that now.

    False when nothing is stored, it will be deleted, or is worked at.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state not in (*STORED, State.FAILED) or not is_stored(locked) or not _may_begin_anew(locked):
            return False
        if locked.state != State.STORED and not transition(locked, State.STORED, error="", can_retry=False):
            return False
        beginning.begin_anew(locked)
        _ask_for(Submission, locked)
        if language is not None:
            Submission.objects.filter(recording=locked).update(language=language)
    recording.refresh_from_db()
    return True


def match_again(recording: Recording) -> bool:
    """Look for the meeting of an unmatched recording once more."""
    meeting = match_meeting(_as_ref(recording))
    return meeting is not None and link(recording, meeting)


def is_stored(recording: Recording) -> bool:
    return bool(recording.file) or recording.tracks.filter(state=Track.State.STORED).exclude(file="").exists()


def name_tracks(recording: Recording) -> None:
    """Say whose the tracks are, as far as the meeting's people are known by now."""
    person = ParticipantSession.objects.filter(meeting=recording.meeting_id, session_id=OuterRef("session_id"))
    unnamed = recording.tracks.filter(participant=None).exclude(session_id="")
    unnamed.update(participant=Subquery(person.values("pk")[:1]))


# One report


def _register(ref: RecordingRef) -> Recording:
    found = list(_same_as(ref))
    if any(recording.state == State.DELETED for recording in found):
        return keep_deleted(found)
    if len(found) > 1 and not unite(found):
        return found[0]
    return _update(found[0], ref) if found else _create(ref)


def _create(ref: RecordingRef) -> Recording:
    recording = Recording(platform=ref.platform)
    _learn(recording, ref)
    recording.meeting = match_meeting(ref)
    recording.state = State.REPORTED if recording.meeting else State.UNMATCHED
    recording.save(force_insert=True)
    _add_tracks(recording, ref.tracks or ())
    if recording.meeting:
        _ask_for(Ingest, recording)
    beginning.begin(recording)
    logs.add(recording=recording.pk, meeting=recording.meeting_id)
    logger.info("recording_reported recording=%s platform=%s state=%s", recording.pk, ref.platform, recording.state)
    return recording


def _update(recording: Recording, ref: RecordingRef) -> Recording:
    before = _values(recording)
    _learn(recording, ref)
    if recording.meeting_id is None:
        recording.meeting = match_meeting(_as_ref(recording, ref.meeting_id))
    values = _values(recording)
    if changed := [name for name in values if values[name] != before[name]]:
        recording.save(update_fields=[*changed, "updated_at"])
    if {"meeting_id", "kind", "recorded_at"}.intersection(changed):
        beginning.begin(recording)
    has_new_tracks = _add_tracks(recording, ref.tracks or ())
    if recording.meeting_id is None:
        transition(recording, State.UNMATCHED)  # of those that wait to be fetched; its meeting was deleted
    elif recording.state == State.UNMATCHED or (has_new_tracks and recording.state in (State.NO_AUDIO, State.FAILED)):
        _start(recording)
    elif is_news(recording, ref):
        logger.info("recording_restarted recording=%s restarts=%s", recording.pk, recording.restarts + 1)
        _start(recording, restarts=recording.restarts + 1)
    return recording


def _same_as(ref: RecordingRef) -> QuerySet[Recording]:
    """By the provider's id and by the object, of which one source may know one without the other. Oldest first."""
    same = Q()
    if ref.recording_id:
        same |= Q(platform=ref.platform, provider_recording_id=ref.recording_id)
    if ref.key:
        same |= Q(bucket=ref.bucket, key=ref.key)
    return Recording.objects.select_for_update().filter(same).order_by("created_at", "pk")


def _learn(recording: Recording, ref: RecordingRef) -> None:
    """What is known already stays, except a signed link: the newest one lasts longest."""
    recording.platform = recording.platform or ref.platform
    recording.provider_recording_id = recording.provider_recording_id or ref.recording_id
    if ref.key and not recording.key:
        recording.bucket, recording.key = ref.bucket, ref.key
    recording.bucket = recording.bucket or ref.bucket
    recording.room_name = recording.room_name or ref.room_name
    recording.recorded_at = recording.recorded_at or ref.started_at
    if recording.duration is None:
        recording.duration = ref.duration
    recording.source_url = ref.download_url or recording.source_url
    recording.reported_version = ref.version or recording.reported_version
    if ref.tracks is not None or ref.kind == Recording.Kind.TRACKS:
        recording.kind = Recording.Kind.TRACKS


def _values(recording: Recording) -> dict[str, object]:
    return {field.attname: getattr(recording, field.attname) for field in Recording._meta.concrete_fields}


def _as_ref(recording: Recording, meeting_id: str = "") -> RecordingRef:
    """What is known by now of where it belongs."""
    return RecordingRef(
        platform=recording.platform,
        room_name=recording.room_name,
        meeting_id=meeting_id,
        started_at=recording.recorded_at,
    )


def _add_tracks(recording: Recording, tracks: Sequence[ReportedTrack]) -> bool:
    """Whether there were any that were not known."""
    if not tracks:
        return False
    known = set(recording.tracks.values_list("key", flat=True))
    fresh = {track.s3_key: track for track in tracks if track.s3_key not in known}
    Track.objects.bulk_create(
        Track(
            recording=recording,
            medium=track.kind[:32],
            key=track.s3_key,
            size=track.size,
            session_id=track.session_id,
            offset=track.offset if 0 <= track.offset <= LONGEST_SECONDS else 0.0,
        )
        for track in fresh.values()
    )
    if fresh:
        name_tracks(recording)
    return bool(fresh)


# Work


def _start(recording: Recording, **fields: Any) -> None:
    """Have a recording fetched that waited for something."""
    if not recording.is_discarded() and transition(recording, State.REPORTED, error="", can_retry=False, **fields):
        beginning.begin_anew(recording)
        _ask_for(Ingest, recording)


def _ask_for(job_model: type[RecordingJob], recording: Recording) -> None:
    job, created = job_model._default_manager.get_or_create(recording=recording)
    if not created:
        job_model._default_manager.filter(pk=job.pk).run_again()
    job.enqueue_on_commit()


def _may_begin_anew(recording: Recording) -> bool:
    """Whether it is to stay, and no worker has it in hand, whose outcome would get in the way."""
    running = [
        job
        for job_model in (Ingest, Submission)
        for job in job_model._default_manager.select_for_update().filter(recording=recording)
        if job.state == RecordingJob.State.RUNNING
    ]
    return not running and not recording.is_discarded()


def _has_source(recording: Recording) -> bool:
    """Whether its files are where they came from, as far as it lies with us: with the pictures a copy goes whole."""
    if recording.kind != Recording.Kind.FILE:
        return True  # of tracks, those with a voice stay; an upload is here
    elsewhere = Erasure.objects.filter(recording=recording).exclude(location=Erasure.Location.STORAGE)
    return not elsewhere.exists()


def _hand_over_transcript(recording: Recording, meeting: Meeting) -> None:
    transcript = Transcript.objects.select_for_update().filter(recording=recording).first()
    if transcript and (meeting.room is None or transcript.room_id != meeting.room_id):
        transcript.room, transcript.user_id, transcript.is_everybodys = meeting.room, meeting.owner_id, False
        transcript.touch()
