"""Whatever happens to webhooks on their way, the state ends as that of the same events, once and in order.

People come and go in rooms of both providers. Their events, signed as the providers sign them, are delivered through
the real route, late, twice, in another order or never; workers are killed; secrets are changed; meetings open late.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from meetings import early_events, reconcile
from meetings.models import Meeting
from meetings.opening import end_meeting
from platforms.handler import get_platform_client_class, register_platform, unregister_platform
from platforms.models import WebhookEvent
from platforms.sandbox.wire import deliveries
from platforms.sandbox.wire.deliveries import PLATFORMS, Delivery, Visit
from platforms.signals import event_received
from platforms.work import models
from tests.support.meeting_reports import START, make_meeting
from tests.support.provider_rooms import provider_rooms

ROOMS = [(platform, f"{platform}-room") for platform in PLATFORMS]
ANY = st.integers(0, 99)
NAMES = st.sampled_from(["Ada", "Zoë", ""])
A_MOMENT = timedelta(milliseconds=10)


class Killed(BaseException):
    """What a worker feels of a SIGKILL."""


@dataclass
class Stay:
    """The truth about one connection."""

    visit: Visit
    left_at: datetime | None = None
    lost: set[str] = field(default_factory=set)  # which of its events never arrive


@dataclass
class Posted:
    """An event that a provider has made, and what of whom it tells."""

    delivery: Delivery
    stay: Stay | None = None
    tells: str = ""


class EventMachine(RuleBasedStateMachine):
    rooms: Any  # the providers, for all runs

    def __init__(self):
        super().__init__()
        self.client = Client()
        self.now = START
        self.stays = defaultdict(list)  # room -> everyone who was ever in
        self.waiting, self.sent = [], []
        self.meetings = {}
        self.ours, self.theirs = {}, {}  # secrets
        self.lost = 0
        self.undo = transaction.atomic()
        self.undo.__enter__()

    @initialize(in_time=st.sets(st.sampled_from(ROOMS)))
    def providers_and_meetings(self, in_time):
        self.rooms.people.clear()
        for platform in PLATFORMS:
            self.ours[platform] = [deliveries.new_secret()]
            self.theirs[platform] = self.ours[platform][0]
            self.configure(platform)
        for room in ROOMS:
            self.meetings[room] = make_meeting(
                platform=room[0],
                room_label=room[1],
                state=Meeting.State.OPENING,
                room_name="",
                provider_meeting_id="",
                start_date=timezone.now(),  # events of an unknown room are looked at again for a meeting of this hour
            )
        for room in in_time:
            self.a_meeting_opens(room)

    def configure(self, platform):
        options = self.rooms.platforms()[platform]["OPTIONS"] | {"webhook_secrets": self.ours[platform]}
        register_platform(platform, get_platform_client_class(platform), options)

    # What happens in the rooms

    def inside(self, room):
        return [stay for stay in self.stays[room] if stay.left_at is None]

    def tick(self, seconds=1):
        self.now += timedelta(seconds=seconds)
        return self.now

    def post(self, delivery, stay=None, tells=""):
        self.waiting.append(Posted(delivery, stay, tells))

    @rule(
        moves=st.lists(st.tuples(st.sampled_from(ROOMS), st.integers(0, 5), NAMES), min_size=2, max_size=8),
        told_at_once=st.booleans(),
    )
    def people_come_and_go(self, moves, told_at_once):
        for room, which, name in moves:
            told = len(self.waiting)
            inside = self.inside(room)
            if which < len(inside):
                self.leave(room, inside[which])
            else:
                self.enter(room, name)
            if told_at_once:
                self.events_arrive([told] * (len(self.waiting) - told))
                self.workers_work()

    @rule(room=st.sampled_from(ROOMS))
    def all_but_one_leave(self, room):
        for stay in self.inside(room)[1:]:
            self.leave(room, stay)

    def enter(self, room, name):
        platform, room_name = room
        visit = Visit(f"{room_name}-{len(self.stays[room])}", self.tick(), name)
        stay = Stay(visit)
        self.stays[room].append(stay)
        self.rooms.enter(room_name, visit.session_id, visit.joined_at, name)
        present = len(self.inside(room))
        self.post(deliveries.joined(platform, room_name, visit, present), stay, "joined")
        if present == 2:
            self.post(deliveries.call(platform, room_name, self.now, started=True))

    def leave(self, room, stay):
        platform, room_name = room
        stay.left_at = self.tick()
        self.rooms.leave(room_name, stay.visit.session_id)
        present = len(self.inside(room))
        self.post(deliveries.left(platform, room_name, stay.visit, self.now, present), stay, "left")
        if present == 1:
            self.post(deliveries.call(platform, room_name, self.now, started=False))

    @rule(room=st.sampled_from(ROOMS))
    def a_recorder_comes_and_goes(self, room):
        platform, room_name = room
        if platform == "whereby":
            bot = Visit(f"recorder-{self.now.timestamp()}", self.tick())
            present = len(self.inside(room))
            self.post(deliveries.joined(platform, room_name, bot, present, "recorder"))
            self.post(deliveries.left(platform, room_name, bot, self.tick(), present, "recorder"))

    # What happens to the events

    def deliver(self, posted):
        assert self.send(posted.delivery, self.theirs[posted.delivery.platform]) == 200

    def send(self, delivery, secret):
        headers = delivery.headers(secret)
        return self.client.post(delivery.path, delivery.body, "application/json", headers=headers).status_code

    @precondition(lambda self: self.waiting)
    @rule(which=st.lists(ANY, min_size=1, max_size=6))
    def events_arrive(self, which):
        for number in which[: len(self.waiting)]:
            posted = self.waiting.pop(number % len(self.waiting))
            self.deliver(posted)
            self.sent.append(posted)

    @precondition(lambda self: self.sent)
    @rule(which=st.lists(ANY, min_size=1, max_size=3))
    def events_arrive_again(self, which):
        for number in which:
            self.deliver(self.sent[number % len(self.sent)])

    @precondition(lambda self: len(self.waiting) > 3)
    @rule(which=ANY)
    def an_event_is_lost(self, which):
        posted = self.waiting.pop(which % len(self.waiting))
        self.lost += 1
        if posted.stay:
            posted.stay.lost.add(posted.tells)

    @precondition(lambda self: self.waiting)
    @rule(which=ANY)
    def a_forged_event_arrives(self, which):
        delivery = self.waiting[which % len(self.waiting)].delivery
        before = WebhookEvent.objects.count()
        assert self.send(delivery, deliveries.new_secret()) == 401
        assert WebhookEvent.objects.count() == before

    @rule(platform=st.sampled_from(PLATFORMS))
    def a_secret_is_changed_by_one_step(self, platform):
        """A second one becomes valid here, then the provider signs with it, then the first one is dropped."""
        ours = self.ours[platform]
        if len(ours) == 1:
            ours.append(deliveries.new_secret())
        elif self.theirs[platform] == ours[0]:
            self.theirs[platform] = ours[1]
        else:
            del ours[0]
        self.configure(platform)

    # What happens here

    @rule(room=st.sampled_from(ROOMS))
    def a_meeting_opens(self, room):
        platform, room_name = room
        Meeting.objects.filter(pk=self.meetings[room].pk, state=Meeting.State.OPENING).update(
            state=Meeting.State.LIVE,
            room_name=f"/{room_name}" if platform == "whereby" else room_name,
            provider_meeting_id=f"id-of-{room_name}",
        )

    @rule()
    def workers_work(self):
        models.run_due(WebhookEvent)

    @rule(before_commit=st.booleans())
    def a_worker_is_killed(self, before_commit):
        """After its events were applied but not committed, or after one was committed and its message came again."""
        if before_commit:
            event_received.connect(self.kill)
        try:
            models.run_due(WebhookEvent)
        except Killed:
            WebhookEvent.objects.filter(state="running").update(lease_until=timezone.now())
        finally:
            event_received.disconnect(self.kill)
        for pk in WebhookEvent.objects.filter(state="done").values_list("pk", flat=True)[:3]:
            assert not WebhookEvent.run(pk)

    def kill(self, **kwargs):
        raise Killed

    @rule()
    def time_passes(self):
        """Until events of meetings that were not known are tried again."""
        WebhookEvent.objects.filter(state="waiting").update(next_attempt_at=timezone.now())

    @rule()
    def presence_is_asked_for(self):
        self.tick(120)
        for platform in PLATFORMS:
            summary = reconcile.poll_presence(platform, Meeting.objects.live().filter(platform=platform), self.now)
            assert not summary.error

    @rule(room=st.sampled_from(ROOMS), is_chosen=st.integers(0, 3))
    def a_meeting_ends_here(self, room, is_chosen):
        if not is_chosen:
            self.meetings[room].refresh_from_db()
            end_meeting(self.meetings[room])

    # What must hold in the end

    def teardown(self):
        try:
            if self.meetings:
                self.let_everything_arrive()
                self.check_events()
                if not self.lost:
                    self.check_all(exactly=True)
                self.presence_is_asked_for()
                self.check_all(exactly=False)
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            for platform in PLATFORMS:
                unregister_platform(platform)

    def let_everything_arrive(self):
        for room in ROOMS:
            self.a_meeting_opens(room)
        for posted in self.waiting:
            self.deliver(posted)
        self.sent += self.waiting
        self.time_passes()
        models.run_due(WebhookEvent)
        early_events.look_again()  # as each minute
        models.run_due(WebhookEvent)

    def check_events(self):
        found = WebhookEvent.objects.values_list("state", "body")
        assert sorted(bytes(body) for _, body in found) == sorted(posted.delivery.body for posted in self.sent)
        assert {state for state, _ in found} <= {"done"}

    def check_all(self, exactly):
        for room, meeting in self.meetings.items():
            meeting.refresh_from_db()
            sessions = {session.session_id: session for session in meeting.sessions.filter(is_bot=False)}
            is_over = meeting.state == Meeting.State.ENDED
            for stay in self.stays[room]:
                self.check_stay(stay, sessions.pop(stay.visit.session_id, None), is_over, exactly)
            assert not sessions, "somebody is said to have been in who never was"
            self.check_count(room, meeting)

    def check_stay(self, stay, session, is_over, exactly):
        if session is None:
            assert "joined" in stay.lost
            assert "left" in stay.lost or stay.left_at is None
            return
        if "joined" not in stay.lost:
            assert session.joined_at == stay.visit.joined_at
            assert session.user_name == stay.visit.name
        if stay.left_at and "left" not in stay.lost:
            assert abs(session.left_at - stay.left_at) < A_MOMENT
        if exactly and stay.left_at is None and not is_over:
            assert session.is_open
        if is_over:
            assert not session.is_open

    def check_count(self, room, meeting):
        """Exact, but for one whom the provider does not see alone, where events were lost."""
        open_sessions = meeting.sessions.filter(is_bot=False, left_at=None)
        if meeting.state == Meeting.State.ENDED:
            assert (meeting.num_clients, open_sessions.count()) == (0, 0)
            return
        inside = self.inside(room)
        if len(inside) < 2 and room[0] == "whereby" and any(stay.lost for stay in self.stays[room]):
            is_known = any("joined" not in stay.lost for stay in inside)
            assert is_known <= meeting.num_clients <= 1
        else:
            assert {session.session_id for session in open_sessions} == {stay.visit.session_id for stay in inside}
            assert meeting.num_clients == len(inside)


@pytest.fixture
def rooms():
    with provider_rooms() as rooms:
        yield rooms


@pytest.mark.drill
def test_the_state_equals_that_of_the_same_events_once_and_in_order(db, rooms):
    EventMachine.rooms = rooms
    run_state_machine_as_test(
        EventMachine,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
