"""POST /v1/meetings/{meeting_id}/recordings/start, and the events that name only what was asked for there."""

import copy
import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from meetings.models import Meeting, RecordingStart
from meetings.opening import end_meeting
from platforms.backends.daily import RESERVED_INSTANCE
from platforms.durable import run_due
from platforms.models import WebhookEvent
from recordings.api.recording_start_views import own_instance_id
from recordings.models import Consent, Recording
from tests.conftest import api_for
from tests.meetings.reports import make_meeting
from tests.platforms import daily
from tests.platforms.daily import DailyStub, refusal
from tests.stub_provider import Answer

INSTANCE = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
RECORDING = "5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01"
ROOM = "standup-20260101090000-a1b2c3"
START = f"/rooms/{ROOM}/recordings/start"


@pytest.fixture
def stub(settings):
    with DailyStub() as stub:
        platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
        platforms["daily"]["OPTIONS"] |= {"api_url": stub.url, "api_key": "key", "webhook_secrets": [daily.SECRET]}
        settings.VIDEO_PLATFORMS = platforms
        stub.on("POST", START, Answer(200, {"status": "sent", "recordingId": RECORDING, "uploadKey": "unspoken"}))
        yield stub


@pytest.fixture
def meeting(stub, room):
    now = timezone.now()
    fields = {"start_date": now, "end_date": now + timedelta(hours=1), "recording_trigger": "prompt"}
    return make_meeting(room, platform="daily", room_name=ROOM, **fields)


@pytest.fixture
def tracks(settings):
    """Raw tracks into a bucket, which start only by a call."""
    options = {"recording_mode": "raw-tracks", "s3_bucket": "b", "aws_role_arn": "arn:aws:iam::1:role/daily"}
    platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
    platforms["daily"]["OPTIONS"] |= options
    settings.VIDEO_PLATFORMS = platforms


def start(user, meeting, **body):
    path = f"/v1/meetings/{getattr(meeting, 'pk', meeting)}/recordings/start"
    return api_for(user).post(path, body, format="json")


def bodies(stub):
    return [request.json for request in stub.sent("POST", START)]


def test_the_owner_has_the_meeting_recorded(owner, meeting, stub):
    answer = start(owner, meeting, type="cloud", instanceId=INSTANCE)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "result": {"status": "sent", "recordingId": RECORDING},
        "instanceId": INSTANCE,
    }
    assert [(body["type"], body["instanceId"]) for body in bodies(stub)] == [("cloud", INSTANCE)]


def test_without_a_body_of_its_own_it_is_the_same_recording_each_time(owner, staff, meeting, stub):
    assert start(owner, meeting).status_code == start(staff, meeting).status_code == 200
    first, second = bodies(stub)
    assert first == second
    assert first["type"] == "cloud"
    assert uuid.UUID(first["instanceId"])
    assert RecordingStart.objects.get().meeting == meeting


def test_the_platforms_own_kind_is_the_default(owner, meeting, stub, tracks):
    assert start(owner, meeting).status_code == 200
    (body,) = bodies(stub)
    assert (body["type"], body["layout"]) == ("raw-tracks", {"preset": "raw-tracks-audio-only"})


def test_one_that_runs_already_is_a_success(owner, meeting, stub):
    stub.on("POST", START, refusal(400, "invalid-request-error", "Instance has an active stream"))
    answer = start(owner, meeting, instanceId=INSTANCE)
    assert (answer.status_code, answer.json()) == (200, {"status": "already_active", "instanceId": INSTANCE})


@pytest.mark.parametrize("who", ["colleague", "guest"])
def test_a_stranger_may_not(who, colleague, meeting, stub):
    answer = start(colleague if who == "colleague" else None, meeting)
    assert answer.status_code == 403
    assert "agreed" in answer.json()["detail"]
    assert bodies(stub) == []
    assert not RecordingStart.objects.exists()


def test_a_person_who_agreed_may_and_one_who_refused_may_not(colleague, meeting):
    consent = Consent.objects.create(meeting=meeting, user=colleague, given=False)
    assert start(colleague, meeting).status_code == 403
    consent.given = True
    consent.save()
    assert start(colleague, meeting).status_code == 200


