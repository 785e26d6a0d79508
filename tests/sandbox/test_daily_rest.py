"""Daily's API as the sandbox plays it: what it refuses, its limits, its pages, and recordings."""

import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import requests

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.world.model import NotAdmitted
from tests.sandbox.calls import BUCKET, KEY, Api, daily_room, in_an_hour, recorded
from tests.support.live import wait_until

INSTANCE = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"


@pytest.fixture
def api(sandbox):
    return Api(sandbox, "daily")


def info(answer, status=400):
    assert answer.status_code == status, answer.text
    return answer.json()["info"]


# Rooms


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"nam": "x"}, '"nam" is not allowed'),
        ({"properties": {"enable_recording_ui": True}}, '"enable_recording_ui" is not allowed'),
        ({"properties": {"start_cloud_recording": True}}, '"start_cloud_recording" is not allowed'),
        ({"properties": {"recording_bucket": {}}}, '"recording_bucket" is not allowed'),
        ({"properties": {"recordings_bucket": {**BUCKET, "path": "x"}}}, '"path" is not allowed'),
        ({"properties": {"enable_recording": False}}, '"enable_recording" must be one of'),
        ({"properties": {"exp": 1767265200.5}}, "exp should be a number of seconds since the unix epoch"),
        ({"properties": {"exp": "2030-01-01"}}, "exp should be a number of seconds since the unix epoch"),
        ({"properties": {"exp": 1767265200123}}, "exp should be a number of seconds since the unix epoch"),
        ({"properties": {"enable_chat": "yes"}}, '"enable_chat" must be a boolean'),
        ({"properties": {"enable_chat": None}}, '"enable_chat" must be a boolean'),
        ({"properties": []}, '"properties" must be an object'),
        ({"name": "with space"}, "name"),
        ({"name": "x" * 129}, "128"),
        ({"privacy": "secret"}, '"privacy" must be one of'),
    ],
    ids=str,
)
def test_a_room_is_described_strictly(sandbox, api, body, words):
    assert words in info(api.post("/rooms", body))
    assert sandbox.world.rooms_of("daily") == []


def test_a_name_of_its_own_is_found_where_none_is_given(api):
    first, second = (api.post("/rooms").json()["name"] for _ in range(2))
    assert first != second


def test_a_configuration_says_only_what_differs_from_the_defaults(sandbox, api):
    daily_room(sandbox, exp=in_an_hour(), enable_chat=True, start_video_off=False, enable_screenshare=True)
    assert set(api.get("/rooms/standup").json()["config"]) == {"exp", "enable_chat"}
    api.post("/rooms/standup", {"properties": {"enable_chat": None, "enable_screenshare": False}})
    assert set(api.get("/rooms/standup").json()["config"]) == {"exp", "enable_screenshare"}


def test_a_name_does_not_change(sandbox, api):
    daily_room(sandbox)
    assert '"name" is not allowed' in info(api.post("/rooms/standup", {"name": "another"}))


def test_a_room_that_has_expired_is_as_good_as_gone(sandbox, api):
    room = daily_room(sandbox, "old")
    daily_room(sandbox, "new")
    room.rules.ends_at = datetime.now(UTC)
    for answer in (api.get("/rooms/old"), api.post("/rooms/old", {"privacy": "private"})):
        assert (answer.status_code, answer.json()["error"]) == (404, "not-found")
    listed = api.get("/rooms").json()
    assert (listed["total_count"], [item["name"] for item in listed["data"]]) == (1, ["new"])
    deleted = api.delete("/rooms/old")
    assert (deleted.status_code, deleted.json()["deleted"]) == (404, True)
    assert "deleted" not in api.delete("/rooms/old").json()


def test_people_are_sent_out_at_the_end_where_the_room_says_so(sandbox):
    stays, goes = daily_room(sandbox, "stays"), daily_room(sandbox, "goes", eject_at_room_exp=True)
    for room in (stays, goes):
        sandbox.world.join(room, "Ada")
        room.rules.ends_at = datetime.now(UTC)
    wait_until(lambda: not goes.people)
    assert goes.visits[0].ejected
    assert [person.name for person in stays.people] == ["Ada"]


