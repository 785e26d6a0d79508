"""Where a recording stands, in words for people who wait for it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, IntegerField, OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.work.models import ResultPending
from recordings.models import Consent, Erasure, Recording, RecordingQuerySet, Submission, Track, is_erased
from recordings.transcription.processors.base import PERCENT
from rooms.permissions import staff_may_change

State = Recording.State

# state -> what it is called, how its badge looks, and whether it goes on by itself
WORDS: dict[str, tuple[str | Promise, str, bool]] = {
    State.REPORTED: (gettext_lazy("Waiting for the provider"), "warn", True),
    State.FETCHING: (gettext_lazy("Fetching and checking"), "warn", True),
    State.STORED: (gettext_lazy("Checked, waiting to be transcribed"), "warn", True),
    State.PROCESSING: (gettext_lazy("Transcribing"), "warn", True),
    State.DONE: (gettext_lazy("Ready"), "good", False),
    State.NO_AUDIO: (gettext_lazy("No audio"), "", False),
    State.FAILED: (gettext_lazy("Failed"), "danger", False),
    State.UNMATCHED: (gettext_lazy("No meeting is known for it"), "danger", False),
    State.DELETED: (gettext_lazy("Audio deleted"), "", False),
}
REFUSED = gettext_lazy("consent was refused")
PUT_OFF = gettext_lazy("Transcribing failed, and is tried again later")
LEFT = gettext_lazy("The audio could not be deleted everywhere")


@dataclass(frozen=True)
class Progress:
    text: str | Promise
    tone: str = ""  # of the badge: good, warn, danger or none
    goes_on: bool = False
    reason: str = ""


AWAITED = Progress(WORDS[State.REPORTED][0], "warn", True)


def with_fate(recordings: RecordingQuerySet) -> RecordingQuerySet:
    """With what `progress_of` must know besides."""
    refusals = Consent.objects.filter(meeting=OuterRef("meeting"), given=False)
    left = is_erased(Q(state=Erasure.State.FAILED) | Erasure.IS_KEPT)
    put_off = Submission.objects.filter(recording=OuterRef("pk"), state=Submission.State.WAITING, attempts__gt=0)
    percent = Cast(KeyTextTransform(PERCENT, "checkpoint"), IntegerField())
    job = Submission.objects.filter(recording=OuterRef("pk"))
    return recordings.annotate(
        was_refused=Exists(refusals),
        being_deleted=is_erased(),
        is_left=left,
        percent=Subquery(job.values(read=percent)),
        is_put_off=Exists(put_off.exclude(last_error__startswith=ResultPending.__name__)),
    )


def progress_of(recording: Any) -> Progress:
    """Of a recording from `with_fate`. The reason is for those who may see the recording itself."""
    text, tone, goes_on = WORDS[recording.state]
    because = f": {REFUSED}" if recording.was_refused else ""
    if recording.state == State.DELETED:
        return Progress(f"{text}{because}")
    if recording.is_left:
        return Progress(f"{LEFT}{because}", "danger", reason=recording.error)
    if recording.being_deleted:
        return Progress(_("The audio is being deleted") + because, "warn", goes_on=True)
    if recording.state == State.FAILED:
        return Progress(_("Failed"), tone, reason=recording.error or _("The reason is not known."))
    if recording.state == State.PROCESSING and recording.is_put_off:
        text = PUT_OFF
    elif recording.state == State.PROCESSING and 0 < (recording.percent or 0) < 100:
        text = f"{text}, {recording.percent} %"
    if recording.state == State.REPORTED and recording.kind == Recording.Kind.UPLOAD:
        text = _("Checking")
    return Progress(text, tone, goes_on)


def retry_helps(recording: Any) -> bool:
    """Whether trying again can lead to a transcript, as far as can be told."""
    if recording.being_deleted or recording.deleted_at:
        return False
    if recording.state == State.UNMATCHED:
        return True
    return recording.state == State.FAILED and (recording.can_retry or is_stored(recording))


def is_stored(recording: Recording) -> bool:
    """As in `recordings.intake.register`, of tracks that are read already."""
    stored = (track.file for track in recording.tracks.all() if track.state == Track.State.STORED)
    return bool(recording.file or any(stored))


def may_retry(user: Any, recording: Recording) -> bool:
    """Whoever owns the room, or uploaded the file; of the staff, those who may change recordings."""
    if staff_may_change(user, Recording):
        return True
    if recording.kind == Recording.Kind.UPLOAD:
        transcript = getattr(recording, "transcript", None)
        return bool(transcript and transcript.user_id == user.pk)
    return recording.meeting is not None and recording.meeting.owner_id == user.pk
