"""Every answer and every webhook of the sandbox has the shape that the provider's has, as recorded in tests/payloads.

The clients are tested against the same recordings, so that client and sandbox cannot agree on the same mistake.
"""

import json
from pathlib import Path

import pytest

from platforms.sandbox.server import running_sandbox
from tests.sandbox.calls import BUCKET, CLOUD, Api, daily_room, in_an_hour, mock_room, recorded, speak, whereby_room
from tests.sandbox.product import Product
from tests.sandbox.shapes import differences, notes
from tests.support.daily import SECRET
from tests.support.live import wait_until

PAYLOADS = Path(__file__).parent.parent / "payloads"
ROOM = "standup-20260101090000-a1b2c3"


def configured(room):
    names = ("eject_at_room_exp", "exp", "enable_chat", "enable_knocking", "recordings_bucket")
    return notes(optional=" ".join(f"{room}.config.{name}" for name in names))


# Where the sandbox may differ from what is recorded, and why.
NOTES = {
    # A configuration holds what differs from the defaults only.
    "daily/answers/room": configured("$"),
    "daily/answers/rooms": configured("$.data[]"),
    # The session is told since 2026, and only while there is one.
    "daily/answers/presence": notes(
        maps="$", nullable="$.*[].userId $.*[].userName $.*[].mtgSessionId", optional="$.*[].mtgSessionId"
    ),
    "daily/answers/room-presence": notes(
        nullable="$.data[].userId $.data[].userName $.data[].mtgSessionId", optional="$.data[].mtgSessionId"
    ),
    "daily/answers/meetings": notes(nullable="$.data[].participants[].user_id $.data[].participants[].user_name"),
    "daily/answers/token": notes(free="$.token"),
    "daily/answers/webhook": notes(nullable="$.lastMomentPushed"),
    "daily/answers/webhooks": notes(nullable="$[].lastMomentPushed"),
    "daily/answers/recording-link": notes(free="$.download_link"),
    # People without a token have a generated id; who is let in for good is not sent out.
    "daily/participant.joined": notes(nullable="$.payload.will_eject_at", free="$.payload.user_id"),
    "daily/participant.left": notes(
        nullable="$.payload.will_eject_at",
        free="$.payload.user_id",
        either="$.payload.permissions.canSend $.payload.permissions.canAdmin",
    ),
    **{
        f"daily/{kind}": notes(fractions="$.event_ts")
        for kind in (
            "recording.started",
            "recording.ready-to-download.cloud",
            "recording.ready-to-download.raw-tracks",
        )
    },
    "whereby/answers/meeting.host": notes(free="$.hostRoomUrl"),
    "whereby/answers/insights-rooms": notes(
        nullable="$.results[].firstSessionStartedAt $.results[].lastSessionStartedAt"
    ),
    "whereby/answers/insights-room-sessions": notes(nullable="$.results[].endedAt"),
    "whereby/answers/insights-participants": notes(
        nullable="$.results[].leftAt $.results[].externalId", free="$.results[].deviceId"
    ),
    "whereby/answers/recording": notes(nullable="$.roomSessionId"),
    "whereby/answers/recordings": notes(nullable="$.results[].roomSessionId"),
    "whereby/answers/recording-link": notes(free="$.accessLink"),
    **{
        f"whereby/room.client.{kind}": notes(
            maps="$.data.numClientsByRoleName",
            nullable="$.data.roomSessionId $.data.externalId",
            free="$.data.externalId",
        )
        for kind in ("joined", "joined.recorder", "left")
    },
}


def assert_shape(sandbox, name, actual):
    recorded_text = (PAYLOADS / f"{name}.json").read_text()
    text = json.dumps(actual).replace(f"{sandbox.url}/whereby", "https://acme.whereby.com")
    text = text.replace('"sandbox/', '"acme/')
    assert list(differences(json.loads(text), json.loads(recorded_text), NOTES.get(name, notes()))) == []


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(time_scale=0.01) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def product(sandbox):
    with Product() as product:
        for provider in sandbox.providers.values():
            provider.register(product.url, SECRET)
        yield product


# Daily's answers


@pytest.fixture(scope="module")
def daily(sandbox, product):
    return Api(sandbox, "daily")


