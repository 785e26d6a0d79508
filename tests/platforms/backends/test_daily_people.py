"""People in Daily's rooms: the tokens that let them in, who is there, and when somebody was."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.testing import ExampleRoom
from platforms.types import JoinRequest, Participant, SessionData
from tests.support.daily import DailyStub, client_for, payload, refusal
from tests.support.stub_provider import Answer

END = datetime(2030, 1, 1, 17, 30, 15, 900_000, tzinfo=UTC)
EXP = 1893519015
BUCKET = {"s3_bucket": "b", "s3_region": "eu-west-1", "aws_role_arn": "arn:aws:iam::123456789012:role/Daily"}
TOKEN = "header.claims.signature"


@pytest.fixture
def provider():
    with DailyStub() as stub:
        yield stub


@pytest.fixture
def client(provider):
    return client_for(provider)


# Joining


def request_to_join(**changes):
    settings = changes.pop("settings", ExampleRoom())
    url = "https://acme.daily.co/standup"
    return replace(JoinRequest("standup", url, url, settings, expires_at=END, user_id="7", user_name="Ada"), **changes)


def token_for(provider, client, **changes):
    """The properties of the token that was asked for."""
    client.join_link(request_to_join(**changes))
    return provider.sent("POST", "/meeting-tokens")[-1].json["properties"]


def test_a_guests_token_is_asked_for_field_by_field(provider, client):
    client.join_link(request_to_join())
    [request] = provider.requests
    assert (request.method, request.path) == ("POST", "/meeting-tokens")
    assert request.json == {
        "properties": {
            "room_name": "standup",
            "is_owner": False,
            "user_name": "Ada",
            "user_id": "7",
            "exp": EXP,
            "enable_recording_ui": False,
        }
    }


def test_the_link_carries_the_token(client):
    link = client.join_link(request_to_join())
    assert link.url == f"https://acme.daily.co/standup?t={TOKEN}"


def test_a_token_that_is_no_plain_word_is_quoted(provider, client):
    provider.on("POST", "/meeting-tokens", Answer(200, {"token": "a&b=#?"}))
    url = client.join_link(request_to_join()).url
    assert parse_qs(urlsplit(url).query) == {"t": ["a&b=#?"]}


def test_an_owner_gets_an_owners_token(provider, client):
    assert token_for(provider, client, is_owner=True)["is_owner"] is True


def test_nobody_is_thrown_out_when_the_token_ends(provider, client):
    assert not [name for name in token_for(provider, client) if name.startswith("eject")]


def test_someone_unknown_has_neither_name_nor_id(provider, client):
    assert not {"user_id", "user_name"} & set(token_for(provider, client, user_id=None, user_name=None))


def test_a_long_name_is_cut_so_that_the_token_stays_short(provider, client):
    assert token_for(provider, client, user_name="é" * 5000)["user_name"] == "é" * 100


@pytest.mark.parametrize(("length", "is_sent"), [(36, True), (37, False)])
def test_an_id_that_is_too_long_for_the_provider_is_left_out(provider, client, length, is_sent):
    assert ("user_id" in token_for(provider, client, user_id="x" * length)) is is_sent


@pytest.mark.parametrize(
    ("is_locked", "is_owner", "knocks"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_guests_of_a_locked_room_knock(provider, client, is_locked, is_owner, knocks):
    properties = token_for(provider, client, settings=ExampleRoom(is_locked=is_locked), is_owner=is_owner)
    assert properties.get("knocking", False) is knocks


@pytest.mark.parametrize(
    ("recording_type", "skip_consent", "who", "is_shown"),
    [
        ("local", False, {}, True),
        ("local", True, {}, True),
        ("local", False, {"user_id": None, "is_owner": True}, True),
        ("local", False, {"user_id": None}, False),
        ("cloud", True, {}, True),
        ("cloud", True, {"user_id": None}, False),
        ("cloud", False, {"is_owner": True}, False),
        ("none", True, {"is_owner": True}, False),
    ],
)
def test_the_record_button_is_shown_to_known_people_where_nobody_is_asked_first(
    provider, client, recording_type, skip_consent, who, is_shown
):
    settings = ExampleRoom(recording_type=recording_type, skip_consent=skip_consent)
    assert token_for(provider, client, settings=settings, **who)["enable_recording_ui"] is is_shown


@pytest.mark.parametrize(
    ("recording_type", "trigger", "starts"),
    [
        ("cloud", "automatic", True),
        ("cloud", "automatic-2nd-participant", True),
        ("cloud", "prompt", False),
        ("cloud", "none", False),
        ("local", "automatic", False),
        ("none", "automatic", False),
    ],
)
def test_an_automatic_cloud_recording_starts_with_the_person(provider, client, recording_type, trigger, starts):
    settings = ExampleRoom(recording_type=recording_type, recording_trigger=trigger)
    properties = token_for(provider, client, settings=settings)
    assert properties.get("start_cloud_recording", False) is starts
    assert properties.get("start_cloud_recording_opts") == ({"maxDuration": 28_800} if starts else None)


def test_it_does_not_start_with_somebody_who_must_not_begin_it(provider, client):
    settings = ExampleRoom(recording_type="cloud", recording_trigger="automatic")
    assert "start_cloud_recording" not in token_for(provider, client, settings=settings, starts_recording=False)


def test_raw_tracks_are_not_started_by_a_token(provider):
    client = client_for(provider, **BUCKET, recording_mode="raw-tracks")
    settings = ExampleRoom(recording_type="cloud", recording_trigger="automatic")
    assert "start_cloud_recording" not in token_for(provider, client, settings=settings)


def test_a_token_is_asked_for_again_when_the_answer_is_lost(provider, client):
    provider.on("POST", "/meeting-tokens", refusal(500, "server-error", "oops"), Answer(200, {"token": TOKEN}))
    assert client.join_link(request_to_join()).url.endswith(TOKEN)


@pytest.mark.parametrize("answer", [None, [], {}, {"token": None}, {"token": ""}, {"token": {}}])
def test_an_answer_without_a_token_lets_nobody_in(provider, client, answer):
    provider.on("POST", "/meeting-tokens", Answer(200, answer))
    with pytest.raises(PlatformUnavailable, match="meeting token"):
        client.join_link(request_to_join())


def test_a_token_is_in_no_log_and_no_text(client, caplog):
    caplog.set_level(logging.DEBUG)
    link = client.join_link(request_to_join())
    assert TOKEN not in caplog.text + repr(link) + repr(client.config)


# Presence


def test_people_in_a_room_are_read_as_the_provider_writes_them(provider, client):
    name = "standup-20260101090000-a1b2c3"
    provider.on("GET", f"/rooms/{name}/presence", Answer(200, payload("answers/room-presence")))
    assert client.get_presence(name) == [
        Participant(
            session_id="0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60",
            joined_at=datetime(2026, 1, 1, 9, 1, 2, tzinfo=UTC),
            user_id=None,
            user_name="Ada",
        ),
        Participant(
            session_id="1f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f61",
            joined_at=datetime(2026, 1, 1, 9, 1, 5, tzinfo=UTC),
            user_id="u-2",
            user_name=None,
        ),
    ]


def test_nobody_is_in_a_room_that_is_gone(client):
    assert client.get_presence("gone") == []


def test_someone_who_is_there_counts_also_without_a_time(provider, client):
    people = [{"id": "s-1", "joinTime": None}, {"id": None, "joinTime": "2026-01-01T09:01:02Z"}, "x", None]
    provider.on("GET", "/rooms/x/presence", Answer(200, {"data": people}))
    [person] = client.get_presence("x")
    assert person.session_id == "s-1"
    assert datetime.now(UTC) - person.joined_at < timedelta(minutes=1)


def test_everybody_is_found_with_one_call(provider, client):
    provider.on("GET", "/presence", Answer(200, payload("answers/presence")))
    rooms = client.get_all_presence()
    assert {name: [person.session_id[:1] for person in people] for name, people in rooms.items()} == {
        "standup-20260101090000-a1b2c3": ["0", "1"],
        "retro-20260101080000-d4e5f6": ["2"],
    }
    assert len(provider.requests) == 1


def test_an_empty_domain_has_no_rooms_with_people(provider, client):
    provider.on("GET", "/presence", Answer(200, {}))
    assert client.get_all_presence() == {}


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b'{"data":null}', b'"x"', b'{"data":{"a":1}}'])
def test_an_answer_that_is_no_list_does_not_mean_that_everybody_left(provider, client, content):
    provider.on("GET", "/rooms/x/presence", Answer(200, body=content))
    with pytest.raises(PlatformUnavailable):
        client.get_presence("x")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'{"room":null}', b'{"room":{"id":"s-1"}}'])
def test_an_answer_of_another_form_does_not_mean_that_all_rooms_are_empty(provider, client, content):
    provider.on("GET", "/presence", Answer(200, body=content))
    with pytest.raises(PlatformUnavailable):
        client.get_all_presence()


def test_a_refused_look_is_told(provider, client):
    provider.on("GET", "/rooms/x/presence", refusal(401, "authentication-error", "invalid api key"))
    with pytest.raises(PlatformRejected):
        client.get_presence("x")


# Sessions


def test_sessions_of_a_room_are_read_as_the_provider_writes_them(provider, client):
    provider.on("GET", "/meetings", Answer(200, payload("answers/meetings")))
    assert client.get_room_sessions("standup") == [
        SessionData("27f0812b-a4f1-4a44-94da-334f8d51e663", datetime(2026, 1, 1, 9, 50, tzinfo=UTC), None),
        SessionData(
            "16e9701a-93e0-4933-83c9-223e7c40d552",
            datetime(2026, 1, 1, 9, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 1, 9, 33, 20, tzinfo=UTC),
        ),
    ]
    [request] = provider.requests
    assert request.query == {"room": ["standup"], "limit": ["100"]}


def page_of_sessions(first, count):
    return Answer(200, {"data": [{"id": f"m-{first + n}", "start_time": 1767258062} for n in range(count)]})


def test_all_pages_of_sessions_are_read(provider, client):
    provider.on("GET", "/meetings", page_of_sessions(0, 100), page_of_sessions(100, 100), page_of_sessions(200, 1))
    assert [session.session_id for session in client.get_room_sessions("x")] == [f"m-{n}" for n in range(201)]
    assert [request.query.get("starting_after") for request in provider.requests] == [None, ["m-99"], ["m-199"]]


def test_pages_are_not_read_for_ever(provider, client):
    provider.on("GET", "/meetings", page_of_sessions(0, 100))
    client.get_room_sessions("x")
    assert len(provider.requests) == 20


@pytest.mark.parametrize("duration", [None, "x", -5, 1e300])
def test_a_session_of_no_known_length_ended_when_it_began(provider, client, duration):
    item = {"id": "m-1", "start_time": "1767258062.5", "duration": duration, "ongoing": False}
    provider.on("GET", "/meetings", Answer(200, {"data": [item]}))
    [session] = client.get_room_sessions("x")
    assert session.ended_at == session.started_at


def test_a_session_without_id_or_time_is_left_out(provider, client):
    provider.on("GET", "/meetings", Answer(200, {"data": [{"id": "m-1"}, {"start_time": 1767258062}]}))
    assert client.get_room_sessions("x") == []


def test_a_room_that_is_gone_has_no_sessions(provider, client):
    provider.on("GET", "/meetings", refusal(404, "not-found", "room not found"))
    assert client.get_room_sessions("gone") == []
