"""Sending a room's events to its receiver, over HTTP on loopback."""

import json
import logging
import re
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from platforms.health import watchdog
from platforms.models import StaffNotice
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.webhooks import again
from rooms.webhooks.events import emit
from rooms.webhooks.signing import new_secret
from tests.support.live import ROOT
from tests.support.receivers import HOOK, SECRET, job, let_pass, pauses
from tests.support.stub_provider import Answer


def tell(room, event="meeting.started", **payload):
    return emit(room, event, lambda: payload)


def outcome():
    delivery = WebhookDelivery.objects.get()
    return delivery.state, delivery.last_error


def as_documented():
    """The sample of docs/webhooks.md."""
    sample: dict[str, Any] = {}
    text = (ROOT / "docs/webhooks.md").read_text()
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], sample)  # noqa: S102  (it is ours)
    return sample["is_genuine"]


# What is sent


def test_an_event_is_posted_as_the_contract_says(hooked, server):
    delivery = tell(hooked, meeting={"id": "m-1", "ended_at": None})
    assert job() == 1
    [request] = server.requests
    assert (request.method, request.path) == ("POST", HOOK)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "Reflector-Webhook/1.0"
    assert request.headers["x-webhook-event"] == "meeting.started"
    assert request.headers["x-webhook-retry"] == "0"
    assert request.headers["webhook-id"] == request.json["event_id"] == str(delivery.event_id)
    assert request.json.keys() == {"event", "event_id", "timestamp", "meeting", "room"}
    assert request.json["meeting"] == {"id": "m-1", "ended_at": None}
    assert request.json["room"] == {"id": str(hooked.pk), "name": "standup"}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.last_error) == ("done", "")
    [attempt] = delivery.log
    assert (attempt["status"], attempt["error"], attempt["answer"]) == (200, "", "thank you")


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), None])
def test_the_library_of_standard_webhooks_verifies_it(hooked, server, secret):
    secret = secret or new_secret()
    Room.objects.update(webhook_secret=secret)
    tell(hooked, title="Grüße, 世界")
    job()
    [request] = server.requests
    assert Verifier(secret).verify(request.body, request.headers)["title"] == "Grüße, 世界"
    with pytest.raises(WebhookVerificationError):
        Verifier(new_secret()).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(request.body + b" ", request.headers)


@pytest.mark.parametrize("secret", [SECRET, "any words that somebody chose"])
def test_the_older_header_is_verified_as_documented(hooked, server, secret):
    Room.objects.update(webhook_secret=secret)
    tell(hooked)
    job()
    [request] = server.requests
    is_genuine, header = as_documented(), request.headers["x-webhook-signature"]
    assert is_genuine(secret, header, request.body)
    assert not is_genuine(new_secret(), header, request.body)
    assert not is_genuine(secret, header, request.body + b" ")
    assert not is_genuine(secret, header.replace("t=1", "t=2"), request.body)


# What is kept


def test_a_room_without_a_receiver_costs_no_query(room, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert emit(room, "meeting.started", lambda: pytest.fail("nobody is told")) is None


def test_an_event_is_kept_with_its_cause_or_not_at_all(hooked):
    with transaction.atomic():
        tell(hooked)
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


def test_a_fault_in_telling_does_not_fail_the_cause(hooked, caplog):
    with transaction.atomic():
        assert emit(hooked, "meeting.started", lambda: {"broken": object()}) is None
        Room.objects.update(is_shared=True)
    assert Room.objects.get().is_shared
    assert "webhook_event_lost" in caplog.text


# What becomes of it


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
def test_what_may_pass_is_sent_again_under_the_same_id(hooked, server, status):
    server.on("POST", HOOK, Answer(status), Answer())
    tell(hooked)
    job()
    assert outcome() == ("waiting", f"NotTaken: The receiver answered {status}.")
    let_pass(minutes=1)
    job()
    assert outcome() == ("done", "")
    first, second = server.requests
    assert [r.headers["x-webhook-retry"] for r in (first, second)] == ["0", "1"]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Verifier(SECRET).verify(second.body, second.headers)
    assert [attempt["status"] for attempt in WebhookDelivery.objects.get().log] == [status, 200]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 422])
