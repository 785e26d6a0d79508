"""Webhooks through the real routes: what is believed, what is refused and how, and what is then in the inbox."""

import hashlib
import http.client
import json
from contextlib import closing

import pytest
from django.test import Client

from platforms.models import WebhookEvent
from platforms.webhooks.inbox import id_of
from tests.support import daily
from tests.support.deliveries import (
    OTHER_SECRETS,
    PLATFORMS,
    SECRETS,
    compact,
    deliver,
    new_event,
    platforms,  # noqa: F401  (a fixture)
    signed,
)
from tests.support.live import running_product
from tests.support.paper import paper, saying  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("db", "platforms")

ROUTES = [
    ("whereby", "/v1/whereby/webhook"),
    ("whereby", "/v1/whereby"),
    ("daily", "/v1/daily/webhook"),
    ("daily", "/v1/daily_webhook"),
    ("mock", "/v1/mock/webhook"),
]


@pytest.fixture
def browser():
    """A client that minds CSRF, as a provider has no token."""
    return Client(enforce_csrf_checks=True)


# Where webhooks arrive


@pytest.mark.parametrize(("platform", "path"), ROUTES)
def test_an_authentic_event_is_stored_byte_for_byte(browser, platform, path):
    body = new_event(platform)
    answer = deliver(browser, platform, body, path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    event = WebhookEvent.objects.get()
    assert bytes(event.body) == body
    assert (event.platform, event.state, event.attempts) == (platform, "waiting", 0)
    assert event.event_id == json.loads(body)["id"]
    assert event.type == json.loads(body)["type"]


@pytest.mark.parametrize(("platform", "path"), ROUTES)
def test_a_slash_at_the_end_is_not_answered_with_a_redirect(browser, platform, path):
    assert deliver(browser, platform, new_event(platform), f"{path}/").status_code == 200
    assert WebhookEvent.objects.count() == 1


def test_a_platform_that_is_added_needs_no_route(browser, paper):  # noqa: F811
    for path in ("/v1/paper/webhook", "/v1/paper/older"):
        assert deliver(browser, paper, saying("hello"), path, {"X-Paper": "ink"}).status_code == 200
    assert WebhookEvent.objects.filter(platform="paper").count() == 2


@pytest.mark.parametrize("path", ["/v1/unheard-of/webhook", "/v1/mock", "/v1/whereby/webhook/x", "/v1//webhook"])
def test_nothing_arrives_elsewhere(browser, path):
    body = new_event("mock")
    assert deliver(browser, "mock", body, path).status_code == 404
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_other_methods_are_refused(browser, platform, method):
    answer = getattr(browser, method)(f"/v1/{platform}/webhook")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


# What is believed


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_unsigned_event_is_refused_with_400(browser, platform):
    answer = deliver(browser, platform, new_event(platform), headers={})
    assert answer.status_code == 400
    assert "missing" in answer.json()["detail"]
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_event_signed_with_another_secret_is_refused_with_401(browser, platform):
    body = new_event(platform)
    answer = deliver(browser, platform, body, headers=signed(platform, body, OTHER_SECRETS[platform]))
    assert answer.status_code == 401
    assert list(answer.json()) == ["detail"]
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_changed_body_is_refused(browser, platform):
    body = new_event(platform)
    changed = body.replace(b"joined", b"left")
    answer = deliver(browser, platform, changed, headers=signed(platform, body))
    assert answer.status_code == 401


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_refused_while_secrets_are_rotated(browser, platforms, platform):  # noqa: F811
    old, new = SECRETS[platform], OTHER_SECRETS[platform]
    platforms(platform, webhook_secrets=[new, old])
    for secret in (old, new):
        body = new_event(platform)
        assert deliver(browser, platform, body, headers=signed(platform, body, secret)).status_code == 200
    assert WebhookEvent.objects.count() == 2


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("missing", [{"webhook_secrets": []}, {"api_key": "", "webhook_secrets": []}])
def test_a_platform_without_credentials_believes_nothing(browser, platforms, platform, missing):  # noqa: F811
    platforms(platform, **missing)
    assert deliver(browser, platform, new_event(platform)).status_code == 401
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"X-Webhook-Signature": "wrong", "X-Webhook-Timestamp": "1"}])
def test_the_creation_probe_is_answered_200_and_has_no_effect(browser, headers):
    answer = deliver(browser, "daily", b'{"test":"test"}', headers=headers)
    assert answer.status_code == 200
    assert not WebhookEvent.objects.exists()


