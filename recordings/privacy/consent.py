"""People's answers to being recorded, and what follows from them once a recording has been processed."""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from meetings.models import Meeting
from meetings.recording_starts import answer_of
from recordings import telling
from recordings.models import Consent, Erasure, Recording, RecordingQuerySet, Track
from recordings.privacy import deletion
from rooms.permissions import staff_may_change

logger = logging.getLogger(__name__)

State = Recording.State
OVER = [State.DONE, State.NO_AUDIO, State.FAILED, State.DELETED]
# How long a recording that could not be transcribed is kept in spite of a refusal: staff can mend what was in the way.
MENDING = timedelta(days=1)
# What changed longer ago is looked at once, within the hour.
RECENT = timedelta(hours=2)
AT_ONCE = 1000  # recordings
MOST_TIMES = 200  # of one run, which goes on with the next: an upgrade and an import leave all to be looked at
# How long after the end people who were in a meeting may still answer, or change their answer.
AFTERWARDS = timedelta(hours=12)
MOST_STRANGERS = 1000  # people of one meeting who are not signed in; no platform lets more into a room


class TooManyAnswers(Exception):
    """So many people who are not signed in gave this answer as no meeting has."""


def may_answer(meeting: Meeting, user: Any, earlier: uuid.UUID | None, was_let_in: bool) -> bool:
    """While a meeting goes on everybody who knows of it may; for some hours after, who shows to have been in it.

    Later the owner and staff may: an address that is passed on must not destroy what was recorded long ago.
    """
    now = timezone.now()
    over_at = _over_at(meeting, now)
    if over_at is None or is_in_charge(user, meeting):
        return True
    if now > over_at + AFTERWARDS:
        return False
    return was_let_in or _was_there(meeting, user) or own_answer(meeting, user, earlier) is not None


def may_ask_for_transcript(meeting: Meeting, user: Any, was_let_in: bool) -> bool:
    """The same people, but of a locked meeting only those who were let in."""
    if meeting.is_locked and not (was_let_in or _was_there(meeting, user) or is_in_charge(user, meeting)):
        return False
    return may_answer(meeting, user, None, was_let_in)


def is_in_charge(user: Any, meeting: Meeting) -> bool:
    """Also of a meeting whose room is deleted."""
    is_owner = user.is_authenticated and user.pk == meeting.owner_id
    return bool(is_owner or staff_may_change(user, Meeting))


def own_answer(meeting: Meeting, user: Any, answer_id: uuid.UUID | None) -> Consent | None:
    return meeting.consents.filter(answer_of(user, answer_id)).first()


def _over_at(meeting: Meeting, now: datetime) -> datetime | None:
    is_over = meeting.state in {Meeting.State.ENDED, Meeting.State.FAILED} or meeting.is_over(now)
    return (meeting.ended_at or min(meeting.end_date, now)) if is_over else None


def _was_there(meeting: Meeting, user: Any) -> bool:
    return bool(user.is_authenticated and meeting.sessions.filter(user_id=str(user.pk)).exists())


def answer(meeting: Meeting, user: Any, given: bool, earlier: uuid.UUID | None = None, name: str = "") -> Consent:
    """One's last answer counts for somebody who is signed in; of others who is who is not known, so each counts.

    Who knows the id of an earlier answer of somebody unknown may change it: nobody else was told. `name` is what
    somebody who is not signed in is called.

    A refusal counts also where nobody is asked (skip_consent): that people are not asked does not mean that they may
    not say no. It concerns the recordings that are made later as well. Raises TooManyAnswers.
    """
    with transaction.atomic():
        before = None if given else own_answer(meeting, user, earlier)
        if user.is_authenticated:
            consent, _ = Consent.objects.update_or_create(meeting=meeting, user=user, defaults={"given": given})
        else:
            consent = _changed(meeting, earlier, given, name) or _of_a_stranger(meeting, given, name)
        for recording in meeting.recordings.all() if not given else ():
            enforce(recording)
        if not given and (before is None or before.given):
            telling.refused(consent)
    return consent