def test_single_people_are_sent_out(sandbox, api):
    room = daily_room(sandbox)
    ada, bo, cy = (sandbox.world.join(room, name, user_id=name) for name in ("Ada", "Bo", "Cy"))
    answer = api.post("/rooms/standup/eject", {"ids": [ada.session_id], "user_ids": ["Bo", "Dee"]})
    assert answer.json() == {"ejectedIds": [ada.session_id, bo.session_id]}
    assert room.people == [cy]
    assert info(api.post("/rooms/standup/eject", {"ids": ["x"] * 101}))


@pytest.mark.parametrize("path", ["/rooms", "/recordings"])
def test_pages_are_told_apart_by_ids(sandbox, api, path):
    for number in range(5):
        room = daily_room(sandbox, f"room-{number}")
        sandbox.world.join(room, "Ada")
        sandbox.world.start_recording(room)

    def page(**params):
        answer = api.get(path, limit=2, **params).json()
        assert answer["total_count"] == 5
        return answer["data"]

    first = page()
    second = page(starting_after=first[-1]["id"])
    third = page(starting_after=second[-1]["id"])
    names = [item.get("name") or item["room_name"] for item in [*first, *second, *third]]
    assert names == [f"room-{number}" for number in reversed(range(5))]
    assert page(ending_before=second[-1]["id"])[-1] == second[0]
    assert page(ending_before="OLDEST") == [second[1], third[0]]
    assert page(starting_after=third[-1]["id"]) == page(starting_after="unknown") == []
    for limit in ("0", "101", "x", "-1"):
        assert "limit" in info(api.get(path, limit=limit))


def test_participants_end_with_a_404(sandbox, api):
    room = daily_room(sandbox)
    people = [sandbox.world.join(room, name) for name in ("Ada", "Bo")]
    path = f"/meetings/{room.call.id}/participants"
    wait_until(lambda: len(api.get(path).json().get("data", [])) == 2)
    first = api.get(path, limit=1).json()["data"]
    second = api.get(path, limit=1, joined_after=first[0]["participant_id"]).json()["data"]
    assert [item["participant_id"] for item in [*first, *second]] == [person.session_id for person in people]
    assert api.get(path, joined_after=people[1].session_id).status_code == 404


def test_meetings_are_filtered(sandbox, api):
    for name in ("a", "b"):
        room = daily_room(sandbox, name)
        for person in ("Ada", "Bo"):
            sandbox.world.join(room, person)
    sandbox.world.close(sandbox.world.room("daily", "a"))
    ids = {item["room"]: item["id"] for item in api.get("/meetings").json()["data"]}

    def rooms(**params):
        return [item["room"] for item in api.get("/meetings", **params).json()["data"]]

    assert rooms(room="a") == ["a"]
    assert rooms(ongoing="true") == ["b"]
    assert rooms(timeframe_end=int(time.time()) - 60) == []
    assert set(rooms(timeframe_start=int(time.time()) - 60)) == {"a", "b"}
    assert "participants" not in api.get("/meetings", no_participants="true").json()["data"][0]
    assert api.get(f"/meetings/{ids['a']}").json()["ongoing"] is False
    assert api.get(f"/meetings/{sandbox.world.room('daily', 'a').provider['id']}").status_code == 404


def test_one_person_alone_makes_a_meeting_after_half_a_minute(sandbox, api):
    room = daily_room(sandbox)
    sandbox.world.join(room, "Ada")
    assert api.get("/meetings").json()["data"] == []
    wait_until(lambda: api.get("/meetings").json()["data"])


# Tokens


def token_for(api, **properties):
    return api.post("/meeting-tokens", {"properties": {"room_name": "standup", **properties}}).json()["token"]