@pytest.fixture(scope="module")
def room(sandbox, daily):
    """With a recording of two people who then stayed."""
    room = daily_room(sandbox, ROOM, enable_chat=True, enable_knocking=True, recordings_bucket=BUCKET)
    recorded(sandbox, room)
    # Who stays for less than ten seconds is not written down; these are a hundred times as fast.
    wait_until(lambda: daily.get("/meetings", room=ROOM).json()["data"][0]["participants"])
    return room


DAILY = {
    "domain": lambda api, room: api.get("/"),
    "rooms": lambda api, room: api.get("/rooms"),
    "room": lambda api, room: api.get(f"/rooms/{ROOM}"),
    "room-ejected": lambda api, room: api.post(f"/rooms/{ROOM}/eject", {"user_ids": ["nobody"]}),
    "token": lambda api, room: api.post("/meeting-tokens", {"properties": {"room_name": ROOM, "exp": in_an_hour()}}),
    "presence": lambda api, room: api.get("/presence"),
    "room-presence": lambda api, room: api.get(f"/rooms/{ROOM}/presence"),
    "meetings": lambda api, room: api.get("/meetings"),
    "meeting": lambda api, room: api.get(f"/meetings/{room.calls[0].id}"),
    "participants": lambda api, room: api.get(f"/meetings/{room.calls[0].id}/participants"),
    "recordings": lambda api, room: api.get("/recordings", room_name=ROOM),
    "recording": lambda api, room: api.get(f"/recordings/{room.recordings[0].id}"),
    "recording-link": lambda api, room: api.get(f"/recordings/{room.recordings[0].id}/access-link"),
    "webhooks": lambda api, room: api.get("/webhooks"),
    "webhook": lambda api, room: api.get(f"/webhooks/{api.get('/webhooks').json()[0]['uuid']}"),
}


@pytest.mark.parametrize("name", DAILY)
def test_daily_answers_as_recorded(sandbox, daily, room, name):
    answer = DAILY[name](daily, room)
    assert answer.status_code == 200, answer.text
    assert_shape(sandbox, f"daily/answers/{name}", answer.json())


DAILY_REFUSALS = {
    "no header": (400, "authorization-header-error", lambda api: api.with_key("").get("/rooms")),
    "another key": (401, "authentication-error", lambda api: api.with_key("wrong").get("/rooms")),
    "no such room": (404, "not-found", lambda api: api.get("/rooms/gone")),
    "no such path": (404, "not-found", lambda api: api.get("/webhook-endpoints")),
    "no such recording": (404, "not-found", lambda api: api.get("/recordings/gone")),
    "bad JSON": (400, "json-parsing-error", lambda api: api.call("POST", "/rooms", data="{")),
    "bad property": (400, "invalid-request-error", lambda api: api.post("/rooms", {"properties": {"x": 1}})),
    "nobody there": (404, "not-found", lambda api: api.post("/rooms/empty/recordings/start", {})),
}


@pytest.mark.parametrize(("status", "error", "call"), DAILY_REFUSALS.values(), ids=DAILY_REFUSALS)
def test_daily_refuses_as_recorded(sandbox, daily, status, error, call):
    if sandbox.world.room("daily", "empty") is None:
        daily_room(sandbox, "empty")
    answer = call(daily)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert_shape(sandbox, "daily/answers/error", answer.json())


def test_what_daily_deletes_is_told_as_recorded(sandbox, daily):
    room = daily_room(sandbox, "deleted")
    recording = recorded(sandbox, room)
    assert_shape(sandbox, "daily/answers/recording-deleted", daily.delete(f"/recordings/{recording.id}").json())
    assert_shape(sandbox, "daily/answers/room-deleted", daily.delete("/rooms/deleted").json())
    expired = daily_room(sandbox, "expired")
    expired.rules.ends_at = expired.created_at
    assert_shape(sandbox, "daily/answers/error.expired-room", daily.delete("/rooms/expired").json())


def test_a_recording_that_goes_on_is_told_as_recorded(sandbox, daily):
    room = daily_room(sandbox, "going-on")
    people = [sandbox.world.join(room, name) for name in ("Ada", "Bo")]
    recording = sandbox.world.start_recording(room)
    going_on = daily.get(f"/recordings/{recording.id}").json()
    for person in people:
        sandbox.world.leave(room, person.session_id)
    assert_shape(
        sandbox, "daily/answers/recording.in-progress", json.loads(json.dumps(going_on).replace("going-on", ROOM))
    )


# Daily's webhooks


