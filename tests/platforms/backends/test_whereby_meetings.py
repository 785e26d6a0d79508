"""Rooms, logos and presence on Whereby, over real HTTP."""

import email.parser
import email.policy
import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from platforms.backends.whereby import WherebyClient
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.handler import create_platform_client
from platforms.testing import ExampleRoom
from platforms.types import Participant, SessionData
from tests.support import whereby_provider
from tests.support.contracts import WherebyContract
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import PAYLOADS, STORAGE, client_for, whereby_stub

END = datetime(2026, 1, 2, 11, 4, 5, 678900, tzinfo=UTC)
ROOM_ANSWER = {
    "meetingId": "82490894",
    "roomName": "/standup-7b1e",
    "roomUrl": "https://acme.whereby.com/standup-7b1e",
    "hostRoomUrl": "https://acme.whereby.com/standup-7b1e?roomKey=host-only",
    "startDate": "2026-01-02T03:04:05.678Z",
    "endDate": "2026-01-02T11:04:05.678Z",
}


@pytest.fixture
def stub():
    with whereby_stub() as stub:
        yield stub


@pytest.fixture
def client(stub):
    return client_for(stub)


class TestWherebyKeepsTheContract(WherebyContract):
    client_class = WherebyClient
    options = {"api_key": "key"}
    payloads = PAYLOADS

    @pytest.fixture(autouse=True)
    def provider(self, stub):
        self.options = {**self.options, "api_url": stub.url}
        return stub

    def sign_webhook(self, body, secret):
        return whereby_provider.sign(body, secret)


# Opening a meeting: what is sent


def opened_with(stub, client=None, prefix="standup", end=END, **settings):
    (client or client_for(stub)).create_meeting(prefix, end, ExampleRoom(**settings))
    [request] = stub.sent("POST")
    return request


def test_the_request_has_the_documented_fields_and_no_others(stub):
    request = opened_with(stub, is_locked=True, room_mode="normal")
    assert (request.path, request.query) == ("/meetings", {})
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "isLocked": True,
        "roomMode": "normal",
        "roomNamePrefix": "standup-",
        "endDate": "2026-01-02T11:04:05.678Z",
        "recording": {"type": "none", "destination": None, "startTrigger": "none"},
        "fields": ["hostRoomUrl"],
    }


def test_a_cloud_recording_goes_to_the_bucket_by_a_flat_destination(stub):
    request = opened_with(
        stub, client_for(stub, **STORAGE), recording_type="cloud", recording_trigger="automatic-2nd-participant"
    )
    assert request.json["recording"] == {
        "type": "cloud",
        "destination": {
            "provider": "s3",
            "bucket": "recordings",
            "accessKeyId": "AKIA-ID",
            "accessKeySecret": "aws/secret",
            "fileFormat": "mp4",
        },
        "startTrigger": "automatic-2nd-participant",
    }


@pytest.mark.parametrize("missing", sorted(STORAGE))
def test_a_cloud_recording_without_a_complete_bucket_is_left_to_the_dashboard(stub, missing):
    client = client_for(stub, **{**STORAGE, missing: ""})
    request = opened_with(stub, client, recording_type="cloud", recording_trigger="prompt")
    assert request.json["recording"] == {"type": "cloud", "destination": None, "startTrigger": "prompt"}
    variable = missing.upper().replace("AWS_", "AWS_WHEREBY_").replace("S3_BUCKET", "AWS_WHEREBY_S3_BUCKET")
    [warning] = client.warnings()
    assert warning.startswith(f"{variable} not set: cloud recordings")


@pytest.mark.parametrize("recording_type", ["none", "local"])
def test_recordings_that_are_not_in_the_cloud_never_carry_the_buckets_keys(stub, recording_type):
    request = opened_with(
        stub, client_for(stub, **STORAGE), recording_type=recording_type, recording_trigger="automatic"
    )
    assert request.json["recording"] == {"type": recording_type, "destination": None, "startTrigger": "none"}


@pytest.mark.parametrize("is_locked", [True, False])
@pytest.mark.parametrize("room_mode", ["normal", "group"])
def test_how_many_fit_in_does_not_depend_on_the_lock(stub, is_locked, room_mode):
    request = opened_with(stub, is_locked=is_locked, room_mode=room_mode)
    assert request.json["isLocked"] is is_locked
    assert request.json["roomMode"] == room_mode


@pytest.mark.parametrize(
    ("prefix", "sent"),
    [
        ("standup", "standup-"),
        ("Team_Standup 2", "team-standup-2-"),
        ("Ünï", "uni-"),
        ("/slash/", "slash-"),
        ("日本", "room-"),
        ("", "room-"),
        ("x" * 100, "x" * 38 + "-"),
        ("a" * 37 + "-b", "a" * 37 + "-"),
    ],
)
def test_the_prefix_fits_whereby_and_ends_in_one_hyphen(stub, prefix, sent):
    request = opened_with(stub, prefix=prefix)
    assert request.json["roomNamePrefix"] == sent
    assert len(sent) <= 39


