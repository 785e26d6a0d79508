"""The one way in: whoever learns of a recording, by webhook, queue, listing, backfill or hand, reports it here."""

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from meetings.models import Meeting, ParticipantSession
from platforms.events import Track as ReportedTrack
from platforms.types import RecordingRef
from recordings.matching import match_meeting
from recordings.models import Destruction, HandOff, Ingest, Recording, RecordingWork, Track, Transcript
from recordings.states import advance
from recordings.transcripts import touch

logger = logging.getLogger(__name__)

State = Recording.State

ATTEMPTS = 3  # at writing a report that others write at the same moment
STORED = (State.STORED, State.PROCESSING, State.DONE)
# What one row may know of a recording and another, that turns out to be the same one, may not.
KNOWN = ("provider_recording_id", "room_name", "recorded_at", "duration", "source_url", "meeting_id")


def report(ref: RecordingRef) -> Recording:
    """The row of that recording, made if it is new, with what this report knows better.

    Its files are fetched by a worker once its meeting is known. One that was deleted stays deleted. Raises ValueError
    for a report that names neither an id nor an object.
    """
    if not (ref.recording_id or ref.key):
        raise ValueError("A recording needs the provider's id or the key of its object.")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _report(ref)
        except IntegrityError:
            # Somebody else reported it at the same moment: the row is there now.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def link(recording: Recording, meeting: Meeting) -> bool:
    """Say which meeting a recording belongs to, and have it fetched if it waited for that. False when it was deleted.

    A transcript that is there goes along, to the owner of the meeting's room.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state == State.DELETED:
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

    False when that cannot be done: it is or will be deleted, it belongs to no meeting, or a worker is at it.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state == State.UNMATCHED or not _may_begin_anew(locked):
            return False
        if not advance(locked, State.REPORTED, error="", can_retry=False):
            return False
        _ask_for(Ingest, locked)
    recording.refresh_from_db()
    return True


def hand_off_again(recording: Recording) -> bool:
    """Have a stored recording transcribed anew. False when nothing is stored, it will be deleted, or is worked at."""
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state not in (*STORED, State.FAILED) or not is_stored(locked) or not _may_begin_anew(locked):
            return False
        if locked.state != State.STORED and not advance(locked, State.STORED, error="", can_retry=False):
            return False
        _ask_for(HandOff, locked)
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


def _report(ref: RecordingRef) -> Recording:
    found = list(_same_as(ref))
    if any(recording.state == State.DELETED for recording in found):
        return _keep_deleted(found)
    if len(found) > 1 and not _unite(found):
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
    has_new_tracks = _add_tracks(recording, ref.tracks or ())
    if recording.meeting_id is None:
        advance(recording, State.UNMATCHED)  # of those that wait to be fetched; its meeting was deleted
    elif recording.state == State.UNMATCHED or (has_new_tracks and recording.state in (State.NO_AUDIO, State.FAILED)):
        _start(recording)
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
    recording.room_name = recording.room_name or ref.room_name
    recording.recorded_at = recording.recorded_at or ref.started_at
    if recording.duration is None:
        recording.duration = ref.duration
    recording.source_url = ref.download_url or recording.source_url
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
            offset=track.offset,
        )
        for track in fresh.values()
    )
    if fresh:
        name_tracks(recording)
    return bool(fresh)


# Two rows of one recording


def _keep_deleted(found: list[Recording]) -> Recording:
    """Deleted under one of its names, it is deleted: a row that knows it by the other name follows."""
    from recordings.deletion import delete_everywhere

    for recording in found:
        if recording.state != State.DELETED:
            logger.warning("recording_was_deleted recording=%s", recording.pk)
            delete_everywhere(recording)
    return next(recording for recording in found if recording.state == State.DELETED)


def _unite(found: list[Recording]) -> bool:
    """Let the row that got further take over what the other knows, which then goes; `found` holds what is left.

    False when files of both are stored or on their way, which would be forgotten with the row: that is left to staff.
    """
    kept = max(found, key=lambda recording: (recording.state in STORED, recording.state == State.FETCHING))
    for other in [recording for recording in found if recording is not kept]:
        if other.state in (*STORED, State.FETCHING):
            logger.warning("recording_has_two_rows recording=%s other=%s", kept.pk, other.pk)
            return False
        _absorb(kept, other)
        logger.info("recordings_united recording=%s other=%s", kept.pk, other.pk)
    found[:] = [kept]
    return True


def _absorb(kept: Recording, other: Recording) -> None:
    for name in KNOWN:
        if not getattr(kept, name):
            setattr(kept, name, getattr(other, name))
    if not kept.key:
        kept.bucket, kept.key = other.bucket, other.key
    if other.kind == Recording.Kind.TRACKS:
        kept.kind = Recording.Kind.TRACKS
    known = kept.tracks.values_list("key", flat=True)
    other.tracks.exclude(key__in=list(known)).update(recording=kept)
    other.delete()
    kept.save()


# Work


def _start(recording: Recording) -> None:
    """Have a recording fetched that waited for something."""
    if not _is_to_go(recording) and advance(recording, State.REPORTED, error="", can_retry=False):
        _ask_for(Ingest, recording)


def _ask_for(work_model: type[RecordingWork], recording: Recording) -> None:
    work, created = work_model._default_manager.get_or_create(recording=recording)
    if not created:
        work_model._default_manager.filter(pk=work.pk).run_again()
    work.nudge_on_commit()


def _may_begin_anew(recording: Recording) -> bool:
    """Whether it is to stay, and no worker has it in hand, whose outcome would get in the way."""
    running = [
        work
        for work_model in (Ingest, HandOff)
        for work in work_model._default_manager.select_for_update().filter(recording=recording)
        if work.state == RecordingWork.State.RUNNING
    ]
    return not running and not _is_to_go(recording)


def _is_to_go(recording: Recording) -> bool:
    return Destruction.objects.filter(recording=recording, only_video=False).exists()


def _hand_over_transcript(recording: Recording, meeting: Meeting) -> None:
    transcript = Transcript.objects.filter(recording=recording).first()
    if transcript and meeting.room and transcript.room_id != meeting.room_id:
        transcript.room, transcript.user = meeting.room, meeting.room.owner
        touch(transcript)
