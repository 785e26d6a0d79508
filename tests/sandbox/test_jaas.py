"""The sandbox's Jitsi: who gets in by which token, what the webhooks say, and what goes wrong on request.

The product's own client makes the tokens and hears the webhooks.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from platforms import events
from platforms.backends.jaas import JaasClient
from platforms.sandbox.jaas.tokens import APP_ID, KEY_FILE, KEY_ID
from platforms.sandbox.server import running_sandbox
from platforms.sandbox.world.model import NotAdmitted
from platforms.testing import ExampleRoom
from platforms.types import JoinRequest
from tests.sandbox.calls import recorded
from tests.sandbox.product import Product
from tests.support.live import wait_until

SECRET = "QSBzZWNyZXQ="  # base64, as the other platforms of this sandbox ask for
KEY = KEY_FILE.read_text()


@pytest.fixture
def product():
    with Product() as product:
        yield product


@pytest.fixture
def sandbox(product):
    with running_sandbox(product.url, SECRET, storage=False, time_scale=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    options = {"api_url": sandbox.url, "app_id": APP_ID, "key_id": KEY_ID, "private_key": KEY}
    config = JaasClient.options_class.from_options("jaas", {**options, "webhook_secrets": [SECRET]})
    return JaasClient(config)


@pytest.fixture
def request_to_join(client):
    meeting = client.create_meeting("standup", datetime.now(UTC) + timedelta(hours=8), ExampleRoom())
    return JoinRequest(
        room_name=meeting.room_name,
        room_url=meeting.room_url,
        host_room_url=meeting.host_room_url,
        settings=ExampleRoom(recording_type="cloud"),
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        user_id="7",
        user_name="Zoë",
    )


def admitted(sandbox, url):
    parts = urlsplit(url)
    return sandbox.providers["jaas"].admit(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))


def told(product):
    """The kinds of events that came, in order."""
    return [sent.json["eventType"] for sent in product.received]


def test_a_token_says_who_comes_and_what_they_may(sandbox, client, request_to_join):
    guest = admitted(sandbox, client.join_link(request_to_join).url)
    assert (guest.name, guest.user_id, guest.role, guest.may_record) == ("Zoë", "7", "visitor", False)
    owner = admitted(sandbox, client.join_link(replace(request_to_join, is_owner=True)).url)
    assert (owner.role, owner.may_record, owner.room) == ("host", True, guest.room)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exp": 1}, "exp-token"),
        ({"nbf": 9_999_999_999}, "nbf-token"),
        ({"room": "another"}, "not-allowed"),
        ({"sub": "another"}, "not-allowed"),
        ({"aud": "another"}, "not-allowed"),
        ({"iss": "another"}, "not-allowed"),
    ],
)
def test_a_token_for_something_else_lets_nobody_in(sandbox, client, request_to_join, change, reason):
    token = client.token_for(request_to_join)
    claims = jwt.decode(token, options={"verify_signature": False}) | change
    changed = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": KEY_ID})
    with pytest.raises(NotAdmitted) as caught:
        admitted(sandbox, f"{request_to_join.room_url}?jwt={changed}")
    assert caught.value.reason == reason


def test_nobody_comes_without_a_token_or_with_that_of_another_key(sandbox, client, request_to_join):
    claims = jwt.decode(client.token_for(request_to_join), options={"verify_signature": False})
    another = generate_private_key(65537, 2048)
    tokens = [
        "",
        "x",
        jwt.encode(claims, another, algorithm="RS256", headers={"kid": KEY_ID}),
        jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "jaas/another"}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
    ]
    for token in tokens:
        with pytest.raises(NotAdmitted) as caught:
            admitted(sandbox, f"{request_to_join.room_url}?jwt={token}")
        assert caught.value.reason == "not-allowed"


def test_a_meeting_is_told_as_the_client_hears_it(sandbox, product, client, request_to_join):
    room = admitted(sandbox, client.join_link(request_to_join).url).room
    recording = recorded(sandbox, room)
    for person in room.people:
        sandbox.world.leave(room, person.session_id)
    wait_until(lambda: told(product).count("PARTICIPANT_LEFT") == 2 and "ROOM_DESTROYED" in told(product))
    wait_until(lambda: "RECORDING_UPLOADED" in told(product))
    heard = []
    for sent in product.received:
        client.authenticate_webhook(sent.body, sent.headers)
        heard += client.parse_webhook(sent.body)
    assert {event.room_name for event in heard} == {request_to_join.room_name}
    kinds = [type(event) for event in heard]
    assert kinds.count(events.ParticipantJoined) == kinds.count(events.ParticipantLeft) == 2
    assert {events.MeetingStarted, events.MeetingEnded, events.RecordingStarted} < set(kinds)
    [ready] = [event for event in heard if isinstance(event, events.RecordingReady)]
    assert (ready.recording_id, abs(ready.started_at - recording.started_at) < timedelta(seconds=0.01)) == (
        recording.id,
        True,
    )
    assert requests.get(ready.download_url, timeout=10).status_code == 200


def test_an_event_that_comes_twice_has_one_key(sandbox, product, client, request_to_join):
    sandbox.faults["jaas"].change({"duplicate_webhooks": True})
    room = admitted(sandbox, client.join_link(request_to_join).url).room
    sandbox.world.join(room, "Ada")
    wait_until(lambda: told(product).count("PARTICIPANT_JOINED") == 2)
    joined = [sent.body for sent in product.received if sent.json["eventType"] == "PARTICIPANT_JOINED"]
    assert len({client.summarize_webhook(body).key for body in joined}) == 1


def test_a_link_may_be_over_at_once_and_webhooks_may_be_lost(sandbox, product, client, request_to_join):
    sandbox.faults["jaas"].change({"expired_links": 1})
    room = admitted(sandbox, client.join_link(request_to_join).url).room
    recorded(sandbox, room)
    [uploaded] = wait_until(
        lambda: [sent for sent in product.received if sent.json["eventType"] == "RECORDING_UPLOADED"]
    )
    assert requests.get(uploaded.json["data"]["preAuthenticatedLink"], timeout=10).status_code == 403
    wait_until(lambda: sandbox.couriers["jaas"].is_idle)
    count = len(product.received)
    sandbox.faults["jaas"].change({"lose_webhooks": True})
    sandbox.world.join(room, "Cy")
    sandbox.faults["jaas"].change({"lose_webhooks": False})
    sandbox.world.join(room, "Di")
    wait_until(lambda: len(product.received) > count)
    assert [sent.json["data"]["name"] for sent in product.received[count:]] == ["Di"]


def test_the_deployment_serves_its_script_beside_its_rooms(sandbox, client, request_to_join):
    of_another_site = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    script = requests.get(f"{sandbox.url}/{APP_ID}/external_api.js", headers=of_another_site, timeout=10)
    assert (script.status_code, script.headers["Content-Type"].partition(";")[0]) == (200, "text/javascript")
    assert "window.JitsiMeetExternalAPI" in script.text
    others = f"{sandbox.url}/static/meeting.js"
    assert requests.get(others, headers=of_another_site, timeout=10).status_code == 403
    page = requests.get(client.join_link(request_to_join).url, timeout=10)
    assert "This page plays Jitsi as a Service." in page.text
