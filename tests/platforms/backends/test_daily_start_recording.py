"""Starting recordings at Daily by a call."""

import pytest

from platforms.backends.daily.events import RESERVED_INSTANCE
from platforms.exceptions import PlatformRejected, PlatformUnavailable, UnsupportedCapability
from tests.support.daily import DailyStub, client_for, offline_client, refusal
from tests.support.meeting_reports import make_meeting
from tests.support.stub_provider import Answer

INSTANCE = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
BUCKET = {"s3_bucket": "tracks", "s3_region": "us-west-2", "aws_role_arn": "arn:aws:iam::1:role/daily"}
START = "/rooms/standup-1/recordings/start"


@pytest.fixture
def stub():
    with DailyStub() as stub:
        stub.on("POST", START, Answer(200, {"status": "sent"}))
        yield stub


def asked(stub):
    return [request.json for request in stub.sent("POST", START)]


def test_one_file_is_asked_for_with_an_id_of_ours_and_for_longer_than_three_hours(stub):
    assert client_for(stub).start_recording("standup-1", "cloud", INSTANCE) == {"status": "sent"}
    assert asked(stub) == [{"type": "cloud", "instanceId": INSTANCE, "maxDuration": 8 * 3600}]


def test_raw_tracks_leave_the_pictures_out_unless_video_is_kept(stub):
    client = client_for(stub, **BUCKET)
    client.start_recording("standup-1", "raw-tracks", INSTANCE, with_video=False)
    client.start_recording("standup-1", "raw-tracks", INSTANCE, with_video=True)
    assert [body.get("layout") for body in asked(stub)] == [{"preset": "raw-tracks-audio-only"}, None]


def test_raw_tracks_need_a_bucket(stub):
    with pytest.raises(UnsupportedCapability, match="bucket"):
        client_for(stub).start_recording("standup-1", "raw-tracks", INSTANCE)
    assert asked(stub) == []


@pytest.mark.parametrize("name", [RESERVED_INSTANCE, RESERVED_INSTANCE.upper()])
def test_the_id_that_stands_for_no_id_is_never_sent(stub, name):
    with pytest.raises(UnsupportedCapability, match="instance id"):
        client_for(stub).start_recording("standup-1", "cloud", name)
    assert asked(stub) == []


def test_one_that_runs_already_is_no_error(stub):
    stub.on("POST", START, refusal(400, "invalid-request-error", "Instance has an active stream"))
    assert client_for(stub).start_recording("standup-1", "cloud", INSTANCE) is None


def test_without_a_call_it_is_refused_as_not_found(stub):
    info = "room standup-1 does not seem to be hosting a call currently"
    stub.on("POST", START, refusal(404, "not-found", info))
    with pytest.raises(PlatformRejected, match="hosting a call") as refused:
        client_for(stub).start_recording("standup-1", "cloud", INSTANCE)
    assert refused.value.status == 404


def test_no_free_worker_is_asked_again(stub):
    stub.on("POST", START, refusal(503, "server-error", "no workers"), Answer(200, {"recordingId": "r-1"}))
    assert client_for(stub).start_recording("standup-1", "cloud", INSTANCE) == {"recordingId": "r-1"}
    assert len(asked(stub)) == 2


def test_when_there_is_none_for_long_it_is_unavailable(stub):
    stub.on("POST", START, refusal(503, "server-error", "no workers"))
    with pytest.raises(PlatformUnavailable):
        client_for(stub).start_recording("standup-1", "cloud", INSTANCE)


@pytest.mark.parametrize("spelling", ["recordingId", "recording_id", "id"])
@pytest.mark.parametrize("value", ["r-1", None, 5, {"odd": 1}])
def test_whatever_it_answers_is_understood(stub, spelling, value):
    stub.on("POST", START, Answer(200, {spelling: value, "secret": "s"}))
    found = client_for(stub).start_recording("standup-1", "cloud", INSTANCE)
    assert found == ({"recordingId": str(value)} if isinstance(value, str | int) else {})


def test_an_empty_answer_is_one_too(stub):
    stub.on("POST", START, Answer(200))
    assert client_for(stub).start_recording("standup-1", "cloud", INSTANCE) == {}


@pytest.mark.django_db
def test_only_raw_tracks_that_are_automatic_must_be_started_by_a_call():
    def needs(trigger, **options):
        meeting = make_meeting(recording_trigger=trigger, recording_type="cloud")
        return offline_client(**options).needs_recording_start(meeting)

    tracks = {**BUCKET, "recording_mode": "raw-tracks"}
    assert needs("automatic", **tracks)
    assert needs("automatic-2nd-participant", **tracks)
    assert not needs("prompt", **tracks)
    assert not needs("automatic", **BUCKET)
    assert not needs("automatic", recording_mode="raw-tracks")
    assert offline_client(**tracks).recording_kind() == "raw-tracks"
    assert offline_client(**BUCKET).recording_kind() == "cloud"
