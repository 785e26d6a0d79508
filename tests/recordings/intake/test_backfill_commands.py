"""The commands by which staff find recordings anew, start them over, and fill in platforms."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from meetings.models import Meeting
from platforms.models import WebhookEvent
from recordings.models import Ingest, Recording, Submission
from rooms.models import Room
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.provider_bucket import (
    BEGAN,
    BUCKET,
    DailyRecordings,
    ProviderBucket,
    daily_platform,
    discovery,
    held,
    key_of,
    platforms,
    recording,
    room_name_of,
)
from tests.support.stub_provider import Answer, StubProvider

State = Recording.State
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stub():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def listed(stub, settings):
    settings.VIDEO_PLATFORMS = daily_platform(stub.url)
    return DailyRecordings(stub)


@pytest.fixture
def bucket(aws, settings):  # noqa: F811
    with discovery() as whereby:
        settings.VIDEO_PLATFORMS = platforms(api_url=whereby.url)
        yield ProviderBucket(aws)


@pytest.fixture
def run(capsys):
    """What a command says."""

    def run(name, *arguments):
        call_command(name, *arguments)
        return capsys.readouterr().out

    return run


def stored(state=State.FAILED, **fields):
    values = {"platform": "daily", "provider_recording_id": f"rec-{Recording.objects.count()}", "state": state}
    return Recording.objects.create(**values | fields)


def state_of(recording):
    recording.refresh_from_db()
    return recording.state


# Backfill by the platform's list


def test_a_backfill_reports_all_that_the_platform_lists_and_sums_up(run, listed):
    listed.items = [recording(n) for n in range(3)]
    held("standup-0", "daily")
    assert run("backfill_daily_recordings") == "3 recordings reported, 0 known already, 0 failed.\n"
    assert Recording.objects.count() == 3
    assert Ingest.objects.count() == 1


def test_a_backfill_may_be_run_again(run, listed):
    listed.items = [recording(n) for n in range(3)]
    run("backfill_daily_recordings")
    assert run("backfill_daily_recordings") == "0 recordings reported, 3 known already, 0 failed.\n"
    assert Recording.objects.count() == 3


def test_a_dry_run_says_what_would_be_reported_and_changes_nothing(run, listed):
    listed.items = [recording(0)]
    said = run("backfill_daily_recordings", "--dry-run")
    assert f"Would report {recording(0)['id']} of standup-0, 2026-01-02 03:04 UTC" in said
    assert "1 recordings would be reported, 0 known already" in said
    assert not Recording.objects.exists()


def test_a_backfill_that_the_provider_ends_says_how_far_it_came_and_goes_on_when_run_again(run, listed, stub):
    listed.items = [recording(n) for n in range(150)]
    stub.on("GET", "/recordings", listed.list, Answer(403, {"error": "forbidden-error", "info": "no"}))
    with pytest.raises(CommandError, match=r"Stopped: .*[^.]\. 100 recordings reported.*Run it again"):
        run("backfill_daily_recordings")
    stub.on("GET", "/recordings", listed.list)
    assert run("backfill_daily_recordings") == "50 recordings reported, 100 known already, 0 failed.\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--since=2026-01-02"], {0, 1}),
        (["--until=2026-01-02"], {2, 3}),
        (["--since=2026-01-01T03:04:12Z"], {0, 1, 2}),
        (["--since=2026-01-01", "--until=2026-01-02T03:04:12"], {1, 2}),
    ],
)
def test_a_backfill_may_be_limited_to_a_time(run, listed, arguments, expected):
    starts = {0: BEGAN, 1: BEGAN - timedelta(hours=1), 2: BEGAN - DAY, 3: BEGAN - 5 * DAY}
    listed.items = [recording(n, start_ts=int(start.timestamp())) for n, start in starts.items()]
    run("backfill_daily_recordings", *arguments)
    assert set(Recording.objects.values_list("room_name", flat=True)) == {f"standup-{n}" for n in expected}


@pytest.mark.parametrize("name", ["standup", "standup-1", "/STANDUP-1"])
def test_a_backfill_may_be_limited_to_one_of_our_rooms_or_of_the_providers(run, listed, stub, room, name):
    listed.items = [recording(n) for n in range(3)]
    held("standup-1", "daily", room=room)
    held("standup-2", "daily", room=Room.objects.create(name="other", owner=room.owner))
    run("backfill_daily_recordings", f"--room={name}")
    assert Recording.objects.get().room_name == "standup-1"
    assert stub.requests[0].query["room_name"] == ["standup-1"]


def test_a_room_that_had_several_provider_rooms_is_looked_for_in_the_whole_list(run, listed, stub, room):
    listed.items = [recording(n) for n in range(3)]
    for n in (0, 2):
        held(f"standup-{n}", "daily", room=room, slot=str(n))
    run("backfill_daily_recordings", "--room=standup")
    assert set(Recording.objects.values_list("room_name", flat=True)) == {"standup-0", "standup-2"}
    assert len(stub.requests) == 1


@pytest.mark.parametrize("command", ["backfill_daily_recordings", "reprocess_recordings"])
@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "20260101", "1700"])
def test_a_date_that_is_none_is_refused_by_the_name_of_its_option(listed, stub, command, option, date):
    with pytest.raises(CommandError, match=option):
        call_command(command, f"{option}={date}")
    assert stub.requests == []


@pytest.mark.parametrize("command", ["backfill_daily_recordings", "reprocess_recordings"])
def test_a_time_that_ends_before_it_begins_is_refused(listed, command):
    with pytest.raises(CommandError, match="--since must be before --until"):
        call_command(command, "--since=2026-01-02", "--until=2026-01-02")


@pytest.mark.parametrize("command", ["backfill_daily_recordings", "reprocess_recordings"])
def test_an_unknown_room_is_refused(listed, command):
    with pytest.raises(CommandError, match="--room: there is no room 'nowhere'"):
        call_command(command, "--room=nowhere")


def test_a_room_that_never_met_on_the_platform_is_refused(listed, room):
    with pytest.raises(CommandError, match="--room: 'standup' has had no meeting on daily"):
        call_command("backfill_daily_recordings", "--room=standup")


def test_a_platform_that_is_not_configured_is_said_so(settings):
    settings.VIDEO_PLATFORMS = daily_platform("http://127.0.0.1:1")
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"]["api_key"] = ""
    with pytest.raises(CommandError, match="DAILY_API_KEY"):
        call_command("backfill_daily_recordings")


# Backfill by the bucket


def test_a_backfill_looks_through_the_configured_folder_of_the_bucket(run, bucket):
    bucket.put(key_of(room_name_of(1)))
    bucket.put(key_of(room_name_of(2), folder="elsewhere"))
    assert run("backfill_whereby_recordings") == "1 recordings reported, 0 known already, 0 failed.\n"
    assert Recording.objects.get().room_name == room_name_of(1)


def test_a_backfill_looks_through_another_bucket_and_folder_when_told_to(run, bucket):
    bucket.s3.create_bucket(Bucket="older-recordings")
    for n, folder in enumerate(["a", "b"]):
        bucket.s3.put_object(Bucket="older-recordings", Key=key_of(room_name_of(n), folder=folder), Body=b"x")
    bucket.put(key_of(room_name_of(5), folder="elsewhere"))
    run("backfill_whereby_recordings", "--bucket=older-recordings", "--prefix=a/")
    assert [(r.bucket, r.key) for r in Recording.objects.all()] == [
        ("older-recordings", key_of(room_name_of(0), folder="a"))
    ]
    run("backfill_whereby_recordings", "--bucket=older-recordings")
    run("backfill_whereby_recordings", "--prefix=elsewhere/")
    assert Recording.objects.filter(bucket="older-recordings").count() == 2
    assert Recording.objects.get(bucket=BUCKET).room_name == room_name_of(5)


def test_a_backfill_of_the_bucket_may_be_limited_to_a_time_and_a_room(run, bucket, room):
    held(room_name_of(1), room=room)
    for n in (1, 2):
        for days in (0, 3):
            bucket.put(key_of(room_name_of(n), BEGAN - days * DAY))
    run("backfill_whereby_recordings", "--since=2026-01-01", "--room=standup", "--dry-run")
    assert not Recording.objects.exists()
    run("backfill_whereby_recordings", "--since=2026-01-01", "--room=standup")
    assert Recording.objects.get().key == key_of(room_name_of(1))


def test_a_bucket_that_does_not_exist_is_said_so(bucket):
    with pytest.raises(CommandError, match="NoSuchBucket"):
        call_command("backfill_whereby_recordings", "--bucket=no-such-bucket")


def test_a_platform_without_a_bucket_is_said_so(settings):
    settings.VIDEO_PLATFORMS = platforms(s3_bucket="")
    with pytest.raises(CommandError, match="no bucket"):
        call_command("backfill_whereby_recordings", "--prefix=cloud/")


# Starting over


def test_failed_recordings_are_fetched_again(run):
    failed, fetched = stored(error="cut off", can_retry=True), stored(State.DONE)
    Ingest.objects.create(recording=failed, state="failed", attempts=12, last_error="cut off")
    assert "1 to be fetched again" in run("reprocess_recordings")
    assert (state_of(failed), failed.error) == (State.REPORTED, "")
    assert (failed.ingest.state, failed.ingest.attempts) == ("waiting", 0)
    assert state_of(fetched) == State.DONE


@pytest.mark.parametrize("state", [State.DONE, State.PROCESSING, State.STORED, State.FAILED])
def test_a_recording_whose_file_is_there_is_handed_off_again(run, state):
    there = stored(state, file="recordings/1.mp4")
    assert "1 to be handed off again" in run("reprocess_recordings", f"--state={state}")
    assert state_of(there) == State.STORED
    assert Submission.objects.get().recording == there
    assert not Ingest.objects.exists()


def test_unmatched_recordings_are_matched_again(run):
    ours = stored(State.UNMATCHED, room_name="standup-0", recorded_at=BEGAN)
    nobodys = stored(State.UNMATCHED, room_name="elsewhere", recorded_at=BEGAN)
    meeting = held("standup-0", "daily")
    said = run("reprocess_recordings", "--state=unmatched")
    assert "1 matched to a meeting" in said
    assert "1 left as they are" in said
    assert (state_of(ours), ours.meeting) == (State.REPORTED, meeting)
    assert state_of(nobodys) == State.UNMATCHED


def test_a_recording_that_a_worker_has_is_left_to_it(run):
    busy = stored(State.FETCHING)
    assert "1 left as they are" in run("reprocess_recordings", "--state=fetching")
    assert state_of(busy) == State.FETCHING


def test_deleted_recordings_cannot_be_started_over():
    stored(State.DELETED, deleted_at=BEGAN)
    with pytest.raises(CommandError, match="--state"):
        call_command("reprocess_recordings", "--state=deleted")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(run):
    failed = stored()
    said = run("reprocess_recordings", "--dry-run")
    assert f"{failed.pk} failed: to be fetched again" in said
    assert state_of(failed) == State.FAILED


def test_recordings_to_start_over_may_be_chosen(run, room):
    meeting = held("standup-0", "daily", room=room)
    old = stored(meeting=meeting, recorded_at=BEGAN - 5 * DAY)
    new = stored(meeting=meeting, recorded_at=BEGAN)
    others = stored(recorded_at=BEGAN)
    no_audio = stored(State.NO_AUDIO, meeting=meeting, recorded_at=BEGAN)
    run("reprocess_recordings", "--room=standup", "--since=2026-01-01", "--state=failed", "--state=no_audio")
    assert [state_of(r) for r in (old, new, others, no_audio)] == ["failed", "reported", "failed", "reported"]


def test_starting_over_twice_does_no_harm(run):
    failed = stored()
    run("reprocess_recordings", "--state=failed", "--state=reported")
    run("reprocess_recordings", "--state=failed", "--state=reported")
    assert state_of(failed) == State.REPORTED
    assert Ingest.objects.count() == 1


# Platforms of older rows


def event_of(meeting, platform):
    WebhookEvent.objects.create(
        id=meeting.pk, platform=platform, event_id="1", type="x", body=b"{}", meeting_id=meeting.provider_meeting_id
    )


def test_the_platform_of_older_rows_is_filled_in_as_far_as_it_can_be_known(run, settings):
    settings.VIDEO_PLATFORMS = platforms(**daily_platform("http://127.0.0.1:1"))
    by_event, by_recording, unknown = [held(f"standup-{n}", "") for n in range(3)]
    event_of(by_event, "daily")
    stored(State.DONE, meeting=by_recording, platform="whereby")
    of_meeting = stored(State.DONE, meeting=by_event, platform="")
    in_bucket = stored(State.DONE, platform="", provider_recording_id="", bucket=BUCKET, key=key_of(room_name_of()))
    nobodys = stored(State.DONE, platform="")
    said = run("backfill_platform")
    for row in (by_event, by_recording, unknown, of_meeting, in_bucket, nobodys):
        row.refresh_from_db()
    assert (by_event.platform, by_recording.platform, unknown.platform) == ("daily", "whereby", "")
    assert (of_meeting.platform, in_bucket.platform, nobodys.platform) == ("daily", "whereby", "")
    assert said == "meetings: 1 daily, 1 unknown, 1 whereby\nrecordings: 1 daily, 1 unknown, 1 whereby\n"


def test_the_rest_is_filled_in_with_what_staff_say(run, settings):
    meeting, found = held("standup-0", ""), stored(State.DONE, platform="")
    run("backfill_platform", "--default=mock", "--dry-run")
    assert Meeting.objects.get().platform == ""
    run("backfill_platform", "--default=mock")
    meeting.refresh_from_db()
    found.refresh_from_db()
    assert (meeting.platform, found.platform) == ("mock", "mock")
    assert "all say their platform already" in run("backfill_platform")


def test_an_upload_comes_from_no_platform(run, settings):
    upload = stored(State.DONE, platform="", kind="upload")
    assert "recordings: all say their platform already" in run("backfill_platform", "--default=mock")
    upload.refresh_from_db()
    assert upload.platform == ""


def test_a_row_that_is_there_twice_stays_as_it_is(run, settings):
    held("standup-0", "daily")
    double = held("standup-0", "", slot="2")
    event_of(double, "daily")
    assert "1 taken" in run("backfill_platform")
    double.refresh_from_db()
    assert double.platform == ""
