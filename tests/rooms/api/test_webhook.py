"""GET /v1/rooms/{id}/webhook, POST .../webhook/test, and the log of what was sent, with sending again."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from platforms.signing import matches_stamped
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.tasks import prune_webhook_deliveries
from rooms.webhooks.events import emit
from tests.conftest import api_for, error, make_user
from tests.support.receivers import HOOK, SECRET, job
from tests.support.stub_provider import Answer


@pytest.fixture
def path(hooked):
    return f"/v1/rooms/{hooked.pk}/webhook"


@pytest.fixture
def api(owner):
    return api_for(owner)


def tell(room):
    return emit(room, "meeting.started", lambda: {"meeting": {}})


# The test


def test_a_test_is_sent_at_once_and_told_as_the_contract_says(api, path, server, hooked):
    answer = api.post(f"{path}/test")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Webhook test successful",
        "error": "",
        "status_code": 200,
        "response_preview": "thank you",
    }
    [request] = server.requests
    assert request.headers["x-webhook-event"] == "test"
    assert list(request.json) == ["event", "event_id", "timestamp", "message", "room"]
    assert request.json["message"] == "This is a test webhook from Reflector"
    assert request.json["room"] == {"id": str(hooked.pk), "name": "standup"}
    assert job() == 0


@pytest.mark.parametrize("status", [302, 404, 410, 500])
def test_a_test_that_fails_is_told_with_200_and_not_repeated(api, path, server, status):
    server.on("POST", HOOK, Answer(status, body=b"x" * 600, headers={"Location": "/elsewhere"}))
    answer = api.post(f"{path}/test")
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert (answer.json()["message"], answer.json()["status_code"]) == ("Webhook test failed", status)
    assert answer.json()["response_preview"] == "x" * 500
    assert job() == 0
    assert len(server.requests) == 1


def test_a_receiver_that_cannot_be_reached_is_told_with_200(api, path, hooked):
    Room.objects.update(webhook_url="http://127.0.0.1:1/private-path")
    answer = api.post(f"{path}/test")
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert "private-path" not in answer.content.decode()


def test_a_room_without_an_address_is_told_with_200(api, path):
    Room.objects.update(webhook_url=None)
    assert api.post(f"{path}/test").json()["error"] == "No webhook URL configured"


def test_one_test_at_a_time(api, path):
    api.post(f"{path}/test")
    WebhookDelivery.objects.update(state="running", lease_until=timezone.now() + timedelta(seconds=30))
    assert api.post(f"{path}/test").json()["error"] == "A test is under way."


def test_a_test_that_succeeds_switches_the_webhook_on_again(api, path, server, hooked):
    server.on("POST", HOOK, Answer(410), Answer())
    tell(hooked)
    job()
    assert api.get(path).json()["off_reason"] == "The receiver answered 410: it wants no more."
    api.post(f"{path}/test")
    assert api.get(path).json() == {"is_on": True, "off_since": None, "off_reason": None, "failing_since": None}


# The log


def test_each_delivery_is_listed_with_its_attempts_and_no_secret(api, path, server, hooked):
    server.on("POST", HOOK, Answer(503, body=b"busy"))
    delivery = tell(hooked)
    job()
    answer = api.get(f"{path}/deliveries")
    assert answer.status_code == 200
    assert answer.json()["total"] == 1
    [item] = answer.json()["items"]
    assert item.keys() == {
        *("id", "event", "state", "attempts", "created_at", "next_attempt_at", "finished_at", "error", "log"),
    }
    assert (item["id"], item["event"], item["state"]) == (str(delivery.event_id), "meeting.started", "waiting")
    [attempt] = item["log"]
    assert (attempt["status"], attempt["answer"]) == (503, "busy")
    assert attempt["error"] == "The receiver answered 503."
    assert SECRET not in answer.content.decode()
    assert HOOK not in answer.content.decode()


def test_only_the_rooms_own_deliveries_are_listed_and_sent_again(api, path, hooked, owner):
    other = Room.objects.create(name="other", owner=owner, webhook_url="https://hooks.example.com/")
    foreign = tell(other)
    assert api.get(f"{path}/deliveries").json()["items"] == []
    assert api.post(f"{path}/deliveries/{foreign.event_id}/send-again").status_code == 404
    assert api.post(f"{path}/deliveries/{uuid.uuid4()}/send-again").status_code == 404
    assert api.post(f"{path}/deliveries/none/send-again").json() == error("Delivery not found")


# Again


def test_one_is_sent_again_under_its_id(api, path, server, hooked):
    delivery = tell(hooked)
    job()
    answer = api.post(f"{path}/deliveries/{delivery.event_id}/send-again")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "count": 1})
    job()
    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert len(WebhookDelivery.objects.get().log) == 2


def test_all_that_failed_since_are_sent_again(api, path, server, hooked):
    server.on("POST", HOOK, Answer(404))
    old, *_ = [tell(hooked) for _ in range(3)]
    job()
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    server.on("POST", HOOK, Answer())
    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert api.post(f"{path}/deliveries/send-again", {"since": since}, format="json").json()["count"] == 2
    assert job() == 2
    assert WebhookDelivery.objects.filter(state="failed").get() == old


@pytest.mark.parametrize("body", [{}, {"since": "yesterday"}, {"since": None}, []])
def test_since_when_has_to_be_said(api, path, body):
    assert api.post(f"{path}/deliveries/send-again", body, format="json").status_code == 422


def test_nothing_is_sent_again_while_it_is_off(api, path, hooked):
    delivery = tell(hooked)
    Webhook.objects.update(off_since=timezone.now())
    assert api.post(f"{path}/deliveries/{delivery.event_id}/send-again").status_code == 409


def test_what_was_sent_is_forgotten_in_time_and_what_waits_is_not(hooked, settings):
    for state in ("waiting", "done", "failed"):
        delivery = tell(hooked)
        delivery.state, delivery.created_at = state, timezone.now() - timedelta(days=31)
        delivery.save()
    tell(hooked)
    prune_webhook_deliveries()
    assert sorted(WebhookDelivery.objects.values_list("state", flat=True)) == ["waiting", "waiting"]


# Who


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("get", ""),
        ("post", "/test"),
        ("get", "/deliveries"),
        ("post", "/rotate-secret"),
        ("post", "/deliveries/send-again"),
        ("post", "/deliveries/{}/send-again"),
    ],
)
def test_others_are_refused_and_nothing_is_sent(path, method, rest, server, colleague, hooked):
    delivery = tell(hooked)
    address = path + rest.format(delivery.event_id)
    for user, status in ((None, 401), (colleague, 403), (make_user("powerless", is_staff=True), 403)):
        assert getattr(api_for(user), method)(address).status_code == status
    if rest == "/test":
        refusal = api_for(colleague).post(address).json()
        assert refusal == error("Not authorized to test this room's webhook")
    assert server.requests == []


def test_a_room_that_is_not_there_is_404(api, db):
    for room_id in (uuid.uuid4(), "none"):
        answer = api.post(f"/v1/rooms/{room_id}/webhook/test")
        assert (answer.status_code, answer.json()) == (404, error("Room not found"))


# Another secret


def test_for_a_day_after_a_change_both_secrets_verify(api, path, server, hooked):
    answer = api.post(f"{path}/rotate-secret")
    assert answer.status_code == 200
    secret = answer.json()["webhook_secret"]
    assert secret.startswith("whsec_")
    assert secret != SECRET
    tell(hooked)
    job()
    [request] = server.requests
    for key in (secret, SECRET):
        Verifier(key).verify(request.body, request.headers)
        assert matches_stamped([key], request.body, request.headers["x-webhook-signature"])
    Webhook.objects.update(previous_until=timezone.now())
    tell(hooked)
    job()
    request = server.requests[-1]
    Verifier(secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.body, request.headers)
    assert not matches_stamped([SECRET], request.body, request.headers["x-webhook-signature"])


def test_a_room_without_an_address_has_no_secret_to_change(api, path):
    Room.objects.update(webhook_url=None)
    assert api.post(f"{path}/rotate-secret").status_code == 409


def test_events_are_left_out_by_their_names(api, hooked):
    address = f"/v1/rooms/{hooked.pk}"
    assert api.patch(address, {"webhook_muted": ["meeting.ended"]}).json()["webhook_muted"] == ["meeting.ended"]
    for wrong in (["meeting.opened"], "meeting.ended", [1]):
        answer = api.patch(address, {"webhook_muted": wrong})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][:2] == ["body", "webhook_muted"]
