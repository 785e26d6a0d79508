"""Daily's webhook subscriptions: what is asked for, and how the provider's answers are read."""

import base64

import pytest

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.types import WebhookSubscription
from tests.support.daily import SECRET, client_for, payload, refusal
from tests.support.stub_provider import Answer, StubProvider

URL = "https://rooms.example.com/v1/daily/webhook"
UUID = "3188a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b"
WEBHOOK = payload("answers/webhook")
EVENT_TYPES = [
    *("meeting.started", "meeting.ended", "participant.joined", "participant.left"),
    *("recording.started", "recording.ready-to-download", "recording.error"),
]


@pytest.fixture
def provider():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def client(provider):
    return client_for(provider)


# Listing


@pytest.mark.parametrize("answer", [[WEBHOOK], {"data": [WEBHOOK]}, {"total_count": 1, "data": [WEBHOOK]}])
def test_a_list_is_read_bare_or_wrapped(provider, client, answer):
    provider.on("GET", "/webhooks", Answer(200, answer))
    assert client.list_webhooks() == [
        WebhookSubscription(
            id=UUID,
            url=URL,
            state="ACTIVE",
            is_active=True,
            event_types=["participant.joined", "participant.left"],
            retry_type="exponential",
            has_known_secret=True,
        )
    ]


def test_no_webhooks_is_an_empty_list(provider, client):
    provider.on("GET", "/webhooks", Answer(200, []))
    assert client.list_webhooks() == []


@pytest.mark.parametrize(
    ("state", "is_active"),
    [
        *(("ACTIVE", True), ("active", True), (1, True), ("1", True)),
        *(("FAILED", False), ("INACTIVE", False), (0, False), (2, False), ("SOMETHING NEW", False), (None, False)),
    ],
)
def test_only_a_state_that_is_known_to_be_active_counts(provider, client, state, is_active):
    provider.on("GET", "/webhooks", Answer(200, [{**WEBHOOK, "state": state}]))
    assert client.list_webhooks()[0].is_active is is_active


def test_a_webhook_without_its_lists_is_read_all_the_same(provider, client):
    provider.on("GET", "/webhooks", Answer(200, [{"uuid": UUID, "eventTypes": None}]))
    assert client.list_webhooks() == [WebhookSubscription(id=UUID, url="", state="", is_active=False, event_types=[])]


@pytest.mark.parametrize(("secret", "is_known"), [(SECRET, True), ("b3RoZXI=", False), (None, None), ("", None)])
def test_whether_the_secret_is_known_is_told_without_the_secret(provider, client, secret, is_known):
    provider.on("GET", "/webhooks", Answer(200, [{**WEBHOOK, "hmac": secret}]))
    [subscription] = client.list_webhooks()
    assert subscription.has_known_secret is is_known
    assert SECRET not in repr(subscription)


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b'"x"', b'[{"url":"https://x.example"}]'])
def test_an_answer_of_another_form_is_not_an_empty_list(provider, client, content):
    provider.on("GET", "/webhooks", Answer(200, body=content))
    with pytest.raises(PlatformUnavailable):
        client.list_webhooks()


# Registering


def test_a_webhook_is_asked_for_field_by_field(provider, client):
    provider.on("POST", "/webhooks", Answer(200, WEBHOOK))
    subscription = client.register_webhook(URL, SECRET)
    [request] = provider.requests
    assert request.path == "/webhooks"
    assert request.json == {"url": URL, "eventTypes": EVENT_TYPES, "hmac": SECRET, "retryType": "exponential"}
    assert (subscription.id, subscription.is_active) == (UUID, True)


def test_one_that_exists_is_changed_or_set_going_again_under_its_id(provider, client):
    provider.on("POST", f"/webhooks/{UUID}", Answer(200, WEBHOOK))
    client.register_webhook(URL, SECRET, replace=UUID)
    [request] = provider.requests
    assert request.json == {"url": URL, "eventTypes": EVENT_TYPES, "hmac": SECRET, "retryType": "exponential"}


def test_what_is_registered_is_what_the_client_says_it_should_be(client):
    assert list(client.webhook_event_types) == EVENT_TYPES
    assert client.webhook_retry_type == "exponential"


def test_a_lost_answer_makes_no_second_webhook_but_an_update_is_repeated(provider, client):
    lost = refusal(500, "server-error", "oops")
    provider.on("POST", "/webhooks", lost, Answer(200, WEBHOOK))
    with pytest.raises(PlatformUnavailable):
        client.register_webhook(URL, SECRET)
    provider.on("POST", f"/webhooks/{UUID}", lost, Answer(200, WEBHOOK))
    assert client.register_webhook(URL, SECRET, replace=UUID).id == UUID


@pytest.mark.parametrize("seen", ["503", "undefined"])
def test_an_address_that_failed_the_probe_is_refused_with_the_reason(provider, client, seen):
    info = f"non-200 status code returned from webhook endpoint, recvd {seen}"
    provider.on("POST", "/webhooks", refusal(400, "invalid-request-error", info))
    with pytest.raises(PlatformRejected, match=info) as caught:
        client.register_webhook(URL, SECRET)
    assert caught.value.status == 400


def test_a_refusal_does_not_repeat_the_secret(provider, client):
    provider.on("POST", "/webhooks", refusal(400, "invalid-request-error", f'"hmac" with value "{SECRET}" fails'))
    with pytest.raises(PlatformRejected) as caught:
        client.register_webhook(URL, SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("answer", [None, [], {}])
def test_an_answer_without_an_id_is_no_subscription(provider, client, answer):
    provider.on("POST", "/webhooks", Answer(200, answer))
    with pytest.raises(PlatformUnavailable, match="uuid"):
        client.register_webhook(URL, SECRET)


# Deleting


@pytest.mark.parametrize("answer", [Answer(200), Answer(204), refusal(404, "not-found", "no such webhook")])
def test_a_webhook_is_deleted_by_its_id_also_when_it_is_gone(provider, client, answer):
    provider.on("DELETE", f"/webhooks/{UUID}", answer)
    client.delete_webhook(UUID)
    assert [request.path for request in provider.requests] == [f"/webhooks/{UUID}"]


def test_a_refused_deletion_is_told(provider, client):
    provider.on("DELETE", f"/webhooks/{UUID}", refusal(401, "authentication-error", "invalid api key"))
    with pytest.raises(PlatformRejected, match="invalid api key"):
        client.delete_webhook(UUID)


# Secrets


def test_a_new_secret_is_32_random_bytes_in_base64(client):
    first, second = client.new_webhook_secret(), client.new_webhook_secret()
    assert first != second
    assert len(base64.b64decode(first, validate=True)) == 32
