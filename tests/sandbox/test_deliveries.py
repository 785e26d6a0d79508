"""How webhooks are delivered: tried again, given up and stopped as each provider does it, signed anew each time."""

import time

import pytest

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.wire.deliveries import Delivery
from tests.sandbox.calls import Api, daily_room, mock_room, whereby_room
from tests.sandbox.product import Product
from tests.support.daily import SECRET, signature_of
from tests.support.live import wait_until
from tests.support.stub_provider import Answer

KINDS = ["participant.joined", "participant.left"]


@pytest.fixture
def sandbox():
    """Quarters of an hour are hundredths of a second."""
    with running_sandbox(storage=False, time_scale=0.00001) as sandbox:
        yield sandbox


@pytest.fixture
def product():
    with Product() as product:
        yield product


def idle(sandbox, platform):
    wait_until(lambda: sandbox.couriers[platform].is_idle)


def register(sandbox, product, **options):
    body = {"url": f"{product.url}/v1/daily/webhook", "eventTypes": KINDS, "hmac": SECRET, **options}
    answer = Api(sandbox, "daily").post("/webhooks", body)
    assert answer.status_code == 200, answer.text
    product.requests.clear()
    return answer.json()


def webhook_of(sandbox):
    [webhook] = Api(sandbox, "daily").get("/webhooks").json()
    return webhook


def come(sandbox, count=1):
    room = sandbox.world.room("daily", "standup") or daily_room(sandbox)
    for _ in range(count):
        sandbox.world.join(room, "Zoë")
    idle(sandbox, "daily")


# Daily


def test_only_events_that_were_asked_for_are_sent(sandbox, product):
    register(sandbox, product, eventTypes=["participant.left"])
    come(sandbox, 2)
    sandbox.world.close(sandbox.world.room("daily", "standup"))
    idle(sandbox, "daily")
    assert set(product.kinds()) == {"participant.left"}


def test_each_attempt_is_signed_anew_over_the_same_bytes(sandbox, product):
    register(sandbox, product, retryType="exponential")
    product.answers(Answer(500), Answer(500, delay=0.01), Answer(200))
    come(sandbox)
    attempts = product.received
    assert len({sent.body for sent in attempts}) == 1
    assert len({sent.headers["X-Webhook-Timestamp"] for sent in attempts}) > 1
    for sent in attempts:
        signature = signature_of(sent.body, sent.headers["X-Webhook-Timestamp"])
        assert sent.headers["X-Webhook-Signature"] == signature
    assert "Zoë".encode() in attempts[0].body
    assert b'": ' not in attempts[0].body  # compact


def test_exponential_tries_five_times_and_never_stops(sandbox, product):
    register(sandbox, product, retryType="exponential")
    product.answers(Answer(500))
    come(sandbox, 2)
    assert len(product.received) == 10
    webhook = webhook_of(sandbox)
    assert (webhook["state"], webhook["failedCount"]) == ("ACTIVE", 10)


@pytest.mark.parametrize("status", [202, 204, 301, 400, 401, 500])
def test_the_breaker_stops_everything_after_three_answers_that_are_not_200(sandbox, product, status):
    register(sandbox, product)
    product.answers(Answer(status))
    come(sandbox, 3)
    webhook = webhook_of(sandbox)
    assert (webhook["state"], webhook["failedCount"]) == ("FAILED", 3)
    product.answers(Answer(200))
    come(sandbox, 2)
    assert len(product.received) == 3


def test_one_success_lets_the_breaker_count_anew(sandbox, product):
    register(sandbox, product)
    product.answers(Answer(500), Answer(500), Answer(200), Answer(500), Answer(500), Answer(200))
    come(sandbox, 6)
    webhook = webhook_of(sandbox)
    assert (webhook["state"], webhook["failedCount"]) == ("ACTIVE", 0)
    assert webhook["lastMomentPushed"]


def test_a_stopped_webhook_is_set_going_again_by_its_address_if_that_answers(sandbox, product):
    made = register(sandbox, product)
    product.answers(Answer(500))
    come(sandbox, 3)
    api, path = Api(sandbox, "daily"), f"/webhooks/{made['uuid']}"
    refused = api.post(path, {"url": made["url"]})
    assert (refused.status_code, webhook_of(sandbox)["state"]) == (400, "FAILED")
    assert refused.json()["info"] == "non-200 status code returned from webhook endpoint, recvd 500"
    product.answers(Answer(200))
    again = api.post(path, {"url": made["url"]}).json()
    assert (again["state"], again["failedCount"], again["hmac"]) == ("ACTIVE", 0, SECRET)


