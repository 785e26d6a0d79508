"""The one way in: whoever learns of a recording, by webhook, queue, listing, backfill or hand, reports it here."""

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from meetings.models import Meeting
from platforms.events import Track as ReportedTrack
from platforms.types import RecordingRef
from recordings.matching import match_meeting
from recordings.models import Ingest, Recording, Track
from recordings.states import advance

logger = logging.getLogger(__name__)

State = Recording.State


def report(ref: RecordingRef) -> Recording:
    """The row of that recording, made if it is new, with what this report knows better.

    Its files are fetched by a worker once its meeting is known. One that was deleted stays deleted. Raises ValueError
    for a report that names neither an id nor an object.
    """
    if not (ref.recording_id or ref.key):
        raise ValueError("A recording needs the provider's id or the key of its object.")
    try:
        with transaction.atomic():
            return _report(ref)
    except IntegrityError:
        # Somebody else reported it at the same moment: the row is there now.
        with transaction.atomic():
            return _report(ref)


def link(recording: Recording, meeting: Meeting) -> bool:
    """Say which meeting a recording belongs to, and have it fetched. False when it was deleted."""
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.state == State.DELETED:
            return False
        locked.meeting = meeting
        locked.save(update_fields=["meeting", "updated_at"])
        if locked.state == State.UNMATCHED:
            _have_it_fetched(locked)
    recording.refresh_from_db()
    return True


def fetch_again(recording: Recording) -> bool:
    """Start over with a recording that failed, or that staff want fetched anew. False when that cannot be done."""
    with transaction.atomic():
        if not advance(recording, State.REPORTED, error="", can_retry=False):
            return False
        ingest, _ = Ingest.objects.get_or_create(recording=recording)
        Ingest.objects.filter(pk=ingest.pk).run_again()
        ingest.nudge_on_commit()
    return True


def match_again(recording: Recording) -> bool:
    """Look for the meeting of an unmatched recording once more."""
    ref = RecordingRef(platform=recording.platform, room_name=recording.room_name, started_at=recording.recorded_at)
    meeting = match_meeting(ref)
    return meeting is not None and link(recording, meeting)


def _report(ref: RecordingRef) -> Recording:
    recording = _find(ref) or Recording(platform=ref.platform)
    if recording.state == State.DELETED:
        return recording
    _learn(recording, ref)
    if recording.meeting is None:
        recording.meeting = match_meeting(ref)
    is_new = recording._state.adding
    if recording.meeting is None and (is_new or recording.state == State.REPORTED):
        recording.state = State.UNMATCHED
    recording.save()
    _learn_tracks(recording, ref.tracks)
    if is_new:
        logger.info("recording_reported recording=%s platform=%s state=%s", recording.pk, ref.platform, recording.state)
    if recording.meeting and (is_new or recording.state == State.UNMATCHED):
        _have_it_fetched(recording)
    return recording


def _find(ref: RecordingRef) -> Recording | None:
    """By the provider's id, else by the object, which one source may know without the other."""
    same = Q()
    if ref.recording_id:
        same |= Q(platform=ref.platform, provider_recording_id=ref.recording_id)
    if ref.key:
        same |= Q(bucket=ref.bucket, key=ref.key)
    return Recording.objects.select_for_update().filter(same).order_by("created_at", "pk").first()


def _learn(recording: Recording, ref: RecordingRef) -> None:
    """What is known already stays, except a signed link: the newest one lasts longest."""
    recording.provider_recording_id = recording.provider_recording_id or ref.recording_id
    if ref.key and not recording.key:
        recording.bucket, recording.key = ref.bucket, ref.key
    recording.room_name = recording.room_name or ref.room_name
    recording.recorded_at = recording.recorded_at or ref.started_at
    recording.duration = recording.duration or ref.duration
    recording.source_url = ref.download_url or recording.source_url
    if ref.tracks is not None or ref.kind == Recording.Kind.TRACKS:
        recording.kind = Recording.Kind.TRACKS


def _learn_tracks(recording: Recording, tracks: Sequence[ReportedTrack] | None) -> None:
    Track.objects.bulk_create(
        [Track(recording=recording, medium=track.kind, key=track.s3_key, size=track.size) for track in tracks or ()],
        ignore_conflicts=True,
    )


def _have_it_fetched(recording: Recording) -> None:
    if recording.state == State.UNMATCHED:
        advance(recording, State.REPORTED)
    ingest, created = Ingest.objects.get_or_create(recording=recording)
    if created:
        ingest.nudge_on_commit()
