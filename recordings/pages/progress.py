"""Where a recording stands, in words for people who wait for it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from recordings.models import Consent, Destruction, Recording, Track

State = Recording.State

# state -> what it is called, how its badge looks, and whether it goes on by itself
WORDS: dict[str, tuple[str, str, bool]] = {
    State.REPORTED: ("Waiting for the provider", "warn", True),
    State.FETCHING: ("Fetching and checking", "warn", True),
    State.STORED: ("Checked, waiting to be transcribed", "warn", True),
    State.PROCESSING: ("Transcribing", "warn", True),
    State.DONE: ("Ready", "good", False),
    State.NO_AUDIO: ("No audio", "", False),
    State.FAILED: ("Failed", "danger", False),
    State.UNMATCHED: ("No meeting is known for it", "danger", False),
    State.DELETED: ("Audio deleted", "", False),
}
REFUSED = "consent was refused"


@dataclass(frozen=True)
class Progress:
    text: str
    tone: str = ""  # of the badge: good, warn, danger or none
    goes_on: bool = False
    reason: str = ""


AWAITED = Progress(WORDS[State.REPORTED][0], "warn", True)


def with_fate(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """With what `progress_of` must know besides."""
    refusals = Consent.objects.filter(meeting=OuterRef("meeting"), given=False)
    going = Destruction.objects.filter(recording=OuterRef("pk"), only_video=False)
    return recordings.annotate(was_refused=Exists(refusals), is_to_go=Exists(going))


def progress_of(recording: Any) -> Progress:
    """Of a recording from `with_fate`. The reason is for those who may see the recording itself."""
    text, tone, goes_on = WORDS[recording.state]
    because = f": {REFUSED}" if recording.was_refused else ""
    if recording.state == State.DELETED:
        return Progress(f"{text}{because}")
    if recording.is_to_go:
        return Progress(f"The audio is being deleted{because}", "warn", goes_on=True)
    if recording.state == State.FAILED:
        return Progress("Failed", tone, reason=recording.error or "The reason is not known.")
    if recording.state == State.REPORTED and recording.kind == Recording.Kind.UPLOAD:
        text = "Checking"
    return Progress(text, tone, goes_on)


def retry_helps(recording: Any) -> bool:
    """Whether trying again can lead to a transcript, as far as can be told."""
    if recording.is_to_go or recording.deleted_at:
        return False
    if recording.state == State.UNMATCHED:
        return True
    return recording.state == State.FAILED and (recording.can_retry or is_stored(recording))


def is_stored(recording: Recording) -> bool:
    """As in `recordings.reporting`, of tracks that are read already."""
    stored = (track.file for track in recording.tracks.all() if track.state == Track.State.STORED)
    return bool(recording.file or any(stored))


def may_retry(user: Any, recording: Recording) -> bool:
    """Whoever owns the room, or uploaded the file; of the staff, those who may change recordings."""
    if user.is_staff and user.has_perm("recordings.change_recording"):
        return True
    if recording.kind == Recording.Kind.UPLOAD:
        transcript = getattr(recording, "transcript", None)
        return bool(transcript and transcript.user_id == user.pk)
    room = recording.meeting.room if recording.meeting else None
    return bool(room and room.owner_id == user.pk)
