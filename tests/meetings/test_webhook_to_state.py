"""Every captured payload through the real route, with a real signature, to the state of its meeting."""

import itertools
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from meetings import early_events
from meetings.models import Meeting
from platforms.events import ParticipantJoined
from platforms.exceptions import PlatformRejected
from platforms.models import WebhookEvent
from platforms.sandbox.wire.deliveries import PLATFORMS
from platforms.signals import event_received
from platforms.work.models import run_due
from tests.drills.storm import drill
from tests.support import daily, whereby_provider
from tests.support.meeting_reports import make_meeting
from tests.support.provider_rooms import provider_rooms

PAYLOADS = Path(__file__).parent.parent / "payloads"
DAILY_ROOM = "standup-20260101090000-a1b2c3"
WHEREBY_ROOM = "/team-3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11"
ADA, BO = "0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60", "1f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f61"
ZOE, RECORDER = "3c6f9f5e-1c1a-4b62-9f2e-6f1f6a0f1c01", "5f0a2d7c-6b57-4c1f-8f50-1f8a9a5b7d03"


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def second(text):
    return datetime.fromisoformat(f"2026-01-02T{text}Z")


def in_state(num_clients=0, sessions=(), outcome="applied", **fields):
    return {"num_clients": num_clients, "sessions": list(sessions), "outcome": outcome, **fields}


IGNORED = in_state(outcome="ignored")
READY = in_state(recording_ended_at=at(1767258070 + 277), is_recording=False)
STATES = {
    "daily/participant.joined": in_state(
        1, [(ADA, "u-1", "Ada", at(1767258062), None)], first_joined_at=at(1767258062), last_active_at=at(1767258062)
    ),
    "daily/participant.joined.unnamed": in_state(1, [(BO, "", "", at(1767258065), None)]),
    "daily/participant.left": in_state(
        0, [(ADA, "u-1", "Ada", at(1767258062.004), at(1767258073.423))], last_active_at=at(1767258073.423)
    ),
    "daily/early.participant.joined": in_state(1, [(ADA, "", "Ada", at(1767258062.001), None)]),
    "daily/early.participant.left": in_state(0, [(ADA, "", "Ada", None, at(1767258073.419))]),
    "daily/meeting.started": in_state(first_joined_at=at(1767258062.672)),
    "daily/meeting.ended": in_state(call_ended_at=at(1767260000.671), state=Meeting.State.LIVE),
    "daily/recording.started.with-room": in_state(recording_started_at=at(1767258070), is_recording=True),
    "daily/recording.ready-to-download.cloud": READY,
    "daily/recording.ready-to-download.raw-tracks": READY,
    "daily/recording.ready-to-download.untyped": READY,
    "daily/recording.ready-to-download.audio-only": in_state(recording_ended_at=at(1767258070 + 277.4)),
    "daily/early.recording.ready-to-download": READY,
    "daily/recording.error": in_state(recording_failed_at=at(1767258090), is_recording=False),
    "daily/early.recording.error": in_state(recording_failed_at=at(1767258090.203)),
    "daily/recording.started": None,  # it names no room, and waits
    "daily/waiting-participant.joined": IGNORED,
    "daily/waiting-participant.left": IGNORED,
    "daily/transcript.started": IGNORED,
    "daily/transcript.ready-to-download": IGNORED,
    "daily/transcript.error": IGNORED,
    "whereby/room.client.joined": in_state(
        2,
        [(ZOE, "7d2a6a4e-0e0c-4c1e-8b8e-5f2b1a9d0c02", "Zoë", second("03:04:05.678"), None)],
        counted_at=second("03:04:05.678"),
    ),
    "whereby/room.client.joined.recorder": in_state(
        2, [(RECORDER, "", "Recorder", second("03:04:06.001"), None)], first_joined_at=None
    ),
    "whereby/room.client.left": in_state(1, [(ZOE, "", "Zoë", None, second("03:34:05.678"))]),
    "whereby/room.session.started": in_state(last_active_at=second("03:04:05.7")),
    "whereby/room.session.ended": in_state(call_ended_at=second("03:35:10"), state=Meeting.State.LIVE),
    "whereby/recording.finished": in_state(recording_ended_at=second("03:37:21.48")),
    "whereby/room.client.knocked": IGNORED,
    "whereby/room.client.knockCancelled": IGNORED,
    "whereby/assistant.requested": IGNORED,
    "whereby/transcription.started": IGNORED,
    "whereby/transcription.finished": IGNORED,
    "whereby/transcription.failed": IGNORED,
}


@pytest.fixture
def providers(settings):
    with provider_rooms() as rooms:
        settings.VIDEO_PLATFORMS = rooms.platforms()
        yield rooms


