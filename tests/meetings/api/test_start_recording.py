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
from platforms.backends.daily.events import RESERVED_INSTANCE
from platforms.models import WebhookEvent
from platforms.work.models import run_due
from recordings.api.recording_start_views import MOST_STARTS, own_instance_id
from recordings.models import Consent, Recording
from tests.conftest import api_for
from tests.support import daily
from tests.support.daily import DailyStub, refusal
from tests.support.meeting_reports import make_meeting
from tests.support.stub_provider import Answer

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


def agree(meeting, given=True, user=None):
    return str(Consent.objects.create(meeting=meeting, user=user, given=given).pk)


def test_a_guest_who_agreed_may_and_one_who_refused_may_not(meeting, stub):
    """Nobody else knows the id of what they answered."""
    assert start(None, meeting, consent_id=agree(meeting, given=False)).status_code == 403
    assert start(None, meeting, consent_id=str(uuid.uuid4())).status_code == 403
    assert start(None, meeting, consent_id=agree(meeting)).status_code == 200
    assert len(bodies(stub)) == 1


def test_an_answer_about_another_meeting_does_not_count(room, meeting, stub):
    assert start(None, meeting, consent_id=agree(make_meeting(room))).status_code == 403


def test_a_guests_browser_need_not_name_what_it_answered(meeting, stub):
    guest = api_for()
    assert guest.post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": True}).status_code == 200
    assert guest.post(f"/v1/meetings/{meeting.pk}/recordings/start", {}, format="json").status_code == 200


def test_a_guest_starts_only_the_meetings_own_recording(meeting, stub, tracks):
    """Else each call of a guest could start one more recording."""
    answer = start(None, meeting, type="cloud", instanceId=INSTANCE, consent_id=agree(meeting))
    assert (answer.status_code, answer.json()["instanceId"] == INSTANCE) == (200, False)
    (body,) = bodies(stub)
    assert (body["type"], body["instanceId"]) == ("raw-tracks", answer.json()["instanceId"])


class TestBeginningByItself:
    """Where a call is needed for it, as with raw tracks, each one's page makes it."""

    @pytest.fixture(autouse=True)
    def _automatic(self, meeting, tracks):
        Meeting.objects.update(recording_trigger="automatic")

    @pytest.mark.parametrize("answer", [None, False])
    @pytest.mark.parametrize("who", ["colleague", "guest"])
    def test_nobody_begins_it_who_was_not_asked_or_refused(self, colleague, meeting, stub, who, answer):
        user = colleague if who == "colleague" else None
        answered = {} if answer is None else {"consent_id": agree(meeting, answer, user)}
        reply = start(user, meeting, automatic=True, **answered)
        assert (reply.status_code, reply.json()["status"]) == (200, "awaiting_consent")
        assert bodies(stub) == []
        assert not RecordingStart.objects.exists()

    def test_nor_a_host_who_refused_unless_on_purpose(self, owner, meeting, stub):
        agree(meeting, given=False, user=owner)
        assert start(owner, meeting, automatic=True).json()["status"] == "awaiting_consent"
        assert bodies(stub) == []
        assert start(owner, meeting).status_code == 200

    def test_where_nobody_is_asked_anybody_does(self, meeting, stub):
        Meeting.objects.update(skip_consent=True)
        assert start(None, meeting).status_code == 200

    def test_once_in_a_call_also_when_it_was_stopped_meanwhile(self, owner, colleague, meeting, stub):
        """Daily does not tell of a stop; the same instance would begin again."""
        first = start(None, meeting, consent_id=agree(meeting)).json()
        agree(meeting, user=colleague)
        late = [
            start(colleague, meeting, automatic=True),
            start(owner, meeting, automatic=True),
            start(owner, meeting, type="raw-tracks", instanceId=INSTANCE),  # as another program does for each
            start(None, meeting, consent_id=agree(meeting)),
        ]
        expected = {"status": "already_active", "instanceId": first["instanceId"]}
        assert [answer.json() for answer in late] == [expected] * 4
        assert len(bodies(stub)) == 1

    def test_a_recording_that_the_provider_told_of_counts_as_well(self, colleague, meeting, stub):
        Meeting.objects.update(recording_started_at=timezone.now())
        agree(meeting, user=colleague)
        assert start(colleague, meeting).json()["status"] == "already_active"
        assert bodies(stub) == []

    def test_another_kind_than_the_configured_one_is_not_made_beside_it(self, owner, meeting, stub):
        answer = start(owner, meeting, type="cloud", instanceId=INSTANCE)
        assert (answer.status_code, answer.json()["status"]) == (200, "already_active")
        assert bodies(stub) == []

    def test_a_host_starts_it_again(self, owner, meeting, stub):
        start(owner, meeting, automatic=True)
        assert start(owner, meeting).json()["status"] == "ok"
        assert len(bodies(stub)) == 2

    def test_the_next_call_is_recorded_again(self, owner, meeting, stub):
        start(owner, meeting, automatic=True)
        Meeting.objects.update(recording_started_at=timezone.now(), call_ended_at=timezone.now())
        assert start(owner, meeting, automatic=True).json()["status"] == "ok"

    def test_what_the_provider_did_not_take_or_stopped_is_tried_by_the_next(self, owner, meeting, stub):
        stub.on("POST", START, refusal(404, "not-found", f"room {ROOM} does not seem to be hosting a call currently"))
        assert start(owner, meeting, automatic=True).status_code == 409
        stub.on("POST", START, Answer(200, {"status": "sent"}))
        instance_id = start(owner, meeting, automatic=True).json()["instanceId"]
        deliver("recording.error", room_name=None, instance_id=instance_id)
        assert start(owner, meeting, automatic=True).json()["status"] == "ok"


