"""How the platforms do, in buckets of five minutes: calls, how long they lasted, and meetings that opened or did not.

Each process counts in memory and adds to the rows now and then, so that no call is slower for it.
"""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from platforms import metrics
from platforms.health.pulse import pulse
from platforms.models import PlatformFigures
from platforms.pauses import shortened

BUCKET = timedelta(minutes=5)
KEPT = timedelta(days=30)
EVERY_SECONDS = 10.0  # between two additions to the rows
# Milliseconds. A duration counts for the first bound that is not below it; the last one holds all the rest.
BOUNDS = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400, 9600, 15_000, 30_000)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Key = tuple[str, datetime]  # platform, and when the five minutes began


@dataclass
class Tally:
    """What was counted of one platform in some time."""

    calls: int = 0
    failures: int = 0
    opened: int = 0
    not_opened: int = 0
    durations: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))

    @property
    def error_rate(self) -> float | None:
        """Between 0 and 1; None where nothing was called."""
        return self.failures / self.calls if self.calls else None

    def percentile(self, percent: int) -> float | None:
        """Milliseconds, evenly spread between two bounds; None where nothing was called."""
        wanted = self.calls * percent / 100
        lower, below = 0, 0
        for bound, count in zip(BOUNDS, self.durations, strict=True):
            if count and below + count >= wanted:
                return lower + (bound - lower) * (wanted - below) / count
            lower, below = bound, below + count
        return None

    def add(self, other: "Tally | PlatformFigures") -> None:
        self.calls += other.calls
        self.failures += other.failures
        self.opened += other.opened
        self.not_opened += other.not_opened
        pairs = zip(self.durations, other.durations or [0] * len(BOUNDS), strict=True)
        self.durations = [ours + theirs for ours, theirs in pairs]


class Counter:
    """What this process has counted and not yet added to the rows, by platform and bucket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies = defaultdict[Key, Tally](Tally)
        self._added_at = 0.0

    def count_call(self, platform: str, seconds: float, is_good: bool) -> None:
        metrics.provider_seconds.labels(platform, "answered" if is_good else "failed").observe(seconds)
        with self._lock:
            tally = self._tallies[platform, _floor(timezone.now(), BUCKET)]
            tally.calls += 1
            tally.failures += not is_good
            tally.durations[place_of(seconds * 1000)] += 1

    def count_opening(self, platform: str, is_opened: bool) -> None:
        metrics.meetings_opened.labels(platform, "opened" if is_opened else "failed").inc()
        with self._lock:
            tally = self._tallies[platform, _floor(timezone.now(), BUCKET)]
            tally.opened += is_opened
            tally.not_opened += not is_opened

    def add_to_rows(self, is_last: bool = True) -> None:
        """What cannot be added for now is added later."""
        if not is_last and time.monotonic() - self._added_at < shortened(EVERY_SECONDS):
            return
        self._added_at = time.monotonic()
        taken = self._take()
        try:
            while taken:
                key = next(iter(taken))
                _add_to_row(key, taken[key])
                del taken[key]
        finally:
            self._put_back(taken)

    def _take(self) -> dict[Key, Tally]:
        with self._lock:
            taken = dict(self._tallies)
            self._tallies.clear()
        return taken

    def _put_back(self, left: Mapping[Key, Tally]) -> None:
        with self._lock:
            for key, tally in left.items():
                self._tallies[key].add(tally)


counter = Counter()


@pulse.part
def add_figures(is_last: bool) -> None:
    counter.add_to_rows(is_last)


def read(since: timedelta, every: timedelta = BUCKET) -> dict[str, dict[datetime, Tally]]:
    """What happened in the last time, by platform and by when each stretch of `every` began; by one query.

    Stretches in which nothing happened are missing.
    """
    found: dict[str, dict[datetime, Tally]] = {}
    rows = PlatformFigures.objects.filter(since__gt=timezone.now() - since - BUCKET).order_by("since")
    counts = ("calls", "failures", "opened", "not_opened", "durations")
    for platform, at, calls, failures, opened, not_opened, durations in rows.values_list("platform", "since", *counts):
        tally = Tally(calls, failures, opened, not_opened, durations or [0] * len(BOUNDS))
        found.setdefault(platform, {}).setdefault(_floor(at, every), Tally()).add(tally)
    return found


def total(stretches: Mapping[datetime, Tally], since: timedelta) -> Tally:
    """Of what `read` gave for one platform, all that is not older."""
    tally = Tally()
    for began, other in stretches.items():
        if began > timezone.now() - since - BUCKET:
            tally.add(other)
    return tally


def series(stretches: Mapping[datetime, Tally], since: timedelta, every: timedelta) -> list[tuple[datetime, Tally]]:
    """The same in equal steps for a chart, oldest first, those in which nothing happened included."""
    last = _floor(timezone.now(), every)
    steps = {last - every * number: Tally() for number in reversed(range(since // every))}
    for began, other in stretches.items():
        if (step := steps.get(_floor(began, every))) is not None:
            step.add(other)
    return list(steps.items())


def forget_old() -> int:
    """How many rows there were."""
    return PlatformFigures.objects.filter(since__lt=timezone.now() - KEPT).delete()[0]


def place_of(milliseconds: float) -> int:
    """Index of the bound for which a duration counts."""
    return min(bisect_left(BOUNDS, milliseconds), len(BOUNDS) - 1)


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - EPOCH) % step


@transaction.atomic
def _add_to_row(key: Key, tally: Tally) -> None:
    platform, since = key
    PlatformFigures.objects.bulk_create([PlatformFigures(platform=platform, since=since)], ignore_conflicts=True)
    row = PlatformFigures.objects.select_for_update().get(platform=platform, since=since)
    tally.add(row)
    row.calls, row.failures, row.durations = tally.calls, tally.failures, tally.durations
    row.opened, row.not_opened = tally.opened, tally.not_opened
    row.save()