def test_an_end_in_another_time_zone_is_sent_as_utc(stub):
    request = opened_with(stub, end=datetime(2026, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=14))))
    assert request.json["endDate"] == "2026-01-01T11:00:00.000Z"


# Opening a meeting: what comes back


def open_meeting(client):
    return client.create_meeting("standup", END, ExampleRoom())


def test_the_meeting_has_wherebys_own_ids_and_names(stub, client):
    stub.on("POST", "/meetings", Answer(201, ROOM_ANSWER))
    meeting = open_meeting(client)
    assert meeting.meeting_id == "82490894"
    assert meeting.room_name == "/standup-7b1e"
    assert meeting.room_url == ROOM_ANSWER["roomUrl"]
    assert meeting.host_room_url == ROOM_ANSWER["hostRoomUrl"]
    assert meeting.platform == "whereby"
    assert "host-only" not in repr(meeting)


def test_a_numeric_meeting_id_is_text_all_the_same(stub, client):
    stub.on("POST", "/meetings", Answer(201, {**ROOM_ANSWER, "meetingId": 82490894}))
    assert open_meeting(client).meeting_id == "82490894"


def test_without_a_room_name_it_is_the_path_of_the_address(stub, client):
    answer = {**ROOM_ANSWER, "roomName": None, "roomUrl": "https://acme.whereby.com/standup-7b1e?x=1"}
    stub.on("POST", "/meetings", Answer(201, answer))
    assert open_meeting(client).room_name == "/standup-7b1e"


@pytest.mark.parametrize("host_url", [None, "", 7, "javascript:alert(1)", "https://["])
def test_without_a_hosts_address_there_is_none(stub, client, host_url):
    stub.on("POST", "/meetings", Answer(201, {**ROOM_ANSWER, "hostRoomUrl": host_url}))
    assert open_meeting(client).host_room_url == ""


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ({**ROOM_ANSWER, "meetingId": None}, "meetingId"),
        ({**ROOM_ANSWER, "roomUrl": None}, "roomUrl"),
        ({**ROOM_ANSWER, "roomUrl": "standup"}, "roomUrl"),
        ({**ROOM_ANSWER, "roomUrl": "https://["}, "roomUrl"),
        ({**ROOM_ANSWER, "roomUrl": "https://acme.whereby.com/", "roomName": ""}, "roomName"),
        ({}, "meetingId and roomUrl and roomName"),
        ([], "meetingId and roomUrl and roomName"),
        ("ok", "meetingId and roomUrl and roomName"),
        (None, "meetingId and roomUrl and roomName"),
    ],
    ids=repr,
)
def test_an_answer_that_lacks_something_is_named_and_never_repeated(stub, client, answer, missing):
    stub.on("POST", "/meetings", Answer(201, answer))
    with pytest.raises(PlatformUnavailable, match=rf"no usable {missing}\."):
        open_meeting(client)
    assert len(stub.requests) == 1


# Failures, by status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_final_and_carries_status_and_words(stub, client, status):
    stub.on("POST", "/meetings", Answer(status, {"error": "Recording needs another plan"}))
    with pytest.raises(
        PlatformRejected, match=f"Whereby refused POST /meetings with {status}: .*another plan"
    ) as caught:
        open_meeting(client)
    assert caught.value.status == status
    assert caught.value.platform == "whereby"
    assert len(stub.requests) == 1


def test_words_that_quote_a_key_are_cleaned(stub):
    client = client_for(stub, **STORAGE)
    echo = json.dumps({"error": "bad key aws/secret of AKIA-ID for Bearer key"}).replace("/", "\\/")
    stub.on("POST", "/meetings", Answer(403, body=echo.encode()))
    with pytest.raises(PlatformRejected) as caught:
        open_meeting(client)
    assert "secret of" not in str(caught.value)
    assert "AKIA-ID" not in str(caught.value)


def test_points_that_are_used_up_for_a_moment_are_waited_for(stub, client):
    stub.on("POST", "/meetings", Answer(429, {"error": "slow down"}, headers={"Retry-After": "0"}), make_room)
    assert open_meeting(client).meeting_id
    assert len(stub.requests) == 2


@pytest.mark.parametrize("body", [{"data": {"msLeft": 45_000}}, {"data": {"ms_left": 45_000}}])
def test_how_long_points_are_used_up_is_told_from_the_body(stub, client, body):
    stub.on("POST", "/meetings", Answer(429, {"error": "Too many requests", **body}))
    with pytest.raises(PlatformUnavailable, match="answered 429") as caught:
        open_meeting(client)
    assert caught.value.retry_after == 45
    assert len(stub.requests) == 1