def test_where_nobody_is_asked_for_consent_all_who_are_known_may(meeting, colleague):
    Meeting.objects.update(skip_consent=True)
    assert start(None, meeting).status_code == 403
    assert start(colleague, meeting).status_code == 200


def test_anybody_may_where_it_begins_by_itself_but_needs_a_call_for_it(meeting, tracks):
    Meeting.objects.update(recording_trigger="automatic")
    assert start(None, meeting).status_code == 200


def test_a_stranger_starts_only_what_begins_by_itself(meeting, stub, tracks):
    """Else each call of anybody could start one more recording."""
    Meeting.objects.update(recording_trigger="automatic")
    answer = start(None, meeting, type="cloud", instanceId=INSTANCE)
    assert (answer.status_code, answer.json()["instanceId"] == INSTANCE) == (200, False)
    (body,) = bodies(stub)
    assert (body["type"], body["instanceId"]) == ("raw-tracks", answer.json()["instanceId"])


def test_nobody_else_may_where_the_platform_begins_by_itself(meeting):
    Meeting.objects.update(recording_trigger="automatic")
    assert start(None, meeting).status_code == 403


def test_the_meetings_own_platform_is_asked_and_one_that_cannot_is_said(owner, room, stub):
    room.platform = "daily"
    room.save()
    later = timezone.now() + timedelta(hours=1)
    answer = start(owner, make_meeting(room, end_date=later))
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Mock does not support recording start."
    assert stub.requests == []


@pytest.mark.parametrize("kind", ["none", "local"])
def test_a_meeting_that_is_not_to_be_recorded_is_not(owner, meeting, stub, kind):
    Meeting.objects.update(recording_type=kind)
    assert start(owner, meeting).status_code == 400
    assert bodies(stub) == []


def test_a_meeting_that_is_over_is_not_recorded(owner, meeting, stub):
    end_meeting(meeting)
    answer = start(owner, meeting)
    assert (answer.status_code, answer.json()["detail"]) == (400, "Meeting has ended")
    assert bodies(stub) == []


def test_raw_tracks_without_a_bucket_and_the_reserved_id_are_refused_in_words(owner, meeting, stub):
    assert "bucket" in start(owner, meeting, type="raw-tracks").json()["detail"]
    assert "instance id" in start(owner, meeting, instanceId=RESERVED_INSTANCE).json()["detail"]
    assert bodies(stub) == []


def test_the_instance_id_of_another_meeting_is_not_taken(owner, room, meeting, stub):
    RecordingStart.objects.create(meeting=make_meeting(room), instance_id=INSTANCE)
    answer = start(owner, meeting, instanceId=INSTANCE.upper())
    assert answer.status_code == 200
    (body,) = bodies(stub)
    assert body["instanceId"] == answer.json()["instanceId"] == meeting.recording_starts.get().instance_id != INSTANCE


def test_the_meetings_address_does_not_tell_its_instance_id(owner, meeting):
    instance_id = start(owner, meeting).json()["instanceId"]
    assert instance_id not in {str(uuid.uuid5(meeting.pk, kind)) for kind in ("cloud", "raw-tracks", "")}
    assert instance_id == str(own_instance_id(meeting, "cloud")) != str(own_instance_id(meeting, "raw-tracks"))


@pytest.mark.parametrize("body", [{"type": "video"}, {"type": None}, {"instanceId": "x"}, {"instanceId": 5.5}])
def test_bad_input_names_the_field(owner, meeting, body):
    answer = start(owner, meeting, **body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", *body]


@pytest.mark.parametrize("meeting_id", ["nonsense", uuid.uuid4()])
def test_an_unknown_meeting_is_not_found(owner, meeting_id):
    assert start(owner, meeting_id).status_code == 404


def test_it_can_only_be_posted(owner, meeting):
    path = f"/v1/meetings/{meeting.pk}/recordings/start"
    for method in ("get", "put", "patch", "delete"):
        assert getattr(api_for(owner), method)(path).status_code == 405


def test_while_nobody_is_in_the_call_the_caller_is_told_when_to_try_again(owner, meeting, stub):
    stub.on("POST", START, refusal(404, "not-found", f"room {ROOM} does not seem to be hosting a call currently"))
    answer = start(owner, meeting)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "2")
    assert "Nobody is in the call yet" in answer.json()["detail"]