@pytest.fixture
def meetings(providers, db):
    return {
        "daily": make_meeting(platform="daily", room_name=DAILY_ROOM),
        "whereby": make_meeting(platform="whereby", room_name=WHEREBY_ROOM),
    }


def deliver(client, name, path="", **facts):
    platform = name.partition("/")[0]
    event = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    event |= {"payload": {**event["payload"], **facts}} if facts else {}
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    headers = daily.signed(body) if platform == "daily" else whereby_provider.sign(body).headers
    return client.post(path or f"/v1/{platform}/webhook", body, "application/json", headers=headers)


def process():
    run_due(WebhookEvent)
    return WebhookEvent.objects.get()


def state_of(meeting, wanted):
    meeting.refresh_from_db()
    sessions = [(s.session_id, s.user_id, s.user_name, s.joined_at, s.left_at) for s in meeting.sessions.all()]
    fields = {name: getattr(meeting, name) for name in wanted if name not in {"sessions", "outcome"}}
    return {**fields, "sessions": sessions}


def test_every_captured_payload_has_its_state_here():
    captured = {
        f"{file.parent.name}/{file.stem}" for platform in PLATFORMS for file in PAYLOADS.glob(f"{platform}/*.json")
    }
    assert captured == {*STATES, "daily/probe"}


@pytest.mark.parametrize("name", [name for name, wanted in STATES.items() if wanted])
def test_a_captured_event_brings_its_meeting_into_its_state(client, meetings, name):
    wanted = STATES[name]
    assert deliver(client, name).status_code == 200
    event = process()
    assert (event.state, event.outcome) == (WebhookEvent.State.DONE, wanted["outcome"])
    meeting = meetings[name.partition("/")[0]]
    assert {**state_of(meeting, wanted), "outcome": event.outcome} == wanted


@pytest.mark.parametrize("name", [name for name, wanted in STATES.items() if wanted])
def test_a_captured_event_that_comes_twice_is_the_same_row_and_the_same_state(client, meetings, name):
    for _ in range(2):
        assert deliver(client, name).status_code == 200
        process()
    WebhookEvent.objects.all().run_again()
    process()
    meeting = meetings[name.partition("/")[0]]
    assert state_of(meeting, STATES[name]) | {"outcome": STATES[name]["outcome"]} == STATES[name]


def test_an_event_that_names_no_room_waits(client, meetings):
    assert deliver(client, "daily/recording.started").status_code == 200
    event = process()
    assert (event.state, event.attempts) == (WebhookEvent.State.WAITING, 1)
    assert "UnknownMeeting" in event.last_error


def test_an_event_that_comes_before_its_meeting_is_applied_once_the_meeting_is_there(client, providers, db):
    deliver(client, "daily/participant.joined")
    assert process().state == WebhookEvent.State.WAITING
    meeting = make_meeting(platform="daily", room_name=DAILY_ROOM)
    WebhookEvent.objects.all().run_again()
    assert process().state == WebhookEvent.State.DONE
    meeting.refresh_from_db()
    assert meeting.num_clients == 1


def test_events_of_rooms_that_nobody_knows_rest_until_their_meeting_is_known(client, providers, db):
    """Most are of another installation on the same account: the clock alone brings none of them back."""
    for name in ("daily/participant.joined", "whereby/room.client.joined"):
        deliver(client, name)
        for _ in range(2):
            WebhookEvent.objects.update(next_attempt_at=timezone.now())
            run_due(WebhookEvent)
    assert early_events.look_again() == 0
    assert set(WebhookEvent.objects.values_list("state", "attempts")) == {(WebhookEvent.State.UNMATCHED, 2)}
    now = timezone.now()
    daily_one = make_meeting(platform="daily", room_name=DAILY_ROOM, start_date=now)
    make_meeting(platform="whereby", room_name=DAILY_ROOM, provider_meeting_id="another", start_date=now)
    whereby_one = make_meeting(platform="whereby", room_name=WHEREBY_ROOM.upper().strip("/"), start_date=now)
    assert early_events.look_again() == 2
    run_due(WebhookEvent)
    for meeting in (daily_one, whereby_one):
        meeting.refresh_from_db()
        assert meeting.num_clients > 0
    assert early_events.look_again() == 0


def test_an_event_that_names_no_room_is_tried_for_hours(client, meetings):
    deliver(client, "daily/recording.started")
    for _ in range(3):
        WebhookEvent.objects.update(next_attempt_at=timezone.now())
        run_due(WebhookEvent)
    assert WebhookEvent.objects.get().state == WebhookEvent.State.WAITING