def _of_a_stranger(meeting: Meeting, given: bool, name: str) -> Consent:
    """Counted for each answer apart, so that nobody can keep others from refusing by agreeing a thousand times."""
    if Consent.objects.filter(meeting=meeting, user=None, given=given).count() >= MOST_STRANGERS:
        raise TooManyAnswers
    return Consent.objects.create(meeting=meeting, given=given, name=name)


def _changed(meeting: Meeting, earlier: uuid.UUID | None, given: bool, name: str) -> Consent | None:
    consent = Consent.objects.filter(pk=earlier, meeting=meeting, user=None).first() if earlier else None
    if consent and (consent.given, consent.name) != (given, name or consent.name):
        consent.given, consent.name = given, name or consent.name
        consent.save(update_fields=["given", "name", "answered_at"])
    return consent


def enforce(recording: Recording) -> None:
    """Have deleted what may not stay, now that a recording has been processed; before that nothing happens."""
    this = Recording.objects.filter(pk=recording.pk)
    now = timezone.now()
    if refused(this, now).exists():
        deletion.delete_everywhere(recording)
    elif any(look.exists() for look in video_unwanted(this)):
        deletion.delete_video(recording)


def delete_refused(meeting: Meeting) -> None:
    """Have all recordings of a meeting deleted that somebody refused, whatever has become of them by now."""
    if Consent.objects.filter(meeting=meeting, given=False).exists():
        for recording in meeting.recordings.exclude(state=State.DELETED):
            deletion.delete_everywhere(recording)


def enforce_recent() -> int:
    """The same for what changed lately: whatever way a recording came to its end, within a minute it is done."""
    now = timezone.now()
    answered = Consent.objects.filter(given=False, answered_at__gte=now - RECENT).values("meeting")
    changed = Recording.objects.filter(updated_at__gte=now - RECENT)
    return _enforce_all(changed, now) + _enforce_all(Recording.objects.filter(meeting__in=answered), now)


def enforce_all() -> int:
    """The same for each recording that changed since it was looked at, however long ago that was."""
    now, found = timezone.now(), 0
    for _ in range(MOST_TIMES):
        changed = dict(_not_enforced(now).values_list("pk", "updated_at")[:AT_ONCE])
        if not changed:
            break
        recordings = Recording.objects.filter(pk__in=changed)
        found += _enforce_all(recordings, now)
        # One that changes meanwhile has another time, and is looked at again.
        recordings.filter(updated_at__in=changed.values()).update(enforced_at=F("updated_at"))
    return found


def _not_enforced(now: datetime) -> RecordingQuerySet:
    """Those that have come to an end, and changed since somebody looked whether they may stay."""
    over = Recording.objects.not_enforced().filter(state__in=OVER).order_by("state", "updated_at")
    return over.exclude(state=State.FAILED, updated_at__gt=now - MENDING)


def _enforce_all(among: RecordingQuerySet, now: datetime) -> int:
    # One after the other: of a condition with "or" over all, databases would read all recordings.
    looks = (refused(among, now), *video_unwanted(among))
    found = {recording.pk: recording for look in looks for recording in look[:AT_ONCE]}
    for recording in found.values():
        enforce(recording)
    return len(found)


def refused(recordings: RecordingQuerySet, now: datetime) -> RecordingQuerySet:
    """Those that are processed, that somebody refused, and of which the deletion is not asked for yet."""
    refused_meetings = Consent.objects.filter(given=False).values("meeting")
    processed = Q(state__in=[State.DONE, State.NO_AUDIO]) | Q(state=State.FAILED, updated_at__lte=now - MENDING)
    return recordings.not_being_deleted().filter(processed, meeting__in=refused_meetings)


def video_unwanted(recordings: RecordingQuerySet) -> tuple[RecordingQuerySet, RecordingQuerySet]:
    """Those that have their transcript, and pictures that their meeting does not keep: as one file, and in tracks."""
    asked = Erasure.objects.filter(recording=OuterRef("pk"))
    done = recordings.filter(~Exists(asked), state=State.DONE, meeting__store_video=False)
    pictures = Track.objects.filter(medium__endswith="video").exclude(state=Track.State.DELETED)
    return done.filter(has_video=True), done.filter(has_video=False, pk__in=pictures.values("recording"))
