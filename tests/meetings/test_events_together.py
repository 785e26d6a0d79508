"""Events that are processed in one transaction: the same comes of them as one by one, and none holds another up."""

import random
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meetings import transitions
from meetings.models import Meeting, ParticipantSession
from platforms import events
from platforms.events import ParticipantJoined
from platforms.handler import get_platform_client_class, register_platform, unregister_platform
from platforms.models import WebhookEvent
from platforms.sandbox.wire import deliveries
from platforms.sandbox.wire.deliveries import Visit
from platforms.signals import event_received
from platforms.work.models import run_due
from rooms.models import Room, WebhookDelivery
from tests.support.live import wait_until
from tests.support.locks import is_somebody_waiting
from tests.support.meeting_reports import joined, left, make_meeting, minute, report, tell

State, Outcome = WebhookEvent.State, WebhookEvent.Outcome
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOOKED = {"webhook_url": "https://hooks.example.com/in", "webhook_participants": True}


@pytest.fixture(autouse=True)
def platform():
    options = {"api_key": "key", "webhook_secrets": [deliveries.new_secret()]}
    register_platform("daily", get_platform_client_class("daily"), options)
    yield
    unregister_platform("daily")


def waiting(*told, **fields):
    """Rows of the inbox for these deliveries, the first of them first."""
    began = timezone.now() - timedelta(seconds=len(told))
    return [
        WebhookEvent.objects.create(
            id=uuid.uuid4(),
            platform=one.platform,
            body=one.body,
            next_attempt_at=began + timedelta(seconds=number),
            **fields,
        )
        for number, one in enumerate(told)
    ]


def came(room_name, session_id, second=0):
    return deliveries.joined("daily", room_name, Visit(session_id, START + timedelta(seconds=second), "Ada"), 1)


def went(room_name, session_id, second=60):
    return deliveries.left("daily", room_name, Visit(session_id, START, "Ada"), START + timedelta(seconds=second), 0)


def meeting_in(room_name, room=None, **fields):
    return make_meeting(room, platform="daily", room_name=room_name, **fields)


def states():
    return set(WebhookEvent.objects.values_list("state", "outcome", "attempts"))


@contextmanager
def hearing(receiver):
    """Have `receiver(event=...)` called for everybody who comes."""
    event_received.connect(receiver, sender=ParticipantJoined)
    try:
        yield
    finally:
        event_received.disconnect(receiver, sender=ParticipantJoined)


def people_in(*meetings):
    return [Meeting.objects.get(pk=meeting.pk).num_clients for meeting in meetings]


DONE = {(State.DONE, Outcome.APPLIED, 1)}


# What they cost


@pytest.mark.django_db
@pytest.mark.parametrize("rooms", [1, 25])
def test_many_events_cost_as_many_statements_as_a_few(rooms):
    """To claim and read them; meetings found and locked; people looked up, written and counted; meetings and events
    written. All stands between two looks for what is due.
    """
    meetings = [meeting_in(f"room-{number}") for number in range(rooms)]
    waiting(*(came(meeting.room_name, f"p-{number}") for meeting in meetings for number in range(2)))
    with CaptureQueriesContext(connection) as queries:
        run_due(WebhookEvent)
    of_test = ("SAVEPOINT", "RELEASE")  # instead of a transaction
    asked = [query["sql"] for query in queries if not query["sql"].startswith(of_test)]
    look = {"postgresql": 1, "sqlite": 3}[connection.vendor]
    assert len(asked) == look + 2 + 2 + 3 + 2 + look
    assert states() == DONE
    assert people_in(*meetings) == [2] * rooms


# What comes of them

MOMENTS = st.integers(1, 5)
ROOMS = st.sampled_from(["x-1", "x-2"])
PEOPLE = st.sampled_from(["a", "b"])
PRESENT = st.one_of(st.none(), st.integers(0, 3))
EVENTS = st.one_of(
    st.builds(joined, PEOPLE, MOMENTS, ROOMS, present=PRESENT, user_name=st.sampled_from(["", "Ada", "Bo"])),
    st.builds(left, PEOPLE, MOMENTS, ROOMS, present=PRESENT, is_bot=st.booleans()),
    st.builds(report, st.sampled_from([events.MeetingStarted, events.MeetingEnded]), MOMENTS, ROOMS),
    st.builds(report, st.just(events.Ignored), MOMENTS, ROOMS, reason=st.just("-")),
)


def tell_together(*told):
    with transaction.atomic(), transitions.together(told) as are_ready:
        assert all(are_ready)
        for event in told:
            transitions.apply_event(event)