def test_what_the_provider_refuses_or_cannot_do_now_is_told_without_its_words(owner, meeting, stub):
    stub.on("POST", START, refusal(403, "forbidden-error", "unspoken reason"))
    answer = start(owner, meeting)
    assert (answer.status_code, "unspoken" in answer.content.decode()) == (502, False)
    stub.on("POST", START, refusal(503, "server-error", "unspoken lack of workers"))
    answer = start(owner, meeting)
    assert (answer.status_code, "unspoken" in answer.content.decode()) == (503, False)
    assert int(answer.headers["Retry-After"]) >= 1


# Events


def deliver(name, **changes):
    event = daily.payload(name)
    event["payload"] = {**event["payload"], **changes}
    content = json.dumps(event).encode()
    answer = Client().post("/v1/daily/webhook", content, "application/json", headers=daily.signed(content))
    assert answer.status_code == 200
    run_due(WebhookEvent)


def test_a_recording_that_names_only_its_instance_is_this_meetings(owner, meeting):
    start(owner, meeting, instanceId=INSTANCE)
    deliver("recording.started", instance_id=INSTANCE.upper())
    meeting.refresh_from_db()
    assert meeting.is_recording
    assert RecordingStart.objects.get().recording_id == RECORDING


def test_so_is_one_that_fails(owner, meeting):
    start(owner, meeting, instanceId=INSTANCE)
    deliver("recording.error", room_name=None)
    meeting.refresh_from_db()
    assert meeting.recording_failed_at
    assert "STS credentials" in RecordingStart.objects.get().error


def test_so_is_one_that_is_ready_and_names_no_room(owner, meeting):
    start(owner, meeting, instanceId=INSTANCE)
    deliver("recording.started")
    deliver("recording.ready-to-download.cloud", room_name=None)
    meeting.refresh_from_db()
    assert meeting.recording_ended_at
    assert Recording.objects.get().meeting == meeting


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_before_the_answer_finds_its_meeting(owner, meeting, stub):
    def start_and_tell(request):
        deliver("recording.started", instance_id=request.json["instanceId"])
        connection.close()  # of the provider's thread
        return Answer(200, {"status": "sent"})

    stub.on("POST", START, start_and_tell)
    assert start(owner, meeting, instanceId=INSTANCE).status_code == 200
    meeting.refresh_from_db()
    assert meeting.is_recording


def test_an_instance_that_nobody_asked_for_here_rests_unmatched(meeting):
    deliver("recording.started")
    deliver("recording.error", room_name=None)
    meeting.refresh_from_db()
    assert not meeting.is_recording
    assert meeting.recording_failed_at is None


def test_what_another_platform_calls_the_same_is_not_meant(room, meeting):
    RecordingStart.objects.create(meeting=make_meeting(room, platform="mock"), instance_id=INSTANCE)
    deliver("recording.started")
    assert RecordingStart.objects.get().recording_id == ""


def test_what_has_no_id_of_its_own_is_nobodys(owner, room, meeting):
    """It is called the same in all rooms, so that who asked for that name would get everybody's recordings."""
    start(owner, meeting, instanceId=RESERVED_INSTANCE)
    deliver("recording.started", instance_id=RESERVED_INSTANCE.upper())
    deliver("recording.ready-to-download.cloud", room_name=None)
    meeting.refresh_from_db()
    assert not meeting.is_recording
    assert Recording.objects.get().meeting is None


def test_a_recording_of_another_room_is_not_taken_for_the_one_that_was_asked_for(owner, room, meeting):
    start(owner, meeting, instanceId=INSTANCE)
    other = make_meeting(room, platform="daily", room_name="other-20260101090000-a1b2c3")
    for name in ("recording.started.with-room", "recording.error"):
        deliver(name, instance_id=INSTANCE, room_name=other.room_name)
    other.refresh_from_db()
    asked_for = RecordingStart.objects.get()
    assert other.recording_failed_at
    assert (asked_for.meeting, asked_for.recording_id, asked_for.error) == (meeting, "", "")
