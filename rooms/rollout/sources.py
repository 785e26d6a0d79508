"""Where the guards' numbers come from: meetings and recordings are known to the apps above, which register here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, When
from django.db.models.functions import TruncHour, TruncMinute

from rooms.rollout.evidence import Counts, Period
from rooms.rollout.guards import Guard

FINELY = timedelta(hours=2)  # for which numbers are counted by the minute, and before by the hour


@dataclass(frozen=True)
class Asked:
    """Of two platforms, since when, and until when."""

    target: str
    other: str
    since: datetime
    at: datetime
    guards: Mapping[str, Guard]


Source = Callable[[Asked], Any]
_sources: dict[str, Source] = {}
_count: list[Callable[[str, datetime], int]] = []


def numbers_of(guard: str) -> Callable[[Source], Source]:
    """Have the numbers of a guard read by the function: periods, or what the guard of that name takes."""

    def register(source: Source) -> Source:
        _sources[guard] = source
        return source

    return register


def read(guard: str, asked: Asked) -> Any:
    """None where the guard is off, or nobody knows the numbers."""
    source = _sources.get(guard)
    return source(asked) if source and asked.guards[guard].is_on else None


def counts_meetings(count: Callable[[str, datetime], int]) -> Callable[[str, datetime], int]:
    """Have the meetings that opened on a platform since some moment counted by the function."""
    _count[:] = [count]
    return count


def meetings_on(platform: str, since: datetime) -> int:
    return _count[0](platform, since) if _count else 0


def began(field: str, at: datetime) -> Case:
    """When the minute or the hour of a row began, as an expression."""
    return Case(
        When(**{f"{field}__gte": at - FINELY}, then=TruncMinute(field, tzinfo=UTC)),
        default=TruncHour(field, tzinfo=UTC),
        output_field=DateTimeField(),
    )


def periods(rows: Iterable[tuple[datetime, str, int, int]], asked: Asked) -> list[Period]:
    """Of rows that say when it began, the platform, how many and how many of them went wrong."""
    found: dict[datetime, dict[str, Counts]] = defaultdict(dict)
    for began_at, platform, total, bad in rows:
        found[began_at][platform] = Counts(bad, total)
    none = Counts()
    return [
        Period(began_at, each.get(asked.target, none), each.get(asked.other, none))
        for began_at, each in sorted(found.items())
    ]
