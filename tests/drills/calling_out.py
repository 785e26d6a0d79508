"""What rooms call, by two workers as in production: events that must not be lost, calendars, a receiver that hangs.

Runs on the database of the settings, and takes it for its own.
"""

import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.test.utils import override_settings
from django.utils import timezone

from platforms.work.models import Job, run_due
from rooms.calendar import sync
from rooms.models import CalendarSync, Room, Webhook, WebhookDelivery
from rooms.webhooks.events import emit
from tests.drills.processes import cpu_seconds, fork, kill
from tests.drills.strangers import Strangers

WORKERS = 2
IDLE_SECONDS = 0.05  # between two looks of a worker that has nothing to do
RECEIVERS = 3
AT_ONCE = 100  # events that are told before anything else is looked at
GROWTH = 1.1  # of the others' delay, while one receiver hangs
State = Job.State


@dataclass
class Outcome:
    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.figures.items())


class Workers:
    """Processes that do what is due, some of which are killed."""

    def __init__(self, model: type[Job]) -> None:
        self.model = model
        self.pids: list[int] = []

    def __enter__(self) -> "Workers":
        self.fill_up()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for pid in self.pids:
            kill(pid)

    def fill_up(self) -> None:
        while len(self.pids) < WORKERS:
            self.pids.append(fork(self._work))

    def kill_one(self, chance: random.Random) -> None:
        pid = self.pids.pop(chance.randrange(len(self.pids)))
        kill(pid)

    def _work(self) -> None:
        while os.getppid() != 1:
            run_due(self.model, seconds=5)
            time.sleep(IDLE_SECONDS)


@contextmanager
def called(folder: Path, seed: int = 0) -> Iterator[Strangers]:
    strangers = Strangers(folder, seed)
    with override_settings(OUTBOUND_ALLOWED_HOSTS=[strangers.place]), strangers:
        yield strangers


def owner() -> Any:
    return get_user_model().objects.get_or_create(username="drill")[0]


# Events that must not be lost


def storm(folder: Path, events: int, kills: int, seed: int, hurry: int, limit: float) -> Outcome:
    """Each receiver gets each of its events at least once, under one id, though workers are killed and receivers fail.

    `hurry` divides leases and pauses; `limit` is in seconds.
    """
    shortened = {name: getattr(WebhookDelivery, name) / hurry for name in ("LEASE", "FIRST_PAUSE", "LONGEST_PAUSE")}
    kept = {name: getattr(WebhookDelivery, name) for name in shortened}
    for name, value in shortened.items():
        setattr(WebhookDelivery, name, value)
    try:
        with called(folder, seed) as strangers:
            return _storm(strangers, events, kills, random.Random(seed), limit)
    finally:
        for name, value in kept.items():
            setattr(WebhookDelivery, name, value)


def _storm(strangers: Strangers, events: int, kills: int, chance: random.Random, limit: float) -> Outcome:
    rooms = [_room(f"flaky-{n}", webhook_url=f"{strangers.url}/flaky/{n}") for n in range(RECEIVERS)]
    told: dict[str, str] = {}
    killed, began = 0, time.monotonic()
    with Workers(WebhookDelivery) as workers:
        while (len(told) < events or _open()) and time.monotonic() - began < limit:
            for _ in range(min(AT_ONCE, events - len(told))):
                number = len(told) % RECEIVERS
                delivery = emit(rooms[number], "meeting.started", lambda: {"meeting": {}})
                assert delivery
                told[str(delivery.event_id)] = f"/flaky/{number}"
            time.sleep(chance.uniform(0.1, 0.6))
            if killed < kills:
                workers.kill_one(chance)
                killed += 1
            workers.fill_up()
        seconds = time.monotonic() - began
    return _judge_storm(strangers, told, killed, seconds)


def _judge_storm(strangers: Strangers, told: dict[str, str], killed: int, seconds: float) -> Outcome:
    asked = strangers.asked()
    taken = Counter(one.event_id for one in asked if one.status == 200)
    outcome = Outcome(
        {
            "events": len(told),
            "killed workers": killed,
            "calls": len(asked),
            "failed calls": sum(one.status != 200 for one in asked),
            "taken twice or more": sum(count > 1 for count in taken.values()),
            "rows whose worker died": WebhookDelivery.objects.filter(losses__gt=0).count(),
            "seconds": round(seconds),
        }
    )
    states = Counter(WebhookDelivery.objects.values_list("state", flat=True))
    lost = told.keys() - taken.keys()
    outcome.wrong += [f"not taken: {len(lost)}"] if lost else []
    outcome.wrong += [f"states: {dict(states)}"] if set(states) != {"done"} else []
    outcome.wrong += [f"came to another receiver: {one}" for one in asked if told.get(one.event_id) != one.path]
    bodies = Counter({(one.event_id, one.digest) for one in asked})
    if len(bodies) != len({one.event_id for one in asked}):
        outcome.wrong.append("an event's body was not the same each time")
    return outcome


