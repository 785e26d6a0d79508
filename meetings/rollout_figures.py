"""What meetings say for the guards of the rollout's plan: how many opened, how soon, and whether webhooks tell of them.

Each is a query or a few over what happened since the guards count, whatever there was before.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from meetings.models import Meeting
from platforms.handler import create_platform_client, get_available_platforms, why_unavailable
from platforms.models import WebhookEvent
from rooms.rollout.evidence import Counts, Period
from rooms.rollout.guards import OpeningTimes, Silence
from rooms.rollout.sources import Asked, began, counts_meetings, numbers_of, periods

OPENED = (Meeting.State.LIVE, Meeting.State.ENDED)
P95 = 0.95
SOON = timedelta(minutes=1)  # in which nobody wonders that no webhook came yet
LOOKED_BACK = timedelta(hours=6)  # for the last webhook
LONGEST = timedelta(days=14)  # for openings


@counts_meetings
def opened_on(platform: str, since: datetime) -> int:
    return Meeting.objects.filter(platform=platform, state__in=OPENED, start_date__gte=since).count()


@numbers_of("failed-openings")
def failed_openings(asked: Asked) -> list[Period]:
    """An opening fails on a platform also when it succeeds on another one instead; then it counts for both.

    Of one room that fails again and again, one failure counts in each period.
    """
    meetings = Meeting.objects.filter(platform__in=get_available_platforms(), start_date__gte=_since(asked))
    rows = (
        meetings.order_by()
        .annotate(began=began("start_date", asked.at))
        .values("began")
        .annotate(**_counted("target", asked.target), **_counted("other", asked.other))
    )
    found = rows.values_list("began", "good_target", "bad_target", "good_other", "bad_other").order_by("began")
    periods = (
        Period(at, Counts(bad, good + bad), Counts(bad_2, good_2 + bad_2)) for at, good, bad, good_2, bad_2 in found
    )
    return [period for period in periods if period.target.total or period.other.total]


def _counted(name: str, platform: str) -> dict[str, Count]:
    failed = Q(platform=platform, state=Meeting.State.FAILED)
    elsewhere = Q(wanted_platform=platform, state__in=OPENED) & ~Q(platform=platform)
    return {
        f"good_{name}": Count("pk", filter=Q(platform=platform, state__in=OPENED)),
        f"bad_{name}": Count("room", filter=failed | elsewhere, distinct=True),
    }


@numbers_of("slow-openings")
def opening_times(asked: Asked) -> OpeningTimes:
    timed = _meetings(asked).filter(opening_ms__isnull=False)
    numbers = dict(timed.values_list("platform").annotate(Count("pk")))
    target, other = (_p95(timed, platform, numbers.get(platform, 0)) for platform in (asked.target, asked.other))
    guard = asked.guards["slow-openings"]
    slower = Q(opening_ms__gt=guard.limit * 1000)
    than_other = Q(pk=None)
    if other is not None:
        than_other = Q(platform=asked.target, opening_ms__gt=guard.tolerated * other) | Q(
            platform=asked.other, opening_ms__gt=other
        )
    rows = _by_period(timed, asked).annotate(
        number=Count("pk"), slower=Count("pk", filter=slower), than_other=Count("pk", filter=than_other)
    )
    counted = list(rows.values_list("began", "platform", "number", "slower", "than_other"))
    over_limit = periods((row[:4] for row in counted), asked)
    over_tolerated = periods(((*row[:3], row[4]) for row in counted), asked)
    return OpeningTimes(target, other, over_limit, over_tolerated)


@numbers_of("silent-webhooks")
def silences(asked: Asked) -> tuple[Silence | None, Silence | None]:
    return _silence(asked.target, asked), _silence(asked.other, asked)


def _since(asked: Asked) -> datetime:
    return max(asked.since, asked.at - LONGEST)


def _meetings(asked: Asked) -> QuerySet[Meeting]:
    return Meeting.objects.filter(platform__in=(asked.target, asked.other), start_date__gte=_since(asked)).order_by()


def _by_period(meetings: QuerySet[Meeting], asked: Asked) -> QuerySet[Meeting, Any]:
    return meetings.annotate(began=began("start_date", asked.at)).values("began", "platform")


def _p95(timed: QuerySet[Meeting], platform: str, number: int) -> float | None:
    if not number:
        return None
    sorted_times = timed.filter(platform=platform).order_by("opening_ms").values_list("opening_ms", flat=True)
    return sorted_times[min(int(number * P95), number - 1)]


def _silence(platform: str, asked: Asked) -> Silence | None:
    if why_unavailable(platform) or not create_platform_client(platform).supports_webhooks:
        return None
    since = max(asked.since, asked.at - LOOKED_BACK)
    events = WebhookEvent.objects.filter(platform=platform, received_at__gte=since).order_by("-received_at")
    last = events.values_list("received_at", flat=True).first() or since
    waiting = Q(expected_at__gt=last, expected_at__lte=asked.at - SOON)
    return Silence(asked.at - last, Meeting.objects.live().filter(waiting, platform=platform).count())
