"""Thousands of webhooks at once, shuffled and repeated: nothing may get lost, and nothing may happen twice.

People come and go in many meetings of each provider. All that is told of it goes through the real route, signed, from
several senders at a time, while workers process it; some meetings open only when half of it has arrived. What the
database says in the end is compared with what happened.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from meetings import early_events
from meetings.models import Meeting, ParticipantSession
from platforms.handler import get_platform_client_class, register_platform, unregister_platform
from platforms.models import WebhookEvent
from platforms.sandbox.wire import deliveries
from platforms.sandbox.wire.deliveries import PLATFORMS, Delivery, Visit
from platforms.work import models

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATE = 20  # one meeting in so many opens when half of the deliveries are made
IDLE_TIMEOUT_SECONDS = 600.0  # seconds without an end of the work, after which it is given up
ATTEMPTS = 3  # of a provider to deliver an event
MISTAKE = timedelta(milliseconds=1)  # that times may differ by, having been floating-point numbers


@dataclass
class History:
    """What happened in one room, and the events that tell of it, in order."""

    platform: str
    room_name: str
    visits: dict[str, Visit] = field(default_factory=dict)
    left_at: dict[str, datetime] = field(default_factory=dict)
    events: list[Delivery] = field(default_factory=list)

    @property
    def inside(self) -> list[Visit]:
        return [visit for session_id, visit in self.visits.items() if session_id not in self.left_at]

    def happen(self, chance: random.Random, at: datetime) -> None:
        """One person comes, or one goes."""
        inside = self.inside
        if inside and chance.random() < len(inside) / 6:
            visit = chance.choice(inside)
            self.left_at[visit.session_id] = at
            told = deliveries.left(self.platform, self.room_name, visit, at, len(inside) - 1)
        else:
            visit = Visit(f"{self.room_name}-{len(self.visits)}", at, chance.choice(["Ada", "Zoë", ""]))
            self.visits[visit.session_id] = visit
            told = deliveries.joined(self.platform, self.room_name, visit, len(inside) + 1)
        self.events.append(told)


@dataclass
class Report:
    """What came of a drill; all is right when none were refused, lost, doubled or wrong."""

    meetings: int
    deliveries: int
    events: int
    seconds: float = 0.0  # until the last delivery was answered
    seconds_to_end: float = 0.0  # until the last event was processed
    put_off: int = 0  # answered that they should be sent again, which they were
    refused: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.refused or self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        return (
            f"{self.deliveries} deliveries of {self.events} events to {self.meetings} meetings: "
            f"taken in {self.seconds:.1f} s, processed after {self.seconds_to_end:.1f} s; "
            f"{self.put_off} put off, {self.refused} refused, "
            f"{self.lost} lost, {self.doubled} doubled, {self.wrong} wrong"
        )


def drill(meetings: int, count: int, senders: int = 2, workers: int = 1, seed: int = 0) -> Report:
    """Make `count` deliveries about so many meetings, half of them repetitions; call outside a transaction."""
    chance = random.Random(seed)
    histories = histories_of(meetings, count // meetings // 2, chance)
    events = [event for history in histories for event in history.events]
    to_send = [*events, *chance.choices(events, k=max(0, count - len(events)))]
    chance.shuffle(to_send)
    report = Report(meetings, len(to_send), len(events))
    late = make_meetings(histories, START, late_each=LATE)
    with _platforms() as secrets:
        _run(to_send, secrets, late, report, senders, workers)
    compare(histories, report)
    return report


def histories_of(
    meetings: int, events: int, chance: random.Random, start: datetime = START, apart: float = 7
) -> list[History]:
    """So many meetings with so many events each, which are `apart` by seconds."""
    return [_history(number, events, chance, start, apart) for number in range(meetings)]


def _history(number: int, events: int, chance: random.Random, start: datetime, apart: float) -> History:
    history = History(PLATFORMS[number % len(PLATFORMS)], f"drill-{number}")
    for turn in range(max(2, events)):
        history.happen(chance, start + timedelta(seconds=number % 60 + apart * turn))
    return history


def make_meetings(histories: Iterable[History], start: datetime, late_each: int = 0) -> list[Meeting]:
    """One in so many opens late: these are returned."""
    made = [
        Meeting(
            room_label="drill",
            slot=history.room_name,
            state=Meeting.State.LIVE,
            platform=history.platform,
            platform_reason="For a drill.",
            room_name=history.room_name,
            provider_meeting_id=history.room_name,
            room_url=f"https://drill.invalid/{history.room_name}",
            start_date=start,
            end_date=start + timedelta(days=1),
        )
        for history in histories
    ]
    late = made[::late_each] if late_each else []
    for meeting in late:
        meeting.state = Meeting.State.OPENING
    Meeting.objects.bulk_create(made, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as any database in use has been
    return late


@contextmanager
def _platforms() -> Iterator[dict[str, str]]:
    """The platforms with secrets of the drill's own, which are given."""
    secrets = {platform: deliveries.new_secret() for platform in PLATFORMS}
    for platform, secret in secrets.items():
        options = {"api_key": "drill", "api_url": "http://127.0.0.1:9", "webhook_secrets": [secret]}
        register_platform(platform, get_platform_client_class(platform), options)
    try:
        yield secrets
    finally:
        for platform in secrets:
            unregister_platform(platform)