def test_a_token_holds_the_claims_of_a_self_signed_one(sandbox, api):
    token = token_for(api, user_name="Ada", user_id="7", is_owner=True, exp=in_an_hour(), enable_recording="cloud")
    claims = jwt.decode(token, KEY.encode().ljust(32, b"\x00"), algorithms=["HS256"])
    assert {key: claims[key] for key in ("r", "u", "ud", "o", "er")} == {
        "r": "standup",
        "u": "Ada",
        "ud": "7",
        "o": True,
        "er": "cloud",
    }
    assert api.get(f"/meeting-tokens/{token}").json()["user_name"] == "Ada"


@pytest.mark.parametrize(
    "properties",
    [{"user_id": "x" * 37}, {"exp": 1.5}, {"owner": True}, {"is_owner": 1}, {"user_name": "x" * 2048}],
    ids=lambda properties: str(properties)[:20],
)
def test_a_token_is_described_strictly(api, properties):
    assert info(api.post("/meeting-tokens", {"properties": properties}))


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"exp": 1_600_000_000}, "exp-token"),
        ({"nbf": 4_000_000_000}, "nbf-token"),
        ({"room_name": "another"}, "not-allowed"),
    ],
)
def test_a_token_that_does_not_fit_lets_nobody_in(sandbox, api, properties, reason):
    daily_room(sandbox)
    token = token_for(api, **properties)
    with pytest.raises(NotAdmitted) as refused:
        sandbox.providers["daily"].admit("standup", {"t": token})
    assert refused.value.reason == reason
    if reason != "not-allowed":
        assert info(api.get(f"/meeting-tokens/{token}"))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_a_token_of_somebody_else_lets_nobody_into_a_private_room(sandbox, token):
    daily_room(sandbox, privacy="private")
    with pytest.raises(NotAdmitted):
        sandbox.providers["daily"].admit("standup", {"t": token})


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, "exp-room"),
        ({"opens_at": datetime(2100, 1, 1, tzinfo=UTC)}, "nbf-room"),
    ],
)
def test_a_room_lets_people_in_in_its_time_only(sandbox, rules, reason):
    room = daily_room(sandbox)
    for name, value in rules.items():
        setattr(room.rules, name, value)
    with pytest.raises(NotAdmitted) as refused:
        sandbox.providers["daily"].admit("standup", {})
    assert refused.value.reason == reason
    with pytest.raises(NotAdmitted) as refused:
        sandbox.providers["daily"].admit("gone", {})
    assert refused.value.reason == "no-room"


# Limits


def test_a_hundred_calls_in_five_seconds_are_let_through(api):
    statuses = [api.get("/").status_code for _ in range(101)]
    assert (statuses.count(200), statuses[-1]) == (100, 429)
    assert api.get("/").json()["error"] == "rate-limit-error"


def test_lists_of_recordings_and_deletions_of_rooms_share_a_lower_limit(api):
    statuses = [api.get("/recordings").status_code for _ in range(25)]
    statuses += [api.delete("/rooms/gone").status_code for _ in range(26)]
    assert (statuses.count(200), statuses.count(404), statuses[-1]) == (25, 25, 429)
    assert api.get("/rooms").status_code == 200


def test_recordings_are_started_one_a_second(sandbox, api):
    daily_room(sandbox)
    statuses = [api.post("/rooms/standup/recordings/start", {}).status_code for _ in range(6)]
    assert statuses == [404] * 5 + [429]


# Recordings


def start(api, **body):
    return api.post("/rooms/standup/recordings/start", body)


def test_a_recording_needs_somebody_in_the_room(sandbox, api):
    daily_room(sandbox)
    assert info(start(api), 404) == "room standup does not seem to be hosting a call currently"


def test_an_instance_records_once_at_a_time(sandbox, api):
    sandbox.world.join(daily_room(sandbox), "Ada")
    first = start(api, instanceId=INSTANCE).json()
    assert "has an active stream" in info(start(api, instanceId=INSTANCE))
    assert start(api, instanceId=INSTANCE.replace("9", "8")).status_code == 200
    assert api.post("/rooms/standup/recordings/stop", {"instanceId": INSTANCE}).json() == {"status": "sent"}
    again = start(api, instanceId=INSTANCE).json()
    assert again["recordingId"] != first["recordingId"]


