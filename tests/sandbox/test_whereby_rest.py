"""Whereby's API as the sandbox plays it: what it refuses, its points, its pages, and recordings."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests

from platforms.sandbox.wire.api import Window
from platforms.sandbox.world.model import NotAdmitted
from tests.sandbox.calls import CLOUD, DESTINATION, Api, recorded, whereby_room

END = "2100-01-01T00:00:00.000Z"


@pytest.fixture
def api(sandbox):
    return Api(sandbox, "whereby")


def open_meeting(api, **wanted):
    return api.post("/meetings", {"endDate": END, **wanted})


# Meetings


@pytest.mark.parametrize(
    "wanted",
    [
        {"endDate": None},
        {"endDate": "tomorrow"},
        {"endDate": "2020-01-01T00:00:00Z"},
        {"roomMode": "huge"},
        {"isLocked": "no"},
        {"roomNamePrefix": "x" * 40},
        {"roomNamePrefix": "/team"},
        {"roomNamePrefix": "team_a"},
        {"fields": ["roomUrl"]},
        {"recording": {"type": "cloud"}},
        {"recording": {**CLOUD, "startTrigger": "always"}},
        {"recording": {**CLOUD, "destination": {"provider": "s3", "config": {"bucket": "b"}}}},
        {"recording": {**CLOUD, "destination": {**DESTINATION, "secretAccessKey": "x"}}},
        {"recording": {**CLOUD, "destination": {**DESTINATION, "region": "us-east-1"}}},
    ],
    ids=str,
)
def test_a_meeting_is_described_strictly(sandbox, api, wanted):
    answer = open_meeting(api, **wanted)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.world.rooms_of("whereby") == []


@pytest.mark.parametrize(("prefix", "start"), [("Team Stand-Up ", "teamstand-up"), ("", ""), ("x" * 39, "x" * 39)])
def test_the_prefix_is_lowered_and_the_rest_put_right_behind(api, prefix, start):
    name = open_meeting(api, roomNamePrefix=prefix).json()["roomName"]
    assert re.fullmatch(f"/{start}" + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name)


def test_a_short_name_has_six_characters(api):
    assert re.fullmatch(r"/[0-9a-z]{6}", open_meeting(api, roomNamePattern="human-short").json()["roomName"])


def test_the_hosts_address_is_told_to_who_asks(sandbox, api):
    made = open_meeting(api).json()
    assert not {"hostRoomUrl", "viewerRoomUrl"} & set(made)
    shown = api.get(f"/meetings/{made['meetingId']}", fields="hostRoomUrl,viewerRoomUrl").json()
    assert shown["hostRoomUrl"].startswith(f"{made['roomUrl']}?roomKey=")
    assert shown["viewerRoomUrl"] != shown["hostRoomUrl"]


def test_meetings_are_listed_page_by_page_until_the_cursor_is_null(api):
    made = [open_meeting(api).json()["meetingId"] for _ in range(5)]
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = api.get("/meetings", limit=2, **({"cursor": cursor} if cursor else {})).json()
        found, cursor, pages = found + [item["meetingId"] for item in page["results"]], page["cursor"], pages + 1
    assert (found, pages) == (made[::-1], 3)
    assert api.get("/meetings", cursor="é").status_code == 400
    assert api.get("/meetings", limit=101).status_code == 400


def test_a_meeting_is_closed_by_its_id_as_often_as_one_likes(sandbox, api):
    room, made = whereby_room(sandbox)
    sandbox.world.join(room, "Ada")
    path = f"/meetings/{made['meetingId']}"
    assert [api.delete(path).status_code for _ in range(2)] == [204, 204]
    assert room.people == []
    assert api.get(path).status_code == 404
    assert api.get("/meetings").json()["results"] == []
    with pytest.raises(NotAdmitted):
        sandbox.providers["whereby"].admit(room.name, {})
    assert api.get(f"/meetings/{room.name}").status_code == 404


def test_nobody_is_sent_out_at_the_end_but_hosts_are_hosts_no_more(sandbox):
    room, made = whereby_room(sandbox)
    key = made["hostRoomUrl"].partition("roomKey=")[2]
    sandbox.world.join(room, "Ada")
    room.provider["end_date"] = datetime.now(UTC) - timedelta(minutes=59)
    assert sandbox.providers["whereby"].admit(room.name, {"roomKey": key}).role == "host"
    room.provider["end_date"] = datetime.now(UTC) - timedelta(minutes=61)
    assert sandbox.providers["whereby"].admit(room.name, {"roomKey": key}).role == "visitor"
    assert len(room.people) == 1


# Theme


def test_a_logo_is_a_form_part_or_the_default(sandbox, api):
    room, _ = whereby_room(sandbox)
    path = f"/rooms/{room.name}/theme/logo"
    assert api.call("PUT", path, files={"image": ("l.png", b"png", "image/png")}).status_code == 204
    assert room.provider["logo"] == b"png"
    assert api.call("PUT", path, json={"theme": "default"}).status_code == 204
    assert "logo" not in room.provider
    assert api.call("PUT", path, files={"logo": ("l.png", b"png", "image/png")}).status_code == 400
    assert api.call("PUT", path, data=b"png").status_code == 400
    assert api.call("PUT", "/rooms/gone/theme/logo", json={}).status_code == 404


# Insights


def test_a_session_needs_two_people(sandbox, api):
    room, _ = whereby_room(sandbox)
    ada = sandbox.world.join(room, "Ada")

    def sessions():
        return api.get("/insights/room-sessions", roomName=f"/{room.name}").json()["results"]

    assert sessions() == []
    bo = sandbox.world.join(room, "Bo")
    [session] = sessions()
    assert session["endedAt"] is None
    for person in (ada, bo):
        sandbox.world.leave(room, person.session_id)
    assert sessions()[0]["endedAt"]
    assert sessions()[0]["totalUniqueParticipants"] == 2


def test_people_of_a_session_are_listed_ten_at_a_time(sandbox, api):
    room, _ = whereby_room(sandbox, roomMode="group")
    for number in range(12):
        sandbox.world.join(room, f"Person {number}", user_id=f"u-{number}")
    session_id = room.calls[0].id
    page = api.get("/insights/participants", roomSessionId=session_id).json()
    rest = api.get("/insights/participants", roomSessionId=session_id, cursor=page["cursor"]).json()
    assert (len(page["results"]), len(rest["results"]), rest["cursor"]) == (10, 2, None)
    [mine] = api.get("/insights/participants", externalId="u-3").json()["results"]
    assert mine["displayName"] == "Person 3"
    sorted_by = {"roomSessionId": session_id, "sortBy": "displayName:desc"}
    descending = api.get("/insights/participants", **sorted_by).json()["results"]
    assert descending[0]["displayName"] == "Person 9"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("room-sessions", {}),
        ("room-sessions", {"roomName": "no-slash"}),
        ("participants", {}),
        ("participant", {"roomSessionId": "x"}),
        ("rooms", {"sortBy": "colour:asc"}),
    ],
)
def test_insights_say_what_they_need(api, path, params):
    assert api.get(f"/insights/{path}", **params).status_code == 400


def test_rooms_are_filtered(sandbox, api):
    first, second = whereby_room(sandbox, "alpha-")[0], whereby_room(sandbox, "beta-")[0]

    def names(**params):
        return [item["roomName"] for item in api.get("/insights/rooms", **params).json()["results"]]

    assert names(**{"roomName[exact]": f"/{first.name}"}) == [f"/{first.name}"]
    assert names(**{"roomName[startsWith]": "/beta-"}) == [f"/{second.name}"]
    assert len(names(**{"roomName[contains]": "a-"})) == 2
    assert names(**{"createdAt[from]": END}) == []


# Recordings


def test_without_a_bucket_a_recording_is_in_wherebys_own_storage(sandbox, api):
    room, _ = whereby_room(sandbox, recording={**CLOUD, "destination": None})
    recording = recorded(sandbox, room)
    [item] = api.get("/recordings", roomName=f"/{room.name}").json()["results"]
    link = api.get(f"/recordings/{item['recordingId']}/access-link").json()
    assert requests.get(link["accessLink"], timeout=10).content == recording.files[0].path.read_bytes()
    assert link["expires"] > 1e12  # milliseconds
    assert api.delete(f"/recordings/{recording.id}").status_code == 204
    assert api.get(f"/recordings/{recording.id}").status_code == 404
    assert api.get("/recordings").json()["results"] == []


def test_several_recordings_are_deleted_at_once(sandbox, api):
    room, _ = whereby_room(sandbox, recording={**CLOUD, "destination": None})
    recording = recorded(sandbox, room)
    assert api.post("/recordings/bulk-delete", {"recordingIds": [recording.id]}).status_code == 204
    assert api.get("/recordings").json()["results"] == []
    assert api.post("/recordings/bulk-delete", {"ids": []}).status_code == 400


def test_a_bucket_may_name_a_folder(stored_sandbox):
    destination = {**DESTINATION, "bucket": "sandbox-whereby/cloud/2026"}
    room, _ = whereby_room(stored_sandbox, recording={**CLOUD, "destination": destination})
    recording = recorded(stored_sandbox, room)
    assert recording.state == "ready"
    [item] = stored_sandbox.storage.client("s3").list_objects_v2(Bucket="sandbox-whereby")["Contents"]
    stamp = recording.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert item["Key"] == f"cloud/2026/{room.name}-{stamp}.mp4"


@pytest.mark.parametrize("change", [{"accessKeySecret": "wrong"}, {"accessKeyId": "wrong"}, {"bucket": "elsewhere"}])
def test_a_bucket_that_cannot_be_written_to_loses_the_recording(stored_sandbox, change):
    room, _ = whereby_room(stored_sandbox, recording={**CLOUD, "destination": {**DESTINATION, **change}})
    assert recorded(stored_sandbox, room).state == "failed"


def test_the_queue_tells_what_was_put_into_the_bucket(stored_sandbox):
    room, _ = whereby_room(stored_sandbox, recording=CLOUD)
    recorded(stored_sandbox, room)
    url = f"{stored_sandbox.storage_url}/123456789012/sandbox-recordings"
    received = stored_sandbox.storage.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    bodies = " ".join(message["Body"] for message in received)
    assert "s3:TestEvent" in bodies
    assert room.name in bodies


# Points


@pytest.mark.parametrize(
    ("path", "cost"), [("/meetings/1", 1), ("/meetings", 3), ("/insights/room-sessions?roomName=/x", 5)]
)
def test_calls_cost_points(sandbox, api, path, cost):
    sandbox.providers["whereby"].state.budget = budget = Window(100, 60.0)
    api.get(path)
    assert budget.left == 100 - cost


def test_when_the_points_are_used_up_it_says_for_how_long(sandbox, api):
    sandbox.providers["whereby"].state.budget = Window(5, 60.0)
    assert open_meeting(api).status_code == 201
    answer = open_meeting(api)
    assert answer.status_code == 429
    assert 55 <= int(answer.headers["Retry-After"]) <= 61
    assert 55_000 <= answer.json()["data"]["msLeft"] <= 60_000
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("5", "2")


def test_a_wrong_key_is_unauthorized(sandbox):
    for key in ("", "wrong"):
        assert Api(sandbox, "whereby", key).get("/meetings").status_code == 401
