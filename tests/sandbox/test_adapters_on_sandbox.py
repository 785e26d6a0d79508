"""What the clients' own tests show against stubs, shown against the sandbox: here both ends of the wire are real."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from platforms.backends.daily import DailyClient
from platforms.backends.mock import SandboxMockClient
from platforms.backends.whereby import WherebyClient
from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.sandbox.wire.api import Window
from platforms.testing import ExampleRoom
from platforms.types import JoinRequest, VideoPlatformConfig
from tests.sandbox.calls import BUCKET, KEY, recorded, speak
from tests.sandbox.product import Product
from tests.support import daily as captured
from tests.support.stub_provider import Answer

SECRET, OTHER = captured.SECRET, "b3RoZXI="
TRACKS = {
    "recording_mode": "raw-tracks",
    "s3_bucket": BUCKET["bucket_name"],
    "s3_region": BUCKET["bucket_region"],
    "aws_role_arn": BUCKET["assume_role_arn"],
}
STORAGE = {"s3_bucket": "sandbox-whereby", "aws_access_key_id": "sandbox", "aws_access_key_secret": "sandbox"}
CLIENTS = {"daily": DailyClient, "whereby": WherebyClient, "mock": SandboxMockClient}


def client_of(sandbox, platform, **options):
    api_url = f"{sandbox.url}/{platform}" + ("" if platform == "mock" else "/v1")
    options = {"api_url": api_url, "api_key": KEY, "webhook_secrets": [SECRET], **options}
    return CLIENTS[platform](VideoPlatformConfig.from_options(platform, options))


@pytest.fixture
def daily(sandbox):
    return client_of(sandbox, "daily")


@pytest.fixture
def whereby(sandbox):
    return client_of(sandbox, "whereby")


def opened(client, seconds=3600, prefix="standup", **settings):
    return client.create_meeting(prefix, datetime.now(UTC) + timedelta(seconds=seconds), ExampleRoom(**settings))


def room_of(sandbox, meeting):
    return sandbox.world.room(meeting.platform, meeting.room_name.strip("/"))


def link_for(client, meeting, settings=None, seconds=3600, **changes):
    request = JoinRequest(
        room_name=meeting.room_name,
        room_url=meeting.room_url,
        host_room_url=meeting.host_room_url,
        settings=settings or ExampleRoom(),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        user_id="7",
        user_name="Zoë",
    )
    return client.join_link(replace(request, **changes)).url


def admitted(sandbox, url):
    """As the meeting page does it, by the address alone."""
    parts = urlsplit(url)
    _, platform, name = parts.path.split("/", 2)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    return sandbox.providers[platform].admit(name, query)


# Rooms


def test_daily_makes_a_room_with_what_was_asked_for(sandbox, daily):
    meeting = opened(daily, recording_type="cloud", is_locked=True)
    room = room_of(sandbox, meeting)
    assert (room.rules.recording, room.rules.is_locked, room.rules.ejects_at_end) == ("cloud", True, True)
    assert meeting.meeting_id == room.provider["id"]
    assert meeting.room_url == f"{sandbox.url}/daily/{room.name}"


def test_daily_is_extended_and_people_stay(sandbox, daily):
    meeting = opened(daily, seconds=60)
    end = datetime.now(UTC) + timedelta(hours=5)
    daily.extend_meeting(meeting.room_name, end)
    assert room_of(sandbox, meeting).rules.ends_at == end.replace(microsecond=0)
    assert room_of(sandbox, meeting).rules.ejects_at_end is True


def test_daily_room_whose_answer_was_lost_is_found_again(sandbox, daily, monkeypatch):
    """The name is taken by the call whose answer was lost; by nobody else's."""
    monkeypatch.setattr("platforms.backends.daily.client._room_name", lambda prefix: "standup-1")
    first = daily.create_meeting("standup", datetime(2030, 1, 1, tzinfo=UTC), ExampleRoom())
    again = daily.create_meeting("standup", datetime(2030, 1, 1, tzinfo=UTC), ExampleRoom())
    assert first.meeting_id == again.meeting_id
    with pytest.raises(PlatformRejected, match="every name"):
        daily.create_meeting("standup", datetime(2030, 1, 2, tzinfo=UTC), ExampleRoom())


@pytest.mark.parametrize("platform", ["daily", "whereby"])
def test_closing_sends_everybody_out_and_may_be_asked_for_twice(sandbox, platform):
    client = client_of(sandbox, platform)
    meeting = opened(client)
    room = room_of(sandbox, meeting)
    sandbox.world.join(room, "Ada")
    assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
    assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
    assert room.people == []
    assert client.get_presence(meeting.room_name) == []