def told_by(product, kind, **about):
    """The first event of that kind whose payload says this."""

    def fits(event):
        payload = event.get("payload") or event.get("data") or event
        return event.get("type") == kind and all(payload.get(name) == value for name, value in about.items())

    return wait_until(lambda: next((sent.json for sent in product.received if fits(sent.json)), None))


def test_daily_webhooks_about_people_are_as_recorded(sandbox, product):
    room = daily_room(sandbox, "people", eject_at_room_exp=True)
    ada, bo = sandbox.world.join(room, "Ada", user_id="u-1"), sandbox.world.join(room, "")
    sandbox.world.leave(room, ada.session_id)
    sandbox.world.leave(room, bo.session_id)
    for kind in ("participant.joined", "participant.left"):
        assert_shape(sandbox, f"daily/{kind}", told_by(product, kind, session_id=ada.session_id))
    for kind in ("meeting.started", "meeting.ended"):
        assert_shape(sandbox, f"daily/{kind}", told_by(product, kind, room="people"))
    unnamed = told_by(product, "participant.joined", session_id=bo.session_id)
    assert unnamed["payload"]["user_name"] is None
    assert unnamed["payload"]["user_id"]


def test_daily_webhooks_about_a_recording_are_as_recorded(sandbox, product):
    room = daily_room(sandbox, ROOM.replace("standup", "recorded"))
    recording = recorded(sandbox, room, instance_id="9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d")
    started = told_by(product, "recording.started", recording_id=recording.id)
    assert_shape(sandbox, "daily/recording.started", started)
    ready = told_by(product, "recording.ready-to-download", recording_id=recording.id)
    renamed = json.loads(json.dumps(ready).replace(room.name, ROOM))
    assert_shape(sandbox, "daily/recording.ready-to-download.cloud", renamed)
    assert not [name for name in ready["payload"] if "url" in name or "link" in name]


def test_daily_webhooks_about_tracks_are_as_recorded(sandbox, product, daily):
    room = daily_room(sandbox, "tracks", recordings_bucket=BUCKET)
    recording = recorded(sandbox, room, kind="raw-tracks", instance_id="9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d")
    ready = told_by(product, "recording.ready-to-download", recording_id=recording.id)
    renamed = json.loads(json.dumps(ready).replace("/tracks/", f"/{ROOM}/"))
    assert_shape(sandbox, "daily/recording.ready-to-download.raw-tracks", renamed)
    shown = json.loads(json.dumps(daily.get(f"/recordings/{recording.id}").json()).replace("/tracks/", f"/{ROOM}/"))
    assert_shape(sandbox, "daily/answers/recording.tracks", shown)


def test_daily_webhooks_about_failure_are_as_recorded(sandbox, product):
    sandbox.faults["daily"].change({"recordings_fail": True})
    recorded(sandbox, daily_room(sandbox, "failing"), instance_id="9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d")
    sandbox.faults["daily"].reset()
    assert_shape(sandbox, "daily/recording.error", told_by(product, "recording.error", room_name="failing"))


def test_daily_tries_addresses_out_as_recorded(sandbox, daily, product):
    webhook = daily.get("/webhooks").json()[0]
    assert daily.post(f"/webhooks/{webhook['uuid']}", {"url": webhook["url"]}).status_code == 200
    probe = wait_until(lambda: next((sent for sent in product.received if sent.kind == "probe"), None))
    assert probe.json == json.loads((PAYLOADS / "daily" / "probe.json").read_text())
    assert probe.headers["X-Webhook-Signature"]
    assert len(probe.headers["X-Webhook-Timestamp"]) == 13


# Whereby's answers


@pytest.fixture(scope="module")
def whereby(sandbox, product):
    return Api(sandbox, "whereby")


@pytest.fixture(scope="module")
def team(sandbox, whereby):
    """With a session that goes on, and a recording in Whereby's own storage."""
    room, _ = whereby_room(sandbox, "team-", recording={**CLOUD, "destination": None})
    recorded(sandbox, room)
    return room


WHEREBY = {
    "meeting": lambda api, team: api.get(f"/meetings/{team.provider['id']}"),
    "meeting.host": lambda api, team: api.get(f"/meetings/{team.provider['id']}", fields="hostRoomUrl"),
    "meetings": lambda api, team: api.get("/meetings"),
    "insights-rooms": lambda api, team: api.get("/insights/rooms"),
    "insights-room-sessions": lambda api, team: api.get("/insights/room-sessions", roomName=f"/{team.name}"),
    "insights-participants": lambda api, team: api.get("/insights/participants", roomSessionId=team.calls[0].id),
    "insights-participant": lambda api, team: api.get(
        "/insights/participant", roomSessionId=team.calls[0].id, participantId=team.people[0].session_id
    ),
    "recordings": lambda api, team: api.get("/recordings"),
    "recording": lambda api, team: api.get(f"/recordings/{team.recordings[0].id}"),
    "recording-link": lambda api, team: api.get(f"/recordings/{team.recordings[0].id}/access-link"),
}