def _run(
    to_send: list[Delivery], secrets: Mapping[str, str], late: list[Meeting], report: Report, senders: int, workers: int
) -> None:
    started = time.monotonic()
    half = len(to_send) // 2
    is_over = threading.Event()
    with ThreadPoolExecutor(senders + workers) as threads:
        working = [threads.submit(_work, is_over) for _ in range(workers)]
        try:
            answers = _send(threads, to_send[:half], secrets, senders)
            known = Meeting.objects.filter(pk__in=[meeting.pk for meeting in late])
            known.update(state=Meeting.State.LIVE, start_date=timezone.now())
            answers += _send(threads, to_send[half:], secrets, senders)
            report.put_off, report.refused = answers["put_off"], answers["refused"]
            report.seconds = time.monotonic() - started
            _wait_for_the_end()
            report.seconds_to_end = time.monotonic() - started
        finally:
            is_over.set()
        for job in working:
            job.result()


def _send(
    threads: ThreadPoolExecutor, to_send: list[Delivery], secrets: Mapping[str, str], senders: int
) -> Counter[str]:
    """How many were put off, to be sent again, and how many refused for good."""

    def send(mine: list[Delivery]) -> Counter[str]:
        client = Client()
        return Counter(word for delivery in mine for word in _deliver(client, delivery, secrets[delivery.platform]))

    return sum(threads.map(send, [to_send[number::senders] for number in range(senders)]), Counter())


def _deliver(client: Client, delivery: Delivery, secret: str) -> Iterator[str]:
    for _ in range(ATTEMPTS):
        headers = delivery.headers(secret)
        answer = client.post(delivery.path, delivery.body, "application/json", secure=True, headers=headers)
        if answer.status_code == 200:
            return
        if answer.status_code < 500:
            break
        yield "put_off"
        time.sleep(1)
    yield "refused"


def _work(is_over: threading.Event) -> None:
    try:
        while not is_over.wait(0.02):
            models.run_due(WebhookEvent, seconds=1)
    finally:
        connections.close_all()


def _wait_for_the_end() -> None:
    """Events of meetings that opened late rest, or wait for their next attempt: for them, time is made to pass."""
    early_events.look_again()
    unfinished = WebhookEvent.objects.filter(state__in=[WebhookEvent.State.WAITING, WebhookEvent.State.RUNNING])
    deadline = time.monotonic() + IDLE_TIMEOUT_SECONDS
    while unfinished.exists() and time.monotonic() < deadline:
        unfinished.filter(state=WebhookEvent.State.WAITING, attempts__gt=0).update(next_attempt_at=timezone.now())
        time.sleep(0.5)
        early_events.look_again()


def compare(histories: list[History], report: Report) -> None:
    done = WebhookEvent.objects.filter(state=WebhookEvent.State.DONE).count()
    report.lost += max(0, report.events - done)
    report.doubled += max(0, WebhookEvent.objects.count() - report.events)
    sessions = {session.session_id: session for session in ParticipantSession.objects.all()}
    expected = {session_id for history in histories for session_id in history.visits}
    report.lost += len(expected - sessions.keys())
    report.doubled += ParticipantSession.objects.count() - len(expected & sessions.keys())
    people = dict(Meeting.objects.values_list("room_name", "num_clients"))
    for history in histories:
        report.wrong += people[history.room_name] != len(history.inside)
        report.wrong += sum(
            not _is_right(history, visit, sessions[visit.session_id])
            for visit in history.visits.values()
            if visit.session_id in sessions
        )


def _is_right(history: History, visit: Visit, session: ParticipantSession) -> bool:
    left_at = history.left_at.get(visit.session_id)
    return (
        session.user_name == visit.name
        and _is_near(session.joined_at, visit.joined_at)
        and (session.left_at is None if left_at is None else _is_near(session.left_at, left_at))
    )


def _is_near(found: datetime | None, expected: datetime) -> bool:
    return found is not None and abs(found - expected) < MISTAKE