@pytest.mark.parametrize("who", ["owner", "colleague", "guest"])
def test_where_the_platform_begins_by_itself_all_are_told_that_and_nothing_is_started(who, request, meeting, stub):
    """As an app does for each who comes: it would show them any other answer as an error."""
    Meeting.objects.update(recording_trigger="automatic-2nd-participant")
    user = None if who == "guest" else request.getfixturevalue(who)
    for kind in ("raw-tracks", "cloud"):
        answer = start(user, meeting, type=kind, instanceId=INSTANCE)
        expected = {"status": "already_active", "instanceId": str(own_instance_id(meeting, "cloud"))}
        assert (answer.status_code, answer.json()) == (200, expected)
    assert bodies(stub) == []


def test_a_host_may_on_purpose_where_the_platform_begins_by_itself(owner, meeting, stub):
    Meeting.objects.update(recording_trigger="automatic")
    assert start(owner, meeting).json()["status"] == "ok"
    assert len(bodies(stub)) == 1


def test_the_meetings_own_platform_is_asked_and_one_that_cannot_is_said(owner, room, stub):
    room.platform = "daily"
    room.save()
    later = timezone.now() + timedelta(hours=1)
    meeting = make_meeting(room, end_date=later, recording_trigger="prompt")
    answer = start(owner, meeting)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Mock does not support recording start."
    Meeting.objects.update(recording_trigger="automatic")
    assert start(owner, meeting).json()["status"] == "already_active"
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


def test_without_a_bucket_raw_tracks_become_what_is_to_be_had(owner, meeting, stub):
    assert start(owner, meeting, type="raw-tracks").json()["status"] == "ok"
    (body,) = bodies(stub)
    assert (body["type"], body["instanceId"]) == ("cloud", str(own_instance_id(meeting, "cloud")))


def test_the_reserved_id_is_refused_in_words(owner, meeting, stub):
    assert "instance id" in start(owner, meeting, instanceId=RESERVED_INSTANCE).json()["detail"]
    assert bodies(stub) == []


def test_the_instance_id_of_another_meeting_is_not_taken(owner, room, meeting, stub):
    RecordingStart.objects.create(meeting=make_meeting(room), instance_id=INSTANCE)
    answer = start(owner, meeting, instanceId=INSTANCE.upper())
    assert answer.status_code == 200
    (body,) = bodies(stub)
    assert body["instanceId"] == answer.json()["instanceId"] == meeting.recording_starts.get().instance_id != INSTANCE


def test_ids_are_not_chosen_without_end(owner, meeting, stub):
    """Each may be one more recording."""
    for _ in range(MOST_STARTS):
        start(owner, meeting, instanceId=str(uuid.uuid4()))
    answer = start(owner, meeting, instanceId=INSTANCE)
    assert answer.json()["instanceId"] == str(own_instance_id(meeting, "cloud"))
    assert meeting.recording_starts.count() == MOST_STARTS + 1


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
    assert "does not seem to be hosting a call" in answer.json()["detail"]


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