def test_how_long_points_are_used_up_is_told_from_the_header_first(stub, client):
    stub.on("POST", "/meetings", Answer(429, {"data": {"msLeft": 9}}, headers={"Retry-After": "30"}))
    with pytest.raises(PlatformUnavailable) as caught:
        open_meeting(client)
    assert caught.value.retry_after == 30


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[]}', b'{"data":{"msLeft":"soon"}}', b"<html>"])
def test_points_used_up_without_a_time_are_tried_again_a_little_later(stub, client, body):
    stub.on("POST", "/meetings", Answer(429, body=body), make_room)
    assert open_meeting(client).meeting_id


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_server_is_not_asked_twice_for_a_room(stub, client, status):
    stub.on("POST", "/meetings", Answer(status, body=b"oops"))
    with pytest.raises(PlatformUnavailable, match=f"answered {status}"):
        open_meeting(client)
    assert len(stub.requests) == 1


def test_a_server_that_does_not_answer_is_not_asked_twice_for_a_room(stub, client, settings):
    settings.PROVIDER_READ_TIMEOUT = 0.1
    stub.on("POST", "/meetings", Answer(201, ROOM_ANSWER, delay=0.5))
    with pytest.raises(PlatformUnavailable, match="did not answer in time"):
        open_meeting(client)
    assert len(stub.requests) == 1


def test_an_answer_that_is_not_json_is_not_a_meeting(stub, client):
    stub.on("POST", "/meetings", Answer(201, body=b"<html>welcome</html>"))
    with pytest.raises(PlatformUnavailable, match="not JSON"):
        open_meeting(client)
    assert len(stub.requests) == 1


def test_without_a_key_it_is_not_configured(settings):
    settings.VIDEO_PLATFORMS = {"whereby": {"BACKEND": "platforms.backends.whereby.WherebyClient", "OPTIONS": {}}}
    with pytest.raises(PlatformNotConfigured, match="WHEREBY_API_KEY"):
        create_platform_client("whereby")


def test_a_complete_configuration_has_nothing_to_warn_of(stub):
    assert client_for(stub, **STORAGE).warnings() == []


def test_webhooks_without_a_secret_are_warned_of(stub):
    [warning] = client_for(stub, **STORAGE, webhook_secrets=[]).warnings()
    assert "WHEREBY_WEBHOOK_SECRET" in warning


def test_without_an_address_wherebys_own_is_called():
    assert client_for(None, api_url="").api.base_url == "https://api.whereby.dev/v1"


def make_room(request):
    return Answer(201, ROOM_ANSWER)


# Closing a room


def test_a_room_is_closed_by_its_meeting_id(stub, client):
    assert client.delete_room("/standup-7b1e", "82490894") is True
    [request] = stub.requests
    assert (request.method, request.path) == ("DELETE", "/meetings/82490894")


def test_a_meeting_id_cannot_lead_to_another_address(stub, client):
    client.delete_room("/x", "1/../../rooms?x=1#")
    assert stub.requests[0].path == "/meetings/1%2F..%2F..%2Frooms%3Fx%3D1%23"


def test_a_room_that_was_closed_before_counts_as_closed(stub, client):
    stub.on("DELETE", "/meetings/*", Answer(404))
    assert client.delete_room("/standup-7b1e", "82490894") is True


def test_closing_is_repeated_when_the_server_fails(stub, client):
    stub.on("DELETE", "/meetings/*", Answer(503), Answer(204))
    assert client.delete_room("/standup-7b1e", "82490894") is True


def test_a_closing_that_is_refused_is_an_error(stub, client):
    stub.on("DELETE", "/meetings/*", Answer(403))
    with pytest.raises(PlatformRejected):
        client.delete_room("/standup-7b1e", "82490894")


def test_a_room_without_a_meeting_id_is_not_looked_for(stub, client):
    with pytest.raises(PlatformRejected, match="/standup-7b1e"):
        client.delete_room("/standup-7b1e")
    assert stub.requests == []


# Logos


@pytest.fixture
def logo(tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nrest")
    return path


def test_a_logo_is_sent_as_one_form_part(stub, client, logo):
    assert client.upload_logo("/standup-7b1e", logo) is True
    [request] = stub.requests
    assert (request.method, request.path) == ("PUT", "/rooms/standup-7b1e/theme/logo")
    assert request.headers["authorization"] == "Bearer key"
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.default).parsebytes(head + request.body)
    [part] = form.iter_parts()
    assert part.get_param("name", header="content-disposition") == "image"
    assert part.get_content_type() == "image/png"
    assert b"\x89PNG\r\n\x1a\nrest" in request.body


