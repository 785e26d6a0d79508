"""People's answers to being recorded, and what follows from them once a recording has been processed."""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from meetings.models import Meeting
from recordings import deletion
from recordings.models import Consent, Destruction, Recording, Track

logger = logging.getLogger(__name__)

State = Recording.State
# How long a recording that could not be transcribed is kept in spite of a refusal: staff can mend what was in the way.
MENDING = timedelta(days=1)


def answer(meeting: Meeting, user: Any, given: bool, earlier: uuid.UUID | None = None) -> Consent:
    """One's last answer counts for somebody who is signed in; of others who is who is not known, so each counts.

    Who knows the id of an earlier answer of somebody unknown may change it: nobody else was told.

    A refusal counts also where nobody is asked (skip_consent): that people are not asked does not mean that they may
    not say no. It concerns the recordings that are made later as well.
    """
    with transaction.atomic():
        if user.is_authenticated:
            consent, _ = Consent.objects.update_or_create(meeting=meeting, user=user, defaults={"given": given})
        else:
            consent = _changed(meeting, earlier, given) or Consent.objects.create(meeting=meeting, given=given)
        for recording in meeting.recordings.all() if not given else ():
            enforce(recording)
    return consent


def _changed(meeting: Meeting, earlier: uuid.UUID | None, given: bool) -> Consent | None:
    consent = Consent.objects.filter(pk=earlier, meeting=meeting, user=None).first() if earlier else None
    if consent and consent.given != given:
        consent.given = given
        consent.save(update_fields=["given", "answered_at"])
    return consent


def enforce(recording: Recording) -> None:
    """Have deleted what may not stay, now that a recording has been processed; before that nothing happens."""
    this = Recording.objects.filter(pk=recording.pk)
    now = timezone.now()
    if refused(this, now).exists():
        deletion.delete_everywhere(recording)
    elif video_unwanted(this).exists():
        deletion.delete_video(recording)


def enforce_all() -> int:
    """The same for all: whatever way a recording came to its end, within a minute its people's wish is done."""
    everything = Recording.objects.all()
    found = list((refused(everything, timezone.now()) | video_unwanted(everything)).distinct()[:1000])
    for recording in found:
        enforce(recording)
    return len(found)


def refused(recordings: QuerySet[Recording], now: datetime) -> QuerySet[Recording]:
    """Those that are processed, that somebody refused, and of which the deletion is not asked for yet."""
    refusal = Consent.objects.filter(meeting=OuterRef("meeting"), given=False)
    asked = Destruction.objects.filter(recording=OuterRef("pk"), only_video=False)
    processed = Q(state__in=[State.DONE, State.NO_AUDIO]) | Q(state=State.FAILED, updated_at__lte=now - MENDING)
    return recordings.filter(processed & Exists(refusal) & ~Exists(asked))


def video_unwanted(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Those that have their transcript, and pictures that their meeting does not keep."""
    pictures = Track.objects.filter(recording=OuterRef("pk"), medium__endswith="video")
    asked = Destruction.objects.filter(recording=OuterRef("pk"))
    return recordings.filter(
        (Q(has_video=True) | Exists(pictures)) & ~Exists(asked), state=State.DONE, meeting__store_video=False
    )