def test_daily_room_that_has_expired_counts_as_closed(sandbox, daily):
    meeting = opened(daily)
    room_of(sandbox, meeting).rules.ends_at = datetime.now(UTC)
    with pytest.raises(PlatformRejected):
        daily.extend_meeting(meeting.room_name, datetime.now(UTC) + timedelta(hours=1))
    assert daily.delete_room(meeting.room_name) is True


def test_a_bucket_that_is_not_there_keeps_daily_from_making_a_room(stored_sandbox):
    client = client_of(stored_sandbox, "daily", **{**TRACKS, "s3_bucket": "elsewhere"})
    with pytest.raises(PlatformRejected, match="unable to upload test file to bucket"):
        opened(client, recording_type="cloud")


def test_whereby_keeps_a_logo(sandbox, whereby, tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG\r\n\x1a\nlogo")
    meeting = opened(whereby)
    assert whereby.upload_logo(meeting.room_name, logo) is True
    assert room_of(sandbox, meeting).provider["logo"] == logo.read_bytes()
    with pytest.raises(PlatformRejected, match="404"):
        whereby.upload_logo("/gone", logo)


def test_a_wrong_key_is_final(sandbox):
    for platform in ("daily", "whereby"):
        with pytest.raises(PlatformRejected, match="401"):
            opened(client_of(sandbox, platform, api_key="wrong"))


# People


def test_a_guests_token_says_who_comes(sandbox, daily):
    admission = admitted(sandbox, link_for(daily, opened(daily)))
    assert (admission.name, admission.user_id, admission.role) == ("Zoë", "7", "visitor")
    assert not admission.starts_recording


def test_an_owners_token_makes_a_host(sandbox, daily):
    assert admitted(sandbox, link_for(daily, opened(daily), is_owner=True)).role == "host"


def test_an_automatic_recording_is_in_the_token(sandbox, daily):
    settings = ExampleRoom(recording_type="cloud", recording_trigger="automatic")
    meeting = opened(daily, recording_type="cloud")
    admission = admitted(sandbox, link_for(daily, meeting, settings))
    assert admission.starts_recording
    assert admission.recording_limit == 8 * 3600


def test_a_token_is_signed_with_the_key(sandbox, daily):
    meeting = opened(daily)
    token = parse_qs(urlsplit(link_for(daily, meeting)).query)["t"][0]
    claims = jwt.decode(token, KEY.encode().ljust(32, b"\x00"), algorithms=["HS256"])
    assert claims["r"] == meeting.room_name
    assert claims["d"] == sandbox.providers["daily"].state.domain_id


def test_wherebys_host_comes_by_an_address_of_their_own(sandbox, whereby):
    meeting = opened(whereby, recording_type="cloud")
    assert meeting.host_room_url.startswith(f"{meeting.room_url}?roomKey=")
    assert admitted(sandbox, meeting.host_room_url).role == "host"
    assert admitted(sandbox, meeting.room_url).role == "visitor"
    assert admitted(sandbox, f"{meeting.room_url}?roomKey=guessed").role == "visitor"


@pytest.mark.parametrize("locked", [True, False])
def test_in_locked_rooms_of_the_mock_people_knock(sandbox, locked):
    meeting = opened(client_of(sandbox, "mock"), is_locked=locked)
    assert admitted(sandbox, meeting.room_url).room.rules.is_locked is locked


@pytest.mark.parametrize("platform", ["daily", "whereby", "mock"])
def test_presence_follows_people(sandbox, platform):
    client = client_of(sandbox, platform)
    meeting = opened(client)
    room = admitted(sandbox, meeting.room_url).room
    ada = sandbox.world.join(room, "Ada", user_id="7")
    assert len(client.get_presence(meeting.room_name)) == (0 if client.presence_threshold == 2 else 1)
    sandbox.world.join(room, "Bo")
    people = {person.session_id: person for person in client.get_presence(meeting.room_name)}
    assert {person.user_name for person in people.values()} == {"Ada", "Bo"}
    assert people[ada.session_id].user_id == "7"
    assert abs(people[ada.session_id].joined_at - ada.joined_at) < timedelta(seconds=0.01)
    sandbox.world.leave(room, ada.session_id)
    assert [person.user_name for person in client.get_presence(meeting.room_name)] == ["Bo"]


def test_daily_tells_of_everybody_at_once(sandbox, daily):
    first, second = opened(daily), opened(daily)
    for meeting in (first, second):
        sandbox.world.join(room_of(sandbox, meeting), "Ada")
    opened(daily)
    assert {name: len(people) for name, people in daily.get_all_presence().items()} == {
        first.room_name: 1,
        second.room_name: 1,
    }


@pytest.mark.parametrize("platform", ["daily", "whereby"])
def test_sessions_begin_and_end(sandbox, platform):
    client = client_of(sandbox, platform)
    meeting = opened(client)
    room = room_of(sandbox, meeting)
    people = [sandbox.world.join(room, name) for name in ("Ada", "Bo")]
    [session] = client.get_room_sessions(meeting.room_name)
    assert session.ended_at is None
    for person in people:
        sandbox.world.leave(room, person.session_id)
    [ended] = client.get_room_sessions(meeting.room_name)
    assert ended.session_id == session.session_id
    assert ended.ended_at


def test_wherebys_people_are_read_page_by_page(sandbox, whereby):
    meeting = opened(whereby, room_mode="group")
    for number in range(120):
        sandbox.world.join(room_of(sandbox, meeting), f"Person {number}")
    assert len(whereby.get_presence(meeting.room_name)) == 120


# Recordings


def test_daily_recording_is_listed_fetched_by_link_and_deleted(sandbox, daily):
    meeting = opened(daily, recording_type="cloud")
    recording = recorded(sandbox, room_of(sandbox, meeting))
    [ref] = daily.list_recordings()
    assert (ref.recording_id, ref.room_name, ref.kind) == (recording.id, meeting.room_name, "file")
    assert list(daily.list_recordings("another-room")) == []
    assert daily.get_recording(recording.id) == ref
    content = requests.get(daily.recording_link(recording.id), timeout=10).content
    assert content == recording.files[0].path.read_bytes()
    assert daily.delete_recording(recording.id) is True
    assert daily.delete_recording(recording.id) is True
    assert list(daily.list_recordings()) == []


def test_daily_lists_many_recordings_page_by_page(sandbox, daily):
    room = room_of(sandbox, opened(daily))
    sandbox.world.join(room, "Ada")
    for number in range(130):
        recording = sandbox.world.start_recording(room, instance_id=str(number))
        recording.state = "ready"
    assert len({ref.recording_id for ref in daily.list_recordings()}) == 130


def test_tracks_are_started_by_a_call_and_put_into_the_bucket(stored_sandbox):
    client = client_of(stored_sandbox, "daily", **TRACKS)
    meeting = opened(client, recording_type="cloud")
    room, instance = room_of(stored_sandbox, meeting), "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
    with pytest.raises(PlatformRejected, match="does not seem to be hosting a call"):
        client.start_recording(meeting.room_name, "raw-tracks", instance)
    ada = stored_sandbox.world.join(room, "Ada")
    answer = client.start_recording(meeting.room_name, "raw-tracks", instance)
    assert answer == {"status": "sent", "recordingId": room.recording.id}
    assert client.start_recording(meeting.room_name, "raw-tracks", instance) is None  # has an active stream
    recording = room.recording
    speak(stored_sandbox, recording, ada.session_id, after=0.5)
    stored_sandbox.world.leave(room, ada.session_id)
    [ref] = wait_for_listed(client)
    assert ref.kind == "tracks"
    [track] = ref.tracks
    assert (track.session_id, track.kind) == (ada.session_id, "cam-audio")
    assert track.offset == pytest.approx(0.5, abs=0.02)
    assert list(client.recording_objects(recording.id)) == [ref.key, track.s3_key]
    stored = stored_sandbox.storage.client("s3").get_object(Bucket=BUCKET["bucket_name"], Key=track.s3_key)
    assert stored["Body"].read() == recording.files[0].path.read_bytes()


def wait_for_listed(client, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := list(client.list_recordings()):
            return found
    raise AssertionError("nothing was listed")


def test_wherebys_recording_is_in_the_bucket_under_a_name_that_is_known(stored_sandbox):
    client = client_of(stored_sandbox, "whereby", **STORAGE)
    meeting = opened(client, recording_type="cloud", recording_trigger="automatic-2nd-participant")
    recording = recorded(stored_sandbox, room_of(stored_sandbox, meeting))
    s3 = stored_sandbox.storage.client("s3")
    [item] = s3.list_objects_v2(Bucket="sandbox-whereby")["Contents"]
    ref = client.recording_at(item["Key"])
    assert ref.room_name == meeting.room_name
    assert ref.started_at == recording.started_at.replace(microsecond=0)


# Webhooks


@pytest.fixture
def product():
    with Product() as product:
        yield product


def registered(daily, product):
    return daily.register_webhook(f"{product.url}/v1/daily/webhook", SECRET)


def test_a_webhook_is_tried_out_registered_listed_and_deleted(daily, product):
    made = registered(daily, product)
    assert [sent.body for sent in product.received] == [b'{"test":"test"}']
    assert (made.is_active, made.has_known_secret, made.retry_type) == (True, True, "exponential")
    assert set(made.event_types) == set(daily.webhook_event_types)
    assert daily.list_webhooks() == [made]
    daily.delete_webhook(made.id)
    daily.delete_webhook(made.id)
    assert daily.list_webhooks() == []


def test_an_address_that_does_not_answer_200_is_not_registered(daily, product):
    product.answers(Answer(202))
    with pytest.raises(PlatformRejected, match="non-200 status code returned from webhook endpoint, recvd 202"):
        registered(daily, product)
    with pytest.raises(PlatformRejected, match="recvd undefined"):
        daily.register_webhook("http://127.0.0.1:9/v1/daily/webhook", SECRET)
    assert daily.list_webhooks() == []


def test_the_secret_is_rotated_under_the_same_id(sandbox, daily, product):
    made = registered(daily, product)
    both = client_of(sandbox, "daily", webhook_secrets=[OTHER, SECRET])
    assert both.register_webhook(made.url, OTHER, replace=made.id).id == made.id
    sandbox.world.join(room_of(sandbox, opened(both)), "Ada")
    sent = product.wait_for("participant.joined")
    assert client_of(sandbox, "daily", webhook_secrets=[OTHER]).authenticate_webhook(sent.body, sent.headers) is None
    assert both.list_webhooks()[0].has_known_secret is True
    assert daily.list_webhooks()[0].has_known_secret is False


@pytest.mark.parametrize("platform", ["daily", "whereby", "mock"])
def test_what_happens_is_told_signed_and_understood(sandbox, product, platform):
    client = client_of(sandbox, platform)
    sandbox.providers[platform].register(product.url, SECRET)
    meeting = opened(client)
    room = admitted(sandbox, meeting.room_url).room
    ada, bo = (sandbox.world.join(room, name) for name in ("Zoë", "Bo"))
    sandbox.world.leave(room, ada.session_id)
    sandbox.world.leave(room, bo.session_id)
    sent = product.wait_for_all(6)
    events = []
    for delivery in sent:
        client.authenticate_webhook(delivery.body, delivery.headers)
        events += client.parse_webhook(delivery.body)
    kinds = [type(event).__name__ for event in events]
    assert sorted(kinds) == sorted([*["ParticipantJoined", "ParticipantLeft"] * 2, "MeetingStarted", "MeetingEnded"])
    assert {event.room_name for event in events} == {meeting.room_name}
    joined = next(event for event in events if type(event).__name__ == "ParticipantJoined")
    assert (joined.session_id, joined.user_name) == (ada.session_id, "Zoë")
    assert len({client.summarize_webhook(delivery.body).key for delivery in sent}) == 6


# Limits and failures


@pytest.mark.parametrize("platform", ["daily", "whereby"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_server_is_unavailable_and_comes_back(sandbox, platform, status):
    client = client_of(sandbox, platform)
    sandbox.faults[platform].change({"failing_calls": 20, "failing_status": status})
    with pytest.raises(PlatformUnavailable, match=f"answered {status}"):
        opened(client)
    sandbox.faults[platform].reset()
    assert opened(client).room_url


def test_daily_calls_that_are_too_many_are_waited_for(sandbox, daily):
    sandbox.faults["daily"].change({"failing_calls": 2, "failing_status": 429})
    assert opened(daily).room_url


def test_whereby_says_how_long_its_points_are_used_up(sandbox, whereby):
    sandbox.providers["whereby"].state.budget = Window(6, 60.0)
    opened(whereby)
    opened(whereby)
    with pytest.raises(PlatformUnavailable, match="answered 429") as caught:
        opened(whereby)
    assert 55 <= caught.value.retry_after <= 61


def test_a_sentence_in_the_links_place_is_a_refusal_that_quotes_it(sandbox, daily):
    recording = recorded(sandbox, room_of(sandbox, opened(daily)))
    sandbox.faults["daily"].change({"sentence_links": 1})
    with pytest.raises(PlatformRejected, match="API access to this recording is not allowed"):
        daily.recording_link(recording.id)
    assert daily.recording_link(recording.id).startswith("http")