# As Daily tells of a recording that a token began: under an id that all rooms share, and with no room.
STARTED = json.loads((PAYLOADS / "daily/recording.started.json").read_bytes())
BY_TOKEN = {"instance_id": "c3df927c-f738-4471-a2b7-066fa7e95a6b"}


def test_a_recording_that_somebody_began_by_coming_is_of_the_meeting_that_they_are_in(client, meetings):
    """Also when they are told of later; people of earlier meetings do not count."""
    meeting, session = meetings["daily"], {"session_id": STARTED["payload"]["started_by"]}
    make_meeting(platform="daily", room_name="earlier", state="ended").sessions.create(**session)
    make_meeting(platform="whereby", room_name="elsewhere").sessions.create(**session)
    deliver(client, "daily/recording.started", **BY_TOKEN)
    event = process()
    assert (event.state, event.attempts) == (WebhookEvent.State.WAITING, 1)
    meeting.sessions.create(**session)
    WebhookEvent.objects.update(next_attempt_at=timezone.now())
    assert process().outcome == WebhookEvent.Outcome.APPLIED
    meeting.refresh_from_db()
    assert meeting.is_recording


@pytest.mark.parametrize("name", ["daily/recording.started", "daily/recording.error"])
def test_what_can_never_tell_its_meeting_is_not_waited_for(client, meetings, name):
    deliver(client, name, **BY_TOKEN, started_by=None, room_name=None, recording_id="r" if "started" in name else None)
    event = process()
    assert (event.state, event.outcome, event.last_error) == (
        WebhookEvent.State.DONE,
        WebhookEvent.Outcome.IGNORED,
        "",
    )


def test_the_probe_leaves_no_trace(client, meetings):
    assert client.post("/v1/daily/webhook", b'{"test":"test"}', "application/json").status_code == 200
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    ("name", "path"),
    [("daily/participant.joined", "/v1/daily_webhook"), ("whereby/room.client.joined", "/v1/whereby")],
)
def test_the_older_routes_lead_to_the_same_state(client, meetings, name, path):
    assert deliver(client, name, path).status_code == 200
    process()
    meeting = meetings[name.partition("/")[0]]
    assert state_of(meeting, STATES[name])["sessions"] == STATES[name]["sessions"]


STORIES = {
    "daily": (
        [f"daily/{name}" for name in ("meeting.started", "participant.joined", "participant.left", "meeting.ended")],
        (0, [(ADA, at(1767258062), at(1767258073.423))]),
    ),
    "whereby": (
        [f"whereby/room.{name}" for name in ("client.joined", "client.joined.recorder", "client.left")],
        (1, [(ZOE, second("03:04:05.678"), second("03:34:05.678")), (RECORDER, second("03:04:06.001"), None)]),
    ),
}


@pytest.mark.parametrize("platform", STORIES)
def test_a_story_told_in_any_order_ends_alike(client, meetings, platform):
    names, (num_clients, sessions) = STORIES[platform]
    for order in itertools.permutations(names):
        WebhookEvent.objects.all().delete()
        meetings[platform].delete()
        meetings[platform] = make_meeting(
            platform=platform, room_name=DAILY_ROOM if platform == "daily" else WHEREBY_ROOM
        )
        for name in order:
            deliver(client, name)
            run_due(WebhookEvent)
        meeting = Meeting.objects.get(pk=meetings[platform].pk)
        assert meeting.num_clients == num_clients
        assert [(s.session_id, s.joined_at, s.left_at) for s in meeting.sessions.order_by("joined_at")] == sessions


@pytest.mark.drill
@pytest.mark.django_db(transaction=True)
def test_a_drill_of_two_thousand_deliveries_loses_and_doubles_nothing():
    report = drill(meetings=40, count=2_000, senders=4, workers=2)
    assert (report.meetings, report.deliveries, report.events) == (40, 2_000, 1_000)
    assert (report.refused, report.lost, report.doubled, report.wrong) == (0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_drill_notices_what_is_wrong():
    """Otherwise it would prove nothing."""

    def refuse(*, event, **kwargs):
        if event.session_id.endswith("-1"):
            raise PlatformRejected("Not this one.")

    event_received.connect(refuse, sender=ParticipantJoined)
    try:
        report = drill(meetings=4, count=40)
    finally:
        event_received.disconnect(refuse, sender=ParticipantJoined)
    assert report.wrong > 0
    assert not report.is_right


@pytest.mark.drill
def test_the_storm_is_run_on_a_database_of_its_own():
    command = [sys.executable, "-m", "tests.drills.webhooks", "--meetings", "4", "--deliveries", "40"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("40 deliveries of 20 events to 4 meetings")
    assert done.stdout.endswith("0 refused, 0 lost, 0 doubled, 0 wrong\n")