def test_what_will_not_pass_is_sent_once_and_no_redirect_is_followed(hooked, server, status):
    server.on("POST", HOOK, Answer(status, headers={"Location": f"{server.url}/elsewhere"}))
    tell(hooked)
    job()
    assert outcome() == ("failed", f"Refused: The receiver answered {status}.")
    assert len(server.requests) == 1
    tell(hooked)
    assert job() == 1


def test_a_receiver_that_is_gone_is_told_nothing_more(hooked, server):
    server.on("POST", HOOK, Answer(410))
    tell(hooked)
    tell(hooked)
    job()
    assert len(server.requests) == 1
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"failed"}
    assert Webhook.objects.get().off_reason == "The receiver answered 410: it wants no more."
    assert tell(hooked) is None


def test_another_address_switches_it_on_again(hooked, server):
    server.on("POST", HOOK, Answer(410))
    tell(hooked)
    job()
    server.on("POST", "/hooks/other", Answer())
    hooked.webhook_url = f"{server.url}/hooks/other"
    hooked.save()
    tell(hooked)
    job()
    assert server.requests[-1].path == "/hooks/other"
    assert Webhook.objects.get().off_since is None


def test_pauses_grow_and_end_after_three_days(hooked, server):
    server.on("POST", HOOK, Answer(500))
    tell(hooked)
    waited = []
    while WebhookDelivery.objects.filter(state="waiting").exists():
        assert job() == 1
        waited += pauses()
        let_pass(days=1)
    assert len(server.requests) == 22
    assert 3.5 < waited[0] < 8
    assert waited[5] > 60
    assert max(waited) < 1.6 * 8 * 3600
    assert timedelta(days=2) < timedelta(seconds=sum(waited)) < timedelta(days=4.5)
    assert outcome()[0] == "failed"


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("120", 115, 121), ("in a while", 0, 10), ("99999999999999999999", 28_700, 28_801), ("-5", 0, 10), ("٣", 0, 10)],
)
def test_retry_after_is_honoured_within_bounds(hooked, server, value, low, high):
    server.on("POST", HOOK, Answer(503, headers={"Retry-After": value.encode().decode("latin-1")}))
    tell(hooked)
    job()
    [pause] = pauses()
    assert low < pause < high


def test_retry_after_may_be_a_date(hooked, server):
    server.on("POST", HOOK, Answer(429, headers={"Retry-After": format_datetime(timezone.now() + timedelta(hours=1))}))
    tell(hooked)
    job()
    [pause] = pauses()
    assert 3500 < pause < 3601


def test_five_days_of_failures_only_switch_it_off(hooked, server, caplog):
    server.on("POST", HOOK, Answer(500))
    tell(hooked)
    job()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=5))
    let_pass(minutes=1)
    job()
    webhook = Webhook.objects.get()
    assert webhook.off_reason == "Nothing could be delivered for five days."
    assert tell(hooked) is None
    assert HOOK not in caplog.text


def test_one_success_in_five_days_keeps_it_on(hooked, server):
    server.on("POST", HOOK, Answer(500), Answer(), Answer(500))
    tell(hooked)
    job()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=6))
    let_pass(minutes=1)
    job()
    assert Webhook.objects.get().failing_since is None
    tell(hooked)
    job()
    assert Webhook.objects.get().off_since is None


def test_a_long_answer_is_read_in_part_and_kept_short(hooked, server):
    server.on("POST", HOOK, Answer(body="é".encode() * 4_000_000))
    tell(hooked)
    job()
    [attempt] = WebhookDelivery.objects.get().log
    assert attempt["answer"] == "é" * 500


def test_an_answer_that_cannot_be_unpacked_counts_by_its_status(hooked, server):
    server.on("POST", HOOK, Answer(body=b"no gzip \x00", headers={"Content-Encoding": "gzip"}))
    tell(hooked)
    job()
    assert outcome() == ("done", "")