def test_no_answer_counts_as_a_failure(sandbox, product):
    made = register(sandbox, product)
    sandbox.providers["daily"].state.webhooks[made["uuid"]].endpoint.url = "http://127.0.0.1:9/"
    come(sandbox, 3)
    assert webhook_of(sandbox)["state"] == "FAILED"


def test_a_name_and_password_are_sent_along(sandbox, product):
    register(sandbox, product, basicAuth="dTpw")
    come(sandbox)
    assert product.received[0].headers["Authorization"] == "Basic dTpw"


def test_a_secret_is_made_where_none_is_given(sandbox, product):
    body = {"url": f"{product.url}/v1/daily/webhook", "eventTypes": KINDS}
    made = Api(sandbox, "daily").post("/webhooks", body).json()
    probe = product.received[0]
    signature = signature_of(probe.body, probe.headers["X-Webhook-Timestamp"], made["hmac"])
    assert probe.headers["X-Webhook-Signature"] == signature
    assert made["retryType"] == "circuit-breaker"


@pytest.mark.parametrize(
    ("change", "info"),
    [
        ({"hmac": "free text"}, "base64"),
        ({"events": []}, '"events" is not allowed'),
        ({"eventTypes": ["participant.updated"]}, "must be one of"),
        ({"eventTypes": "participant.joined"}, "must be an array"),
        ({"retryType": "often"}, "must be one of"),
        ({"url": "rooms.example.com"}, "valid uri"),
        ({"url": "http://example.com/é"}, "fails to match"),
        ({"basicAuth": "a\r\nb"}, "fails to match"),
    ],
)
def test_a_webhook_is_described_strictly(sandbox, product, change, info):
    body = {"url": f"{product.url}/v1/daily/webhook", "eventTypes": KINDS, **change}
    answer = Api(sandbox, "daily").post("/webhooks", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid-request-error")
    assert info in answer.json()["info"]
    assert product.received == []


def test_a_domain_has_one_webhook(sandbox, product):
    register(sandbox, product)
    answer = Api(sandbox, "daily").post("/webhooks", {"url": product.url, "eventTypes": KINDS})
    assert answer.status_code == 400


# Whereby and the mock


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (204, 1), (400, 1), (401, 1), (500, 3), (503, 3)])
def test_whereby_tries_again_twice_and_only_what_failed_at_the_server(sandbox, product, status, attempts):
    sandbox.providers["whereby"].register(product.url, "any text")
    product.answers(Answer(status))
    sandbox.world.join(whereby_room(sandbox)[0], "Ada")
    idle(sandbox, "whereby")
    assert len(product.received) == attempts
    assert product.received[0].path == "/v1/whereby/webhook"


def test_whereby_does_not_wait_for_long(sandbox, product):
    sandbox.providers["whereby"].register(product.url, "any text")
    sandbox.providers["whereby"].state.endpoint.timeout = 1
    product.answers(Answer(200, delay=2), Answer(200))
    sandbox.world.join(whereby_room(sandbox)[0], "Ada")
    idle(sandbox, "whereby")
    assert len(product.received) == 2


def test_whereby_falls_silent_an_hour_after_the_end(sandbox, product):
    sandbox.providers["whereby"].register(product.url, "any text")
    room, _ = whereby_room(sandbox)
    room.provider["end_date"] = room.provider["end_date"].replace(year=2020)
    sandbox.world.join(room, "Ada")
    idle(sandbox, "whereby")
    assert product.received == []


def test_the_mock_signs_the_body(sandbox, product):
    sandbox.providers["mock"].register(product.url, "any text")
    sandbox.world.join(mock_room(sandbox), "Ada")
    sent = product.wait_for("participant.joined")
    assert sent.headers["X-Mock-Signature"] == Delivery("mock", sent.body).headers("any text")["X-Mock-Signature"]
    assert sent.path == "/v1/mock/webhook"


def test_a_receiver_that_hangs_keeps_no_api_and_no_other_platform_waiting(sandbox, product):
    for platform in ("mock", "whereby"):
        sandbox.providers[platform].register(product.url, "any text")
    product.on("POST", "/v1/mock/webhook", Answer(200, delay=5.0))
    started = time.monotonic()
    sandbox.world.join(mock_room(sandbox), "Ada")
    sandbox.world.join(whereby_room(sandbox)[0], "Ada")
    product.wait_for("room.client.joined")
    assert time.monotonic() - started < 4