def test_a_room_name_is_one_segment_of_the_address(stub, client, logo):
    client.upload_logo("/a b/c?d", logo)
    assert stub.requests[0].path == "/rooms/a%20b%2Fc%3Fd/theme/logo"


def test_a_logo_is_sent_again_in_full_when_the_server_fails(stub, client, logo):
    stub.on("PUT", "/rooms/*", Answer(500), whereby_provider.set_theme)
    assert client.upload_logo("/standup-7b1e", logo) is True
    assert re.sub(rb"--\w+", b"", stub.requests[0].body) == re.sub(rb"--\w+", b"", stub.requests[1].body)


@pytest.mark.parametrize(
    ("status", "error"), [(400, PlatformRejected), (404, PlatformRejected), (503, PlatformUnavailable)]
)
def test_a_logo_that_is_not_taken_is_an_error(stub, client, logo, status, error):
    stub.on("PUT", "/rooms/*", Answer(status))
    with pytest.raises(error):
        client.upload_logo("/standup-7b1e", logo)


# Sessions and people

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPEN = {"roomSessionId": "s2", "roomName": "/r", "startedAt": "2026-01-02T03:04:05Z", "endedAt": None}
CLOSED = {"roomSessionId": "s1", "startedAt": "2026-01-02T02:04:05Z", "endedAt": "2026-01-02T03:04:05.000Z"}


def page(*items, cursor=None):
    return Answer(200, {"results": list(items), "cursor": cursor})


def test_sessions_are_read_page_by_page(stub, client):
    stub.on("GET", "/insights/room-sessions", page(CLOSED, cursor="next/1"), page(OPEN))
    assert client.get_room_sessions("standup-7b1e") == [
        SessionData("s1", STARTED - timedelta(hours=1), STARTED),
        SessionData("s2", STARTED, None),
    ]
    first, second = stub.requests
    assert first.query == {"roomName": ["/standup-7b1e"], "limit": ["100"]}
    assert second.query == {"roomName": ["/standup-7b1e"], "limit": ["100"], "cursor": ["next/1"]}


def test_a_slash_that_is_there_is_not_doubled(stub, client):
    client.get_room_sessions("/standup-7b1e")
    assert stub.requests[0].query["roomName"] == ["/standup-7b1e"]


def test_pages_without_end_are_cut_off(stub, client):
    stub.on("GET", "/insights/room-sessions", page(CLOSED, cursor="again"))
    assert len(client.get_room_sessions("/r")) == 20


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(200, None),
        Answer(200, []),
        Answer(200, {}),
        Answer(200, {"results": None, "cursor": {}}),
        Answer(200, {"results": {"roomSessionId": "s1"}}),
        page(None, [], "x", {}, {"roomSessionId": "s1"}, {"startedAt": "2026-01-02T02:04:05Z"}),
    ],
    ids=repr,
)
def test_what_is_no_session_is_left_out(stub, client, answer):
    stub.on("GET", "/insights/room-sessions", answer)
    assert client.get_room_sessions("/r") == []


@pytest.mark.parametrize(("status", "error"), [(403, PlatformRejected), (500, PlatformUnavailable)])
def test_sessions_that_cannot_be_read_are_an_error(stub, client, status, error):
    stub.on("GET", "/insights/room-sessions", Answer(status))
    with pytest.raises(error):
        client.get_room_sessions("/r")


def test_people_in_the_open_session_are_present_and_bots_are_not(stub, client):
    stub.on("GET", "/insights/room-sessions", page(CLOSED, OPEN))
    stub.on(
        "GET",
        "/insights/participants",
        page(
            {
                "participantId": "p1",
                "roleName": "host",
                "displayName": "Zoë",
                "externalId": "u-1",
                "joinedAt": "2026-01-02T03:05:00Z",
                "leftAt": None,
            },
            {"participantId": "p2", "roleName": "visitor", "joinedAt": None},
            {"participantId": "gone", "roleName": "visitor", "leftAt": "2026-01-02T03:06:00Z"},
            *({"participantId": role, "roleName": role} for role in ("recorder", "streamer", "captioner", "assistant")),
            {"roleName": "visitor"},
        ),
    )
    assert client.get_presence("/r") == [
        Participant("p1", STARTED + timedelta(seconds=55), "u-1", "Zoë"),
        Participant("p2", STARTED),
    ]
    asked = stub.sent("GET", "/insights/participants")
    assert [request.query for request in asked] == [{"roomSessionId": ["s2"], "limit": ["100"]}]


def test_where_no_session_is_open_nobody_is_asked_for(stub, client):
    stub.on("GET", "/insights/room-sessions", page(CLOSED))
    assert client.get_presence("/r") == []
    assert stub.sent("GET", "/insights/participants") == []


def test_one_person_alone_is_not_seen_and_the_client_says_so(client):
    assert client.presence_threshold == 2