def test_an_address_that_is_not_public_is_not_called(hooked, server, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    tell(hooked)
    job()
    assert outcome() == ("failed", "Refused: This address is not on the public internet.")
    assert server.requests == []


def test_a_room_that_lost_its_address_meanwhile_is_told_nothing(hooked, server):
    tell(hooked)
    Room.objects.update(webhook_url=None)
    job()
    assert outcome() == ("failed", "Refused: The room has no webhook address.")
    assert server.requests == []


def test_staff_are_not_told_of_somebodys_broken_receiver_and_no_traceback_is_logged(hooked, server, caplog):
    caplog.set_level(logging.INFO)
    server.on("POST", HOOK, Answer(500))
    tell(hooked)
    for _ in range(6):
        job()
        let_pass(hours=1)
    WebhookDelivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    watchdog.watch()
    assert not StaffNotice.objects.filter(resolved_at=None).exclude(key__startswith="disk:").exists()
    assert "Traceback" not in caplog.text
    assert HOOK not in caplog.text


# Others


@pytest.fixture
def hooked_rooms(owner, server):
    """Five rooms, each with a path of its own at the server; the first does not answer well."""
    rooms = [
        Room(name=f"room-{n}", owner=owner, webhook_url=f"{server.url}/{n}", webhook_secret=SECRET) for n in range(5)
    ]
    Room.objects.bulk_create(rooms)
    server.on("POST", "/*", Answer())
    return rooms


def test_each_receiver_gets_its_turn(hooked_rooms, server):
    many, *others = hooked_rooms
    for _ in range(20):
        tell(many)
    for room in others:
        tell(room)
    job()
    paths = [request.path for request in server.requests]
    assert len(paths) == 24
    assert set(paths[:5]) == {"/0", "/1", "/2", "/3", "/4"}


def test_what_waits_behind_a_failure_waits_with_it_and_delays_nobody(hooked_rooms, server):
    dead, *others = hooked_rooms
    server.on("POST", "/0", Answer(500))
    for _ in range(20):
        tell(dead)
    for room in others:
        tell(room)
    job()
    assert [request.path for request in server.requests].count("/0") == 1
    assert len(server.requests) == 5
    tell(dead)
    assert job() == 0
    server.on("POST", "/0", Answer())
    let_pass(minutes=1)
    assert job() == 21


def test_a_receiver_is_called_once_at_a_time_and_of_those_that_fail_one(hooked_rooms):
    first, second, third, *_ = hooked_rooms
    for room in (first, first, second, third):
        tell(room)
    [running] = WebhookDelivery.claim_next()
    Webhook.objects.filter(room__in=[first, second]).update(failures=1)
    [other] = WebhookDelivery.claim_next()
    assert (running.room, other.room) == (first, third)
    assert WebhookDelivery.claim_next() == []
    WebhookDelivery.objects.filter(pk=running.pk).update(state="done")
    assert len(WebhookDelivery.claim_next()) == 1


def test_a_worker_that_died_is_followed_by_one_that_sends_the_same_id(hooked, server):
    delivery = tell(hooked)
    assert WebhookDelivery.claim_next()
    assert job() == 0
    WebhookDelivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert job() == 1
    assert json.loads(server.requests[-1].body)["event_id"] == str(delivery.event_id)
    assert outcome() == ("done", "")


def test_a_failure_writes_nothing_to_what_waits_behind_it(hooked, server):
    """A receiver with thousands of events behind the one that failed must not cost thousands of writes each time."""
    server.on("POST", HOOK, Answer(500))
    for _ in range(20):
        tell(hooked)
    before = dict(WebhookDelivery.objects.values_list("pk", "next_attempt_at"))
    assert job() == 1
    after = dict(WebhookDelivery.objects.values_list("pk", "next_attempt_at"))
    assert sum(after[pk] != before[pk] for pk in before) == 1
    assert job() == 0
    assert min(pauses()) > 3


def test_sending_again_by_hand_does_not_wait(hooked, server):
    server.on("POST", HOOK, Answer(500), Answer())
    delivery = tell(hooked)
    job()
    assert job() == 0
    again.send_again(hooked, event_id=delivery.event_id)
    assert job() == 1
    assert WebhookDelivery.objects.get().state == "done"