@pytest.mark.parametrize("name", WHEREBY)
def test_whereby_answers_as_recorded(sandbox, whereby, team, name):
    answer = WHEREBY[name](whereby, team)
    assert answer.status_code == 200, answer.text
    assert answer.json() if isinstance(answer.json(), list) else answer.json().get("results", True)
    assert_shape(sandbox, f"whereby/answers/{name}", answer.json())


def test_whereby_makes_a_meeting_as_recorded(sandbox, whereby):
    _, made = whereby_room(sandbox, "team-")
    assert_shape(sandbox, "whereby/answers/meeting.host", made)
    _, without = whereby_room(sandbox, "team-", fields=[])
    assert_shape(sandbox, "whereby/answers/meeting", without)
    deleted = whereby.delete(f"/meetings/{made['meetingId']}")
    assert (deleted.status_code, deleted.content) == (204, b"")


def test_whereby_refuses_too_many_calls_as_recorded(sandbox, whereby):
    sandbox.faults["whereby"].change({"failing_calls": 1, "failing_status": 429})
    answer = whereby.get("/meetings")
    assert answer.status_code == 429
    assert_shape(sandbox, "whereby/answers/error.429", answer.json())
    assert answer.headers["Retry-After"].isdigit()
    assert {"X-RateLimit-Reset", "X-RateLimit-Limit", "X-RateLimit-Remaining"} <= set(answer.headers)


# Whereby's webhooks


def test_whereby_webhooks_are_as_recorded(sandbox, product, whereby):
    room, _ = whereby_room(sandbox, "team-", recording=CLOUD)
    ada = sandbox.world.join(room, "Ada")
    bo = sandbox.world.join(room, "Zoë", user_id="7d2a6a4e-0e0c-4c1e-8b8e-5f2b1a9d0c02")
    recording = room.recording
    speak(sandbox, recording, ada.session_id)
    sandbox.world.leave(room, bo.session_id)
    sandbox.world.leave(room, ada.session_id)
    joined = told_by(product, "room.client.joined", participantId=bo.session_id)
    assert_shape(sandbox, "whereby/room.client.joined", joined)
    recorder = told_by(product, "room.client.joined", participantId=recording.id)
    assert_shape(sandbox, "whereby/room.client.joined.recorder", recorder)
    assert recorder["data"]["numClientsByRoleName"] == {"visitor": 2, "recorder": 1}
    left = told_by(product, "room.client.left", participantId=bo.session_id)
    assert_shape(sandbox, "whereby/room.client.left", left)
    assert left["data"]["numClients"] == 2  # Ada and the recorder
    name = f"/{room.name}"
    for kind in ("room.session.started", "room.session.ended"):
        assert_shape(sandbox, f"whereby/{kind}", told_by(product, kind, roomName=name))
    assert_shape(sandbox, "whereby/recording.finished", told_by(product, "recording.finished", roomName=name))


def test_every_recorded_answer_is_compared():
    """A recording that nobody compares would hide that the two have parted."""
    elsewhere = {"error", "error.expired-room", "error.429", "room-deleted", "recording-deleted"}
    elsewhere |= {"recording.in-progress", "recording.tracks"}
    for platform, compared in (("daily", DAILY), ("whereby", WHEREBY)):
        recorded_names = {file.stem for file in (PAYLOADS / platform / "answers").glob("*.json")}
        assert recorded_names - elsewhere == set(compared)


# The mock has no provider: its shape is what its client's documentation says.


def test_the_mock_tells_what_its_client_reads(sandbox, product):
    room = mock_room(sandbox, "shape", recording="cloud")
    recording = recorded(sandbox, room)
    common = {"id", "type", "at", "room_name", "meeting_id"}
    joined = told_by(product, "participant.joined", room_name="shape")
    assert set(joined) == common | {"session_id", "user_id", "user_name"}
    ready = told_by(product, "recording.ready", recording_id=recording.id)
    assert set(ready) == common | {"recording_id", "download_url", "duration", "started_at"}