def outcome_of(tell_all, known, told, is_ended, looked_at):
    """What is in the database after events of which some were known before; nothing of it stays."""
    with transaction.atomic():
        ended = {"state": Meeting.State.ENDED, "ended_at": minute(3)} if is_ended else {}
        looked = {"presence_checked_at": minute(looked_at), "counted_at": minute(1)} if looked_at else {}
        make_meeting(room_name="x-1", **ended)
        make_meeting(room_name="x-2", **looked)
        tell(*known)
        tell_all(*told)
        people = ("meeting__room_name", "session_id", *ParticipantSession.MERGED)
        found = [
            sorted(map(str, Meeting.objects.values_list("room_name", *transitions.REPORTED))),
            sorted(map(str, ParticipantSession.objects.values_list(*people))),
        ]
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.lists(EVENTS, max_size=3),
    told=st.lists(EVENTS, min_size=1, max_size=8),
    is_ended=st.booleans(),
    looked_at=st.integers(0, 4),
)
def test_events_together_give_the_same_as_one_by_one(known, told, is_ended, looked_at):
    one_by_one = outcome_of(tell, known, told, is_ended, looked_at)
    assert outcome_of(tell_together, known, told, is_ended, looked_at) == one_by_one


@pytest.mark.django_db
def test_an_event_names_its_meeting_by_id_or_by_the_newest_in_its_room():
    older, newer = make_meeting(), make_meeting(start_date=minute(60))
    tell_together(
        joined("a", 61),
        joined("b", 61, room_name="/Standup-1"),
        joined("c", 61, meeting_id=older.provider_meeting_id),
        joined("d", 61, meeting_id="a call, not a meeting of ours"),
    )
    assert people_in(older, newer) == [1, 3]


@pytest.mark.django_db
def test_events_of_recordings_and_of_unknown_meetings_are_left_to_be_told_one_by_one():
    make_meeting()
    told = [
        joined("a", 1),
        joined("a", 1, room_name="elsewhere"),
        joined("a", 1, platform="whereby"),
        report(events.RecordingReady, 1),
        report(events.RecordingStarted, 1, recording_id="r"),
        report(events.Ignored, 1, reason="-"),
    ]
    with transaction.atomic(), transitions.together(told) as are_ready:
        assert are_ready == [True, False, False, False, False, True]


@pytest.mark.django_db
def test_a_receiver_is_told_once_of_who_came_and_went_meanwhile(room):
    room.webhook_url, room.webhook_participants = "https://hooks.example.com/in", True
    room.save()
    meeting_in("room-1", room)
    waiting(came("room-1", "a"), went("room-1", "a"), came("room-1", "a"))
    run_due(WebhookEvent)
    assert list(WebhookDelivery.objects.order_by("pk").values_list("event", flat=True)) == [
        "participant.joined",
        "participant.left",
    ]


@pytest.mark.django_db
def test_events_of_an_unknown_meeting_wait_and_hold_no_other_up():
    known = meeting_in("room-1")
    waiting(came("room-1", "a"), came("elsewhere", "a"), came("room-1", "b"))
    run_due(WebhookEvent)
    assert states() == DONE | {(State.WAITING, "", 1)}
    assert people_in(known) == [2]


@pytest.mark.django_db
def test_one_that_fails_is_tried_again_and_the_others_are_done_once():
    meetings = [meeting_in(f"room-{number}") for number in range(3)]
    waiting(*(came(meeting.room_name, f"person-{number}") for number, meeting in enumerate(meetings)))
    heard = []

    def receiver(*, event, **kwargs):
        heard.append(event.session_id)
        if event.session_id == "person-1":
            raise ValueError("odd")

    with hearing(receiver):
        run_due(WebhookEvent)
    assert heard == ["person-0", "person-1", *(f"person-{number}" for number in range(3))]
    assert states() == DONE | {(State.WAITING, "", 1)}
    assert WebhookEvent.objects.get(state=State.WAITING).last_error == "ValueError: odd"
    assert people_in(*meetings) == [1, 0, 1]
    assert list(ParticipantSession.objects.order_by("session_id").values_list("session_id", flat=True)) == [
        "person-0",
        "person-2",
    ]


@pytest.mark.django_db
def test_those_that_were_tried_in_vain_are_tried_by_themselves():
    """One of them may be what fails: it would be taken along by others again and again."""
    meeting_in("room-1")
    waiting(came("room-1", "a"), came("room-1", "b"), attempts=1)
    with CaptureQueriesContext(connection) as queries:
        run_due(WebhookEvent)
    assert (
        len([query for query in queries if query["sql"].startswith('INSERT INTO "meetings_participantsession"')]) == 2
    )