@pytest.mark.parametrize(
    "body",
    [
        {"instance_id": INSTANCE},
        {"instanceId": "mine"},
        {"type": "local"},
        {"layout": {"preset": "none"}},
        {"width": 641},
        {"audioBitrate": 5},
    ],
    ids=str,
)
def test_a_start_is_described_strictly(sandbox, api, body):
    sandbox.world.join(daily_room(sandbox), "Ada")
    assert info(start(api, **body))


def test_tracks_need_a_bucket_and_are_stopped_by_their_type(sandbox, api):
    room = daily_room(sandbox)
    sandbox.world.join(room, "Ada")
    assert "recordings_bucket" in info(start(api, type="raw-tracks"))
    room.provider["properties"]["recordings_bucket"] = BUCKET
    assert start(api, type="raw-tracks").status_code == 200
    stop = "/rooms/standup/recordings/stop"
    assert info(api.post("/rooms/standup/recordings/update", {"type": "raw-tracks"}))
    assert info(api.post(stop, {}))
    assert api.post(stop, {"type": "raw-tracks"}).status_code == 200
    assert info(api.post(stop, {"type": "raw-tracks"}))


def test_a_recording_stops_after_the_time_that_it_may_take(sandbox, api):
    room = daily_room(sandbox)
    sandbox.world.join(room, "Ada")
    start(api, maxDuration=1)
    recording = room.recording
    assert recording
    wait_until(lambda: not recording.is_active)
    assert 1 <= recording.seconds < 10  # and not 10,800, as it would be without


def test_a_link_is_to_a_file_that_can_be_had_in_parts(sandbox, api):
    recording = recorded(sandbox, daily_room(sandbox))
    answer = api.get(f"/recordings/{recording.id}/access-link", valid_for_secs=1000).json()
    assert 990 < answer["expires"] - time.time() <= 1000
    content = recording.files[0].path.read_bytes()
    whole = requests.get(answer["download_link"], timeout=10)
    part = requests.get(answer["download_link"], headers={"Range": "bytes=100-199"}, timeout=10)
    assert (whole.status_code, whole.content, whole.headers["Content-Type"]) == (200, content, "video/mp4")
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    assert part.headers["ETag"] == whole.headers["ETag"]
    assert "attachment" in whole.headers["Content-Disposition"]


@pytest.mark.parametrize("change", [("expires=", "expires=9"), ("signature=", "signature=0"), ("?", "?x=")])
def test_a_link_that_was_changed_leads_nowhere(sandbox, api, change):
    recording = recorded(sandbox, daily_room(sandbox))
    link = api.get(f"/recordings/{recording.id}/access-link").json()["download_link"]
    assert requests.get(link.replace(*change), timeout=10).status_code == 403


def test_a_recording_outlives_its_room(sandbox, api):
    recording = recorded(sandbox, daily_room(sandbox))
    assert api.delete("/rooms/standup").status_code == 200
    assert api.get(f"/recordings/{recording.id}").json()["room_name"] == "standup"
    started_at = recording.started_at
    assert api.get("/recordings").json()["data"][0]["start_ts"] == int(started_at.timestamp())
    assert recording.stopped_at - started_at < timedelta(minutes=1)


def test_rooms_have_the_address_that_was_configured():
    """Whatever name a browser reaches the sandbox by."""
    with running_sandbox(storage=False, addresses={"daily": "https://acme.daily.co"}) as sandbox:
        daily_room(sandbox)
        headers = {**Api(sandbox, "daily").headers, "Host": "acme.daily.co"}
        room = requests.get(f"{sandbox.url}/daily/v1/rooms/standup", headers=headers, timeout=10).json()
        assert room["url"] == "https://acme.daily.co/standup"