def test_the_older_signature_is_believed_only_where_that_is_set(browser, platforms):  # noqa: F811
    body = new_event("daily")
    headers = {"X-Daily-Signature": daily.older_signature_of(body)}
    for allowed, status in [(False, 400), (True, 200)]:
        platforms("daily", accept_unstamped_signature=allowed)
        assert deliver(browser, "daily", body, headers=headers).status_code == status


def test_a_refusal_is_logged_without_signature_secret_or_body(browser, caplog):
    body = new_event("whereby", room="secret-room")
    headers = signed("whereby", body, OTHER_SECRETS["whereby"])
    deliver(browser, "whereby", body, headers=headers)
    assert "webhook_refused platform=whereby status=401" in caplog.text
    signature = headers["Whereby-Signature"].split("v1=")[1]
    for secret in (SECRETS["whereby"], OTHER_SECRETS["whereby"], signature, "secret-room"):
        assert secret not in caplog.text


# Which events are the same


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_event_that_is_delivered_again_is_the_row_that_is_there(browser, platform):
    body = new_event(platform)
    for _ in range(3):
        assert deliver(browser, platform, body).status_code == 200
    event = WebhookEvent.objects.get()
    WebhookEvent.run(event.pk)
    assert deliver(browser, platform, body).status_code == 200
    assert WebhookEvent.objects.get().attempts == 1


def test_two_recordings_whose_events_share_an_id_are_both_kept(browser):
    """The id is made of the instance id, which rooms may share, and the second."""
    event = daily.payload("recording.ready-to-download.cloud")
    for recording in ("one", "other"):
        body = compact(event | {"payload": event["payload"] | {"recording_id": recording}})
        assert deliver(browser, "daily", body).status_code == 200
    assert WebhookEvent.objects.values_list("event_id", flat=True).distinct().count() == 1
    assert WebhookEvent.objects.count() == 2


def test_two_platforms_may_use_the_same_id(browser):
    body = compact({"id": "1", "type": "x"})
    for platform in PLATFORMS:
        assert deliver(browser, platform, body).status_code == 200
    assert WebhookEvent.objects.count() == 3


# Of what size


def test_a_body_as_large_as_the_limit_is_taken(browser, settings):
    body = compact({"id": "1", "type": "x", "room_name": "x" * 20_000})
    settings.WEBHOOK_BODY_LIMIT = len(body)
    assert deliver(browser, "mock", body).status_code == 200


def test_a_body_larger_than_the_limit_is_refused_with_413(browser, settings):
    body = compact({"id": "1", "type": "x", "room_name": "x" * 20_000})
    settings.WEBHOOK_BODY_LIMIT = len(body) - 1
    assert deliver(browser, "mock", body).status_code == 413
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("length", ["9" * 5_000, "9" * 13])
def test_a_length_beyond_reason_is_refused_with_413(browser, length):
    answer = browser.generic("POST", "/v1/mock/webhook", b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["", "-1", "x", "1e3"])
def test_a_length_that_is_none_is_refused_without_an_error(browser, length):
    answer = browser.generic("POST", "/v1/mock/webhook", b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code in {400, 401}


def test_over_the_wire_large_bodies_are_refused_unread_and_chunked_ones_taken(tmp_path):
    """Under the server of production, which hands on a body while it still comes in."""
    body = new_event("mock")
    headers = {**signed("mock", body), "Content-Type": "application/json"}
    with running_product(tmp_path) as product:
        address = product.servers[0][0].removeprefix("http://")
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            connection.request("POST", "/v1/mock/webhook", iter([body[:10], body[10:]]), headers, encode_chunked=True)
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, {"status": "ok"})

        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            connection.putrequest("POST", "/v1/mock/webhook")
            connection.putheader("Content-Length", str(10**9))
            connection.endheaders(b"{")  # and no more
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (413, True)

        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            connection.request("POST", "/v1/mock/webhook", (b"x" * 2**16 for _ in range(17)), encode_chunked=True)
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (413, True)


def test_what_an_adapter_says_that_is_too_long_is_cut(browser, paper):  # noqa: F811
    body = json.dumps({"id": "x" * 200, "words": []}).encode()
    assert deliver(browser, paper, body, headers={"X-Paper": "ink"}).status_code == 200


def test_the_same_event_has_the_same_row_in_every_process():
    """Not made of anything that a process has for itself, as Python's hash is."""
    assert id_of("paper", "0123").hex == hashlib.sha256(b"paper:0123").hexdigest()[:32]