@pytest.mark.django_db
def test_nothing_stays_of_what_another_worker_has_taken_over():
    meeting = meeting_in("room-1")
    first, _ = waiting(came("room-1", "a"), came("room-1", "b"))

    def take_over(*, event, **kwargs):
        WebhookEvent.objects.filter(pk=first.pk).update(lease_token=uuid.uuid4())

    with hearing(take_over):
        run_due(WebhookEvent)
    assert people_in(meeting) == [1]
    assert ParticipantSession.objects.get().session_id == "b"
    assert WebhookEvent.objects.get(pk=first.pk).state == State.RUNNING


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_meeting_that_somebody_holds_keeps_those_of_others_waiting_no_longer_than_itself():
    held, free, other = (meeting_in(f"room-{number}") for number in range(3))
    waiting(came("room-0", "a"), came("room-1", "a"), came("room-2", "a"))
    worker = threading.Thread(target=work)
    with transaction.atomic():
        Meeting.objects.select_for_update().get(pk=held.pk)
        worker.start()
        wait_until(lambda: people_in(free, other) == [1, 1], seconds=20)
        assert people_in(held) == [0]
    worker.join()
    assert people_in(held) == [1]
    assert states() == DONE


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_events_of_a_meeting_that_somebody_holds_are_done_together_when_it_is_free():
    held = meeting_in("room-0")
    waiting(came("room-0", "a"), came("room-0", "b"), came("room-0", "c"))
    worker = threading.Thread(target=work)
    with transaction.atomic():
        Meeting.objects.select_for_update().get(pk=held.pk)
        worker.start()
        wait_until(is_somebody_waiting, seconds=20)
    worker.join()
    assert people_in(held) == [3]
    assert WebhookEvent.objects.values("finished_at").distinct().count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_deadlock_between_two_workers_costs_no_receiver_anything(owner, monkeypatch):
    """Each tells two rooms' receivers for the first time, in the opposite order."""
    monkeypatch.setattr(WebhookEvent, "BATCH", 2)
    rooms = [Room.objects.create(name=name, owner=owner, **HOOKED) for name in ("one", "two")]
    meetings = [meeting_in(f"room-{number}", rooms[place]) for number, place in enumerate((0, 1, 1, 0))]
    waiting(*(came(meeting.room_name, "a") for meeting in meetings))
    both, began = threading.Barrier(2), threading.local()

    def meet(**kwargs):
        if not hasattr(began, "here"):
            began.here = True
            both.wait(20)

    with hearing(meet):
        workers = [threading.Thread(target=work) for _ in both.parties * [None]]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert states() == DONE
    assert people_in(*meetings) == [1] * 4
    assert sorted(WebhookDelivery.objects.values_list("room__name", flat=True)) == ["one", "one", "two", "two"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_connection_that_ends_in_the_middle_costs_no_event(number):
    meetings = [meeting_in(f"room-{number}") for number in range(5)]
    waiting(*(came(meeting.room_name, "a") for meeting in meetings))
    ended = []

    def end(*, event, **kwargs):
        if event.room_name == f"room-{number}" and not ended:
            ended.append(connection.connection.info.backend_pid)
            with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", ended)

    with hearing(end):
        run_due(WebhookEvent)
    assert ended
    assert states() == DONE
    assert people_in(*meetings) == [1] * 5


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_is_lost_when_all_is_written_changes_nothing(owner, monkeypatch):
    """The events are done: they are not done again, and nobody is told twice."""
    meeting = meeting_in("room-1", Room.objects.create(name="one", owner=owner, **HOOKED))
    waiting(*(came("room-1", f"person-{number}") for number in range(5)))
    commit, lost = connection._commit, []

    def lose():
        commit()
        if not lost and WebhookEvent.objects.filter(state=State.DONE).exists():
            lost.append(True)
            connection.connection.close()
            raise OperationalError("The server closed the connection.")

    monkeypatch.setattr(connection, "_commit", lose)
    run_due(WebhookEvent)
    assert lost
    assert states() == DONE
    assert people_in(meeting) == [5]
    assert WebhookDelivery.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_workers_that_get_in_each_others_way_lose_and_double_nothing(owner):
    """Few meetings, told of in any order and some of it twice, while others look who is in."""
    rooms = [Room.objects.create(name=f"room-{number}", owner=owner, **HOOKED) for number in range(3)]
    meetings = [meeting_in(room.name, room) for room in rooms]
    people = [(meeting.room_name, f"person-{number}") for meeting in meetings for number in range(30)]
    told = [tell_of(*person) for person in people for tell_of in (came, went, came)]
    random.Random(1).shuffle(told)
    waiting(*told)
    others = [threading.Thread(target=look, args=(meeting,)) for meeting in meetings]
    workers = [*others, *(threading.Thread(target=work) for _ in range(3))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert states() == DONE
    assert people_in(*meetings) == [0] * 3
    assert ParticipantSession.objects.filter(left_at__isnull=False).count() == len(people)
    told_of = WebhookDelivery.objects.order_by().values_list("event").annotate(Count("pk"))
    assert dict(told_of)["participant.left"] == len(people)


def look(meeting):
    try:
        for second in range(20):
            transitions.observe(meeting, [], START - timedelta(seconds=60 - second))
    finally:
        connections.close_all()


def work():
    try:
        run_due(WebhookEvent)
    finally:
        connections.close_all()
