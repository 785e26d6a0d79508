"""Two rows that turn out to be of one recording, as each was told of under a name that the other did not know."""

import logging

from django.db.models import Q

from recordings.models import Recording, Transcript
from recordings.privacy.deletion import delete_everywhere, remove

logger = logging.getLogger(__name__)

State = Recording.State

STORED = (State.STORED, State.PROCESSING, State.DONE)
# What one row may know of a recording and another, that turns out to be the same one, may not.
KNOWN = (
    *("provider_recording_id", "room_name", "recorded_at", "duration", "source_url", "meeting_id"),
    "reported_version",
)


def keep_deleted(found: list[Recording]) -> Recording:
    """Deleted under one of its names, it is deleted: a row that knows it by the other name follows."""
    for recording in found:
        if recording.state != State.DELETED:
            logger.warning("recording_was_deleted recording=%s", recording.pk)
            delete_everywhere(recording)
    return next(recording for recording in found if recording.state == State.DELETED)


def unite(found: list[Recording]) -> bool:
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
    _keep_one_transcript(kept, other)
    other.delete()
    kept.save()


def _keep_one_transcript(kept: Recording, other: Recording) -> None:
    """One that waits for what is said in a row that goes waits in vain; what was said in one stays."""
    transcript = Transcript.objects.select_for_update().filter(recording=other).first()
    if transcript is None:
        return
    if not Transcript.objects.filter(Q(recording=kept) | Q(video=kept)).exists():
        transcript.recording = kept
        transcript.touch()
    elif transcript.is_awaited():
        remove(transcript)
