"""What a room's own receiver is told, from each cause to the body that would be posted."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from meetings.models import Meeting, ParticipantSession
from meetings.opening import end_meeting, open_meeting
from meetings.transitions import observe
from platforms import events
from platforms.types import Participant
from recordings.fetching.claim import Claim
from recordings.intake.register import register_recording
from recordings.models import Ingest, Recording, Submission, Transcript
from recordings.models.transitions import transition
from recordings.privacy import consent
from recordings.transcription import submit
from recordings.transcription.processors import Result, Segment
from rooms.models import CalendarEvent, Room, WebhookDelivery
from rooms.rollout.moves import move
from tests.conftest import api_for, make_user
from tests.support.meeting_reports import joined, left, make_meeting, minute, report, tell
from tests.support.recording_reports import by_id, fetched

pytestmark = pytest.mark.django_db

HOOK = "https://hooks.example.com/in-4c1d"


@pytest.fixture
def hooked(room):
    room.webhook_url, room.webhook_participants = HOOK, True
    room.save()
    return room


def told(*names):
    """The bodies of the events so far, oldest first; only those of these names, where some are given."""
    bodies = [json.loads(delivery.body) for delivery in WebhookDelivery.objects.order_by("pk")]
    return [body for body in bodies if not names or body["event"] in names]


def names():
    return [body["event"] for body in told()]


def test_a_meeting_that_opens_and_ends(hooked):
    meeting = open_meeting(hooked)
    end_meeting(meeting)
    end_meeting(meeting)
    assert names() == ["meeting.started", "meeting.ended"]
    started, ended = (body["meeting"] for body in told())
    assert started["id"] == ended["id"] == str(meeting.pk)
    assert (started["platform"], started["ended_at"], started["title"]) == ("mock", None, None)
    assert started["url"] == f"http://localhost:8000/standup/{meeting.pk}"
    assert ended["ended_at"] is not None
    assert meeting.host_room_url not in json.dumps(told())


def test_people_who_come_and_go_are_told_once(hooked):
    make_meeting(hooked)
    arrival = joined("a", 1, user_name="Ada")
    tell(arrival, arrival, joined("bot", 1, is_bot=True), left("a", 5), left("a", 5))
    assert names() == ["participant.joined", "participant.left"]
    came, went = (body["participant"] for body in told())
    assert (came["id"], came["name"], came["left_at"]) == ("a", "Ada", None)
    assert went["left_at"] == minute(5).isoformat().replace("+00:00", "Z")


def test_somebody_who_comes_back_is_told_again(hooked):
    make_meeting(hooked)
    tell(joined("a", 1), left("a", 5), joined("a", 7))
    assert names() == ["participant.joined", "participant.left", "participant.joined"]


def test_people_that_are_only_seen_are_told_as_well(hooked):
    meeting = make_meeting(hooked)
    observe(meeting, [Participant("a", joined_at=minute(1))], minute(2))
    observe(meeting, [], minute(9))
    assert names() == ["participant.joined", "participant.left"]


def test_the_end_of_a_meeting_is_the_end_of_everybodys_stay(hooked):
    meeting = make_meeting(hooked)
    tell(joined("a", 1))
    end_meeting(meeting, close_room=False)
    assert names() == ["participant.joined", "participant.left", "meeting.ended"]


def test_nobody_is_told_of_people_unless_asked_for(hooked):
    Room.objects.update(webhook_participants=False)
    make_meeting(Room.objects.get())
    tell(joined("a", 1), left("a", 5))
    assert names() == []
    assert ParticipantSession.objects.count() == 1


def test_people_cost_rooms_without_a_receiver_no_query(room):
    make_meeting(room)
    with CaptureQueriesContext(connection) as queries:
        tell(joined("a", 1), left("a", 5))
    assert not [query for query in queries.captured_queries if query["sql"].startswith('SELECT "rooms_')]


def test_a_recording_that_is_ready(hooked):
    make_meeting(hooked)
    recording = register_recording(by_id())
    assert transition(recording, Recording.State.FETCHING)
    [job] = Ingest.claim_next()
    Claim(job, recording).complete(
        Recording.State.STORED, file="a.mp4", size=3, duration=61.5, content_type="video/mp4"
    )
    [body] = told()
    assert body["event"] == "recording.ready"
    assert body["recording"]["id"] == str(recording.pk)
    assert (body["recording"]["duration"], body["recording"]["error"]) == (61.5, None)


def test_a_recording_that_failed_at_its_provider(hooked):
    meeting = make_meeting(hooked)
    failure = report(events.RecordingFailed, 3, error="disk full")
    tell(failure, failure)
    [body] = told()
    assert body["event"] == "recording.failed"
    assert body["recording"] == {
        "id": None,
        "meeting_id": str(meeting.pk),
        "platform": "mock",
        "state": "failed",
        "error": "disk full",
    }


@pytest.fixture
def stored(hooked):
    event = CalendarEvent.objects.create(
        room=hooked, ics_uid="uid-1", title="Standup", start_time=minute(0), end_time=minute(30)
    )
    make_meeting(hooked, calendar_event_id=str(event.pk))
    recording = fetched(register_recording(by_id()), duration=70.0)
    Submission.objects.create(recording=recording)
    assert transition(recording, Recording.State.PROCESSING)
    return recording


def test_a_recording_that_cannot_be_transcribed(stored):
    assert submit.fail(stored, "The service refused it.")
    assert not submit.fail(stored, "Again.")
    [body] = told()
    assert (body["event"], body["recording"]["error"]) == ("recording.failed", "The service refused it.")


RESULT = Result(
    language="en",
    duration=70.0,
    segments=[Segment(0.0, 2.0, "Ada", "Hello <all>."), Segment(65.0, 69.0, "Bob", "Bye.")],
)


def test_a_transcript_that_is_complete_is_told_with_all_that_the_contract_names(stored):
    assert submit.finish(stored, RESULT)
    assert not submit.finish(stored, RESULT)
    [body] = told("transcript.completed")
    assert body.keys() == {"event", "event_id", "timestamp", "transcript", "room", "calendar_event"}
    transcript = Transcript.objects.get()
    said = body["transcript"]
    assert said.keys() == {
        *("id", "room_id", "created_at", "duration", "title", "short_summary", "long_summary", "webvtt", "topics"),
        *("participants", "source_language", "target_language", "status", "frontend_url", "action_items"),
    }
    assert (said["id"], said["status"], said["duration"]) == (str(transcript.pk), "ended", 70_000)
    assert said["title"] is said["short_summary"] is said["long_summary"] is said["action_items"] is None
    assert said["frontend_url"] == f"http://localhost:8000/transcripts/{transcript.pk}"
    assert said["webvtt"].startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v Ada>Hello &lt;all&gt;.")
    assert [(one["name"], one["speaker"]) for one in said["participants"]] == [("Ada", 0), ("Bob", 1)]
    first, second = said["topics"]
    assert first.keys() == {"title", "summary", "timestamp", "duration", "webvtt"}
    assert (second["title"], second["timestamp"], second["duration"]) == ("Bye.", 65.0, 4.0)
    event = body["calendar_event"]
    assert event.keys() == {
        *("id", "ics_uid", "title", "start_time", "end_time", "description", "location", "attendees"),
    }
    assert (event["ics_uid"], event["title"]) == ("uid-1", "Standup")


def test_what_was_told_of_a_transcript_goes_with_it(stored):
    submit.finish(stored, RESULT)
    Transcript.objects.get().delete()
    assert told("transcript.completed") == []


def test_a_refusal_is_told_once_and_does_not_say_whose(hooked, colleague):
    meeting = make_meeting(hooked)
    for given in (True, False, False):
        consent.answer(meeting, colleague, given)
    stranger = consent.answer(meeting, make_user("other"), given=False)
    assert names() == ["consent.refused"] * 2
    assert told()[1]["consent"].keys() == {"id", "meeting_id", "given", "answered_at"}
    assert told()[1]["consent"]["id"] == str(stranger.pk)


def test_moves_to_another_platform_by_whatever_way(hooked, owner):
    api_for(owner).patch(f"/v1/rooms/{hooked.pk}", {"platform": "daily"})
    move(Room.objects.all(), "")
    Room.objects.update(is_shared=True)
    bodies = told("rollout.platform_changed")
    assert [(b["platform"]["left"], b["platform"]["chosen"]) for b in bodies] == [("mock", "daily"), ("daily", None)]


def test_a_room_is_deleted_with_all_it_would_have_been_told(hooked):
    meeting = open_meeting(hooked)
    hooked.delete()
    assert told() == []
    meeting.refresh_from_db()
    assert meeting.state == Meeting.State.ENDED


def test_a_fault_in_telling_keeps_no_meeting_from_opening(hooked, monkeypatch, caplog):
    monkeypatch.setattr("meetings.telling.shown", lambda meeting: 1 / 0)
    with transaction.atomic():
        assert open_meeting(hooked).is_active
    assert "webhook_event_lost" in caplog.text
