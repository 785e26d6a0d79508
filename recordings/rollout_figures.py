"""What recordings say for the guards of the rollout's plan: whether they arrive, and whether there is sound in them."""

from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from meetings.models import Meeting, ParticipantSession
from platforms.handler import find_platform_client_class
from recordings.models import Consent, Recording
from rooms.models import Room
from rooms.rollout.evidence import Period
from rooms.rollout.sources import Asked, began, numbers_of, periods

HEARD = (Recording.State.STORED, Recording.State.PROCESSING, Recording.State.DONE)
ARRIVED = (*HEARD, Recording.State.NO_AUDIO, Recording.State.DELETED)
LOOKED_BACK = timedelta(days=3)


@numbers_of("late-recordings")
def late_recordings(asked: Asked) -> list[Period] | None:
    """Of meetings that are over for as long as a recording may take."""
    if not _records(asked.target):
        return None
    within = timedelta(minutes=asked.guards["late-recordings"].within_minutes or 0)
    since = max(asked.since, asked.at - LOOKED_BACK)
    over = Meeting.objects.filter(
        platform__in=(asked.target, asked.other),
        start_date__gte=since,
        state=Meeting.State.ENDED,
        ended_at__lte=asked.at - within,
    )
    arrived = Recording.objects.filter(meeting=OuterRef("pk"), state__in=ARRIVED)
    rows = (
        _recorded(over)
        .annotate(arrived=Exists(arrived), began=began("start_date", asked.at))
        .values("began", "platform")
        .annotate(number=Count("pk"), late=Count("pk", filter=Q(arrived=False)))
    )
    return periods(rows.order_by().values_list("began", "platform", "number", "late"), asked)


@numbers_of("silent-recordings")
def silent_recordings(asked: Asked) -> list[Period] | None:
    if not _records(asked.target):
        return None
    since = max(asked.since, asked.at - LOOKED_BACK)
    fetched = Recording.objects.filter(
        platform__in=(asked.target, asked.other), created_at__gte=since, state__in=(*HEARD, Recording.State.NO_AUDIO)
    )
    rows = (
        fetched.annotate(began=began("created_at", asked.at))
        .values("began", "platform")
        .annotate(number=Count("pk"), silent=Count("pk", filter=Q(state=Recording.State.NO_AUDIO)))
    )
    return periods(rows.order_by().values_list("began", "platform", "number", "silent"), asked)


def _records(platform: str) -> bool:
    client_class = find_platform_client_class(platform)
    return client_class is not None and Room.RecordingType.CLOUD in client_class.recording_types


def _recorded(meetings: QuerySet[Meeting]) -> QuerySet[Meeting]:
    """Those of which a recording began, as the platform told; where none tells, those that had to be recorded."""
    people = ParticipantSession.objects.filter(meeting=OuterRef("pk"), is_bot=False)
    second = people.order_by("pk").values("pk")[1:2]
    trigger = Room.RecordingTrigger
    had_to = Q(recording_trigger=trigger.AUTOMATIC_2ND_PARTICIPANT) & Q(has_second=True)
    had_to |= Q(recording_trigger=trigger.AUTOMATIC, first_joined_at__isnull=False)
    refused = Consent.objects.filter(meeting=OuterRef("pk"), given=False)
    return meetings.annotate(has_second=Exists(second), is_refused=Exists(refused)).filter(
        Q(recording_started_at__isnull=False) | (Q(recording_type=Room.RecordingType.CLOUD) & had_to),
        is_refused=False,
    )
