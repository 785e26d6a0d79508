"""From an event in the inbox to the signal, and what the row then says."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from meetings.models import Meeting
from platforms.events import ParticipantJoined
from platforms.models import WebhookEvent
from platforms.signals import event_received
from platforms.tasks import prune_webhook_events
from platforms.work.models import UnknownMeeting, run_due
from rooms.models import Room
from tests.support.deliveries import deliver, new_event, platforms  # noqa: F401  (a fixture)
from tests.support.paper import event_saying, hearing, paper, saying  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("db", "paper")

State, Outcome = WebhookEvent.State, WebhookEvent.Outcome


def processed(event):
    run_due(WebhookEvent)
    return WebhookEvent.objects.get(pk=event.pk)


# What an event does


@pytest.mark.parametrize(
    ("platform", "room_name"), [("whereby", "/standup-1"), ("daily", "standup-1"), ("mock", "standup-1")]
)
def test_a_delivery_reaches_the_receivers_as_a_normalized_event(client, platforms, room, platform, room_name):  # noqa: F811
    Meeting.objects.create(
        room=room,
        room_label=room.name,
        slot="1",
        state="live",
        platform=platform,
        room_name=room_name,
        room_url="https://example.com",
        end_date=timezone.now() + timedelta(hours=1),
    )
    heard = []

    def receiver(*, event, **kwargs):
        heard.append(event)

    event_received.connect(receiver, sender=ParticipantJoined)
    try:
        deliver(client, platform, new_event(platform, room="standup-1", person="p-1"))
        run_due(WebhookEvent)
    finally:
        event_received.disconnect(receiver, sender=ParticipantJoined)
    [event] = heard
    assert (event.platform, event.room_name, event.session_id) == (platform, room_name, "p-1")
    row = WebhookEvent.objects.get()
    assert (row.state, row.outcome, row.room_name) == (State.DONE, Outcome.APPLIED, room_name)


def test_an_event_that_a_receiver_used_is_applied():
    event = event_saying("hello", "there")
    with hearing(lambda word: word == "there"):
        event = processed(event)
    assert (event.state, event.outcome, event.room_name) == (State.DONE, Outcome.APPLIED, "r-1")


def test_an_event_that_no_receiver_used_is_ignored():
    event = event_saying("hello")
    with hearing(lambda word: False):
        assert processed(event).outcome == Outcome.IGNORED
    assert processed(event_saying()).outcome == Outcome.IGNORED


def test_an_event_without_a_platform_has_failed_and_says_so():
    event = processed(event_saying("hello", platform="gone"))
    assert event.state == State.FAILED
    assert "VIDEO_PLATFORMS" in event.last_error


def test_all_that_an_event_changes_is_one_transaction_with_its_outcome(owner):
    """The first word's effect does not stay when the second word fails."""

    def receiver(word):
        if word == "bad":
            raise ValueError("odd")
        Room.objects.create(name=word, owner=owner)

    event = event_saying("good", "bad")
    with hearing(receiver):
        event = processed(event)
    assert (event.state, event.outcome, event.last_error) == (State.WAITING, "", "ValueError: odd")
    assert not Room.objects.exists()


def test_an_event_of_an_unknown_meeting_waits_and_is_applied_when_the_meeting_is_there():
    known = set()

    def receiver(word):
        if word not in known:
            raise UnknownMeeting("No meeting has this room.")
        return True

    event = event_saying("hello")
    with hearing(receiver):
        event = processed(event)
        assert (event.state, event.last_error) == (State.WAITING, "UnknownMeeting: No meeting has this room.")
        assert event.room_name == "r-1"  # so that staff find it
        known.add("hello")
        WebhookEvent.objects.update(next_attempt_at=timezone.now())
        event = processed(event)
    assert (event.state, event.outcome, event.last_error) == (State.DONE, Outcome.APPLIED, "")


def test_one_that_waits_keeps_no_later_one_of_the_room_waiting():
    def receiver(word):
        if word == "first":
            raise UnknownMeeting("No meeting has this room.")
        return True

    first = event_saying("first", next_attempt_at=timezone.now() - timedelta(minutes=1))
    second = event_saying("second")
    with hearing(receiver):
        assert processed(second).outcome == Outcome.APPLIED
    assert WebhookEvent.objects.get(pk=first.pk).state == State.WAITING


def test_an_event_that_is_processed_again_says_what_became_of_it_this_time():
    event = event_saying("hello")
    with hearing(lambda word: True):
        assert processed(event).outcome == Outcome.APPLIED
    WebhookEvent.objects.run_again()
    assert processed(event).outcome == Outcome.IGNORED


# How long it is kept


@pytest.fixture
def old_events():
    """One event for each state and each of three ages."""

    def create(*ages):
        for state in State:
            for age in ages:
                event_saying(state=state, last_error=f"{age}", received_at=timezone.now() - timedelta(days=age))

    return create


def kept():
    return sorted((event.state, int(event.last_error)) for event in WebhookEvent.objects.all())


def test_what_was_done_goes_first_and_what_is_to_be_done_stays(old_events, capsys):
    old_events(6, 8, 27, 29)
    call_command("prune_webhook_events", "--days=7")
    assert "5 webhook events deleted" in capsys.readouterr().out
    unfinished = [(state, age) for state in ("running", "waiting") for age in (6, 8, 27, 29)]
    trouble = [(state, age) for state in ("failed", "unmatched") for age in (6, 8, 27)]
    assert kept() == sorted([("done", 6), *trouble, *unfinished])


def test_a_dry_run_only_counts(old_events, capsys):
    old_events(6, 8, 27, 29)
    call_command("prune_webhook_events", "--days=7", "--dry-run")
    assert "5 webhook events would be deleted" in capsys.readouterr().out
    assert WebhookEvent.objects.count() == 20


@pytest.mark.parametrize("days", ["0", "-1"])
def test_nothing_is_deleted_for_a_number_of_days_that_is_none(days):
    with pytest.raises(CommandError):
        call_command("prune_webhook_events", f"--days={days}")


def test_the_beat_keeps_as_many_days_as_are_set(old_events, settings):
    settings.WEBHOOK_EVENT_RETENTION_DAYS = 28
    old_events(27, 29)
    prune_webhook_events()
    assert ("done", 27) in kept()
    assert ("done", 29) not in kept()
    assert len(kept()) == 9


def test_more_than_a_batch_is_deleted():
    old = timezone.now() - timedelta(days=100)
    events = [WebhookEvent(id=i.to_bytes(16, "big").hex(), body=b"", state="done", received_at=old) for i in range(501)]
    WebhookEvent.objects.bulk_create(events)
    call_command("prune_webhook_events", "--days=7")
    assert not WebhookEvent.objects.exists()


def test_an_event_that_was_forgotten_is_taken_in_again(client):
    body = saying("hello", id="1")
    for _ in range(2):
        assert deliver(client, "paper", body, headers={"X-Paper": "ink"}).status_code == 200
        run_due(WebhookEvent)
        WebhookEvent.objects.update(received_at=timezone.now() - timedelta(days=100))
        call_command("prune_webhook_events", "--days=7")