def _open() -> bool:
    return WebhookDelivery.objects.filter(state__in=[State.WAITING, State.RUNNING]).exists()


def _room(name: str, **fields: Any) -> Room:
    return Room.objects.create(name=name, owner=owner(), **fields)


# Calendars that are due at once


def calendars(folder: Path, rooms: int, limit: float) -> Outcome:
    """All are synced, each feed is fetched once; how long that takes two workers."""
    with called(folder) as strangers:
        Room.objects.bulk_create(
            Room(
                name=f"room-{n}",
                owner=owner(),
                ics_url=f"{strangers.url}/feed/{n}",
                ics_enabled=True,
                ics_all_events=True,
            )
            for n in range(rooms)
        )
        began = time.monotonic()
        sync.ask_for_due()
        with Workers(CalendarSync) as workers:
            while Room.objects.filter(ics_last_sync=None).exists() and time.monotonic() - began < limit:
                time.sleep(0.2)
            seconds, busy = time.monotonic() - began, cpu_seconds(workers.pids)
            sync.ask_for_due()  # as the beat does meanwhile
            time.sleep(1)
        asked = Counter(one.path for one in strangers.asked())
    synced = Room.objects.exclude(ics_last_sync=None).count()
    outcome = Outcome(
        {
            "rooms": rooms,
            "synced": synced,
            "seconds": round(seconds, 1),
            "CPU seconds of the workers": round(busy, 1),
            "fetches of one feed at most": max(asked.values()),
        }
    )
    outcome.wrong += [f"not synced: {rooms - synced}"] if synced < rooms else []
    outcome.wrong += [f"fetched more than once: {path}" for path, count in asked.items() if count > 1]
    return outcome


# One receiver of many that hangs


def fairness(folder: Path, receivers: int, events: int, rounds: int, pace: float) -> Outcome:
    """By how much the others' delay grows while one receiver hangs: rounds with and without it, side by side.

    An event is told to one receiver after the other, one each `pace` seconds, `events` for each.
    """
    delays: dict[bool, list[float]] = {False: [], True: []}
    lost = 0
    with called(folder) as strangers:
        for number in range(2 * rounds):
            is_dead = number % 2 == 1
            found, missing = _round(strangers, receivers, events, pace, is_dead)
            delays[is_dead].append(found)
            lost += missing
    well, with_dead = (statistics.median(delays[is_dead]) for is_dead in (False, True))
    outcome = Outcome(
        {
            "receivers": receivers,
            "p95 of the others in ms": f"{well * 1000:.0f} without, {with_dead * 1000:.0f} with one that hangs",
            "ratio": round(with_dead / well, 2),
            "rounds": " ".join(f"{a * 1000:.0f}/{b * 1000:.0f}" for a, b in zip(*delays.values(), strict=True)),
        }
    )
    outcome.wrong += [f"not delivered to the others: {lost}"] if lost else []
    return outcome


def _round(strangers: Strangers, receivers: int, events: int, pace: float, is_dead: bool) -> tuple[float, int]:
    """The 95th percentile of the others' delays in seconds, and how many of their events were not delivered."""
    WebhookDelivery.objects.all().delete()
    Webhook.objects.all().delete()
    Room.objects.all().delete()
    strangers.forget()
    kinds = ["dead" if is_dead else "well", *["well"] * (receivers - 1)]
    rooms = [_room(f"{n}", webhook_url=f"{strangers.url}/{kind}/{n}") for n, kind in enumerate(kinds)]
    with Workers(WebhookDelivery):
        for turn in range(receivers * events):
            emit(rooms[turn % receivers], "meeting.started", lambda: {"meeting": {}})
            time.sleep(pace)
        others = WebhookDelivery.objects.filter(room__in=rooms[1:])
        deadline = timezone.now() + timedelta(seconds=60)
        while others.exclude(state=State.DONE).exists() and timezone.now() < deadline:
            time.sleep(0.1)
    told = {str(pk): at.timestamp() for pk, at in others.values_list("event_id", "created_at")}
    came = {one.event_id: one.at for one in reversed(strangers.asked()) if one.event_id in told}
    delays = sorted(came[event_id] - told[event_id] for event_id in came)
    return delays[int(len(delays) * 0.95)], len(told) - len(came)
