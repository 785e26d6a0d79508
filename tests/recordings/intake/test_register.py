"""Whoever reports a recording, however often and in whatever order: one row, one fetch, and what is known of it."""

import itertools
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from meetings.transitions import apply_event
from platforms import events
from recordings.intake import register
from recordings.intake.register import fetch_again, link, match_again, register_recording, submit_again
from recordings.models import Erasure, Ingest, Recording, Submission, Track, Transcript
from recordings.models.transitions import transition
from rooms.models import Room
from tests.support import meeting_reports
from tests.support.meeting_reports import make_meeting, minute
from tests.support.recording_reports import BUCKET, by_both, by_id, by_key, fetched, only_row, ref, reported

COPIES = 8
TRACKS = [
    events.Track("cam-audio", "rooms/standup-1/1-a", 10, session_id="ada", offset=1.5),
    events.Track("cam-video", "rooms/standup-1/1-b", 20, session_id="ada", offset=1.5),
]


@pytest.fixture
def meeting(room):
    return make_meeting(room)


def keys(recording):
    return sorted(recording.tracks.values_list("key", flat=True))


def ingest_of(recording):
    return Ingest.objects.get(recording=recording)


def delete(recording):
    assert transition(recording, Recording.State.DELETED)
    return recording


# A first report


def test_a_recording_of_a_known_meeting_is_to_be_fetched(meeting):
    recording = register_recording(by_both(duration=60.0, download_url="https://files.example/a?sig=1"))
    assert only_row() == recording
    assert (recording.state, recording.meeting, recording.kind) == ("reported", meeting, "file")
    assert (recording.provider_recording_id, recording.room_name) == ("rec-1", "standup-1")
    assert (recording.bucket, recording.key) == (BUCKET, "rooms/standup-1/1.mp4")
    assert (recording.recorded_at, recording.duration) == (minute(1), 60.0)
    assert recording.source_url == "https://files.example/a?sig=1"
    assert ingest_of(recording).state == "waiting"


@pytest.mark.django_db
def test_a_recording_of_no_meeting_is_kept_and_not_fetched():
    recording = register_recording(by_id())
    assert (recording.state, recording.meeting) == ("unmatched", None)
    assert not Ingest.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("nameless", [ref(recording_id=""), ref(recording_id="", bucket=BUCKET)])
def test_a_report_that_names_nothing_is_refused(nameless):
    with pytest.raises(ValueError, match="id or the key"):
        register_recording(nameless)
    assert not Recording.objects.exists()


def test_two_recordings_of_one_meeting_are_two_rows(meeting):
    first, second = reported(by_id("rec-1"), by_id("rec-2"))
    assert {first.meeting, second.meeting} == {meeting}
    assert Ingest.objects.count() == 2


def test_one_id_on_two_platforms_is_two_recordings(meeting):
    reported(by_id(), by_id(platform="other"))
    assert Recording.objects.count() == 2


def test_one_key_in_two_buckets_is_two_recordings(meeting):
    reported(by_key(), by_key(), ref(recording_id="", bucket="another", key="rooms/standup-1/1.mp4"))
    assert Recording.objects.count() == 2


# The same again


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_by_id_by_key_and_by_both_in_any_order_it_is_one_row(meeting, order):
    ways = [by_id(), by_key(), by_both()]
    for number in order:
        register_recording(ways[number])
    recording = only_row()
    assert (recording.provider_recording_id, recording.key) == ("rec-1", "rooms/standup-1/1.mp4")
    assert Ingest.objects.count() == 1
    assert ingest_of(recording).recording == recording


def test_a_repeated_report_writes_nothing(meeting, django_assert_num_queries):
    recording = register_recording(by_both(tracks=TRACKS))
    before = Recording.objects.values().get()
    # Two for the savepoint, one for the row and one for the tracks.
    with django_assert_num_queries(4):
        assert register_recording(by_both(tracks=TRACKS)) == recording
    assert Recording.objects.values().get() == before


def test_what_is_known_stays_and_what_was_missing_is_learned(meeting):
    register_recording(ref(started_at=None, duration=None, room_name=""))
    recording = register_recording(ref(started_at=minute(3), duration=50.0))
    register_recording(ref(started_at=minute(9), duration=70.0, room_name="elsewhere-1"))
    recording.refresh_from_db()
    assert (recording.recorded_at, recording.duration, recording.room_name) == (minute(3), 50.0, "standup-1")


def test_a_length_of_nothing_is_a_length(meeting):
    register_recording(by_id(duration=0.0))
    assert register_recording(by_id(duration=9.0)).duration == 0.0


def test_the_newest_link_counts_and_no_link_takes_none_away(meeting):
    for url in ("https://files.example/old", "https://files.example/new", ""):
        register_recording(by_id(download_url=url))
    assert only_row().source_url == "https://files.example/new"


def test_what_is_stored_is_not_fetched_again_because_it_is_reported_again(meeting):
    recording = fetched(register_recording(by_both()))
    register_recording(by_both(download_url="https://files.example/new"))
    recording.refresh_from_db()
    assert recording.state == "stored"
    assert ingest_of(recording).state == "done"


@pytest.mark.parametrize("state", ["failed", "no_audio"])
def test_what_has_ended_badly_is_not_fetched_again_because_it_is_reported_again(meeting, state):
    recording = register_recording(by_id())
    transition(recording, "fetching", fetched_version="")
    transition(recording, state, error="Why.")
    assert register_recording(by_id()).state == state
    assert only_row().error == "Why."


# Deleted


@pytest.mark.parametrize("again", [by_id, by_key, by_both])
def test_what_was_deleted_stays_deleted_and_learns_nothing(meeting, again):
    delete(register_recording(by_both()))
    before = Recording.objects.values().get()
    assert register_recording(again(download_url="https://files.example/new", tracks=TRACKS)).state == "deleted"
    assert Recording.objects.values().get() == before
    assert not Track.objects.exists()


def test_what_was_deleted_is_not_linked_fetched_or_handed_off(meeting):
    recording = delete(fetched(register_recording(by_id())))
    assert [link(recording, meeting), fetch_again(recording), submit_again(recording)] == [False] * 3
    assert only_row().state == "deleted"
    assert ingest_of(recording).state == "done"


def test_what_is_being_deleted_is_not_begun_anew(meeting):
    recording = fetched(register_recording(by_id()))
    Erasure.objects.create(recording=recording, location="storage")
    assert [fetch_again(recording), submit_again(recording)] == [False, False]
    assert only_row().state == "stored"


# Two rows that turn out to be one recording


def test_the_row_that_got_further_takes_over_what_the_other_knows(meeting):
    by_name = register_recording(by_id(duration=60.0, download_url="https://files.example/a"))
    in_bucket = fetched(register_recording(by_key(tracks=TRACKS[:1])))
    register_recording(by_both(tracks=TRACKS))
    recording = only_row()
    assert recording.pk == in_bucket.pk != by_name.pk
    assert (recording.state, recording.provider_recording_id, recording.duration) == ("stored", "rec-1", 60.0)
    assert recording.source_url == "https://files.example/a"
    assert keys(recording) == [track.s3_key for track in TRACKS]


def test_of_two_that_are_not_stored_the_older_stays(meeting):
    older, _ = register_recording(by_key()), register_recording(by_id(tracks=TRACKS))
    register_recording(by_both())
    recording = only_row()
    assert recording.pk == older.pk
    assert recording.kind == "tracks"
    assert keys(recording) == [track.s3_key for track in TRACKS]
    assert Ingest.objects.get().recording == recording


def test_one_that_is_being_fetched_is_not_taken_from_its_worker(meeting):
    register_recording(by_id())
    under_way = register_recording(by_key())
    transition(under_way, "fetching")
    register_recording(by_both())
    assert only_row().pk == under_way.pk
    assert only_row().state == "fetching"


def test_an_unmatched_row_learns_the_meeting_from_the_other(room):
    unmatched = register_recording(by_id(room_name=""))
    make_meeting(room)
    register_recording(by_key())
    register_recording(by_both())
    recording = only_row()
    assert recording.pk == unmatched.pk
    assert (recording.state, recording.room_name) == ("reported", "standup-1")
    assert ingest_of(recording).state == "waiting"


@pytest.mark.parametrize("how_far", [fetched, lambda recording: transition(recording, "fetching") and recording])
def test_two_that_both_have_files_or_will_are_left_to_staff(meeting, caplog, how_far):
    rows = [how_far(register_recording(by_id())), how_far(register_recording(by_key()))]
    assert register_recording(by_both()) == rows[0]
    assert set(Recording.objects.all()) == set(rows)
    assert "recording_has_two_rows" in caplog.text


@pytest.mark.parametrize("first", [by_id, by_key])
def test_deleted_by_one_name_it_is_deleted_by_the_other(meeting, first):
    second = by_key if first is by_id else by_id
    deleted = delete(register_recording(first()))
    other = fetched(register_recording(second()))
    assert register_recording(by_both()) == deleted
    assert Erasure.objects.filter(recording=other, location="storage", only_video=False).exists()


# Tracks


@pytest.mark.parametrize(("tracks", "kind"), [(None, "file"), ([], "tracks"), (TRACKS, "tracks")])
def test_no_list_is_a_file_and_a_list_is_tracks_also_an_empty_one(meeting, tracks, kind):
    recording = register_recording(by_id(tracks=tracks))
    assert recording.kind == kind
    assert keys(recording) == sorted(track.s3_key for track in tracks or [])


def test_tracks_say_whose_they_are_and_when_they_began(meeting):
    ada = meeting.sessions.create(session_id="ada", user_name="Ada")
    tracks = list(register_recording(by_id(tracks=TRACKS)).tracks.order_by("key"))
    assert [(t.medium, t.size, t.session_id, t.offset, t.participant) for t in tracks] == [
        ("cam-audio", 10, "ada", 1.5, ada),
        ("cam-video", 20, "ada", 1.5, ada),
    ]


def test_a_track_that_is_listed_twice_is_one(meeting):
    assert len(keys(register_recording(by_id(tracks=[*TRACKS, *TRACKS])))) == 2


def test_tracks_that_are_reported_later_are_added(meeting):
    register_recording(by_id())
    recording = register_recording(by_id(tracks=TRACKS))
    assert (recording.kind, recording.state) == ("tracks", "reported")
    assert len(keys(recording)) == 2
    register_recording(by_id(tracks=[*TRACKS, events.Track("cam-audio", "rooms/standup-1/1-c")]))
    assert len(keys(recording)) == 3
    assert register_recording(by_id(tracks=None)).kind == "tracks"


@pytest.mark.parametrize("state", ["no_audio", "failed"])
def test_tracks_that_come_after_nothing_was_found_are_fetched(meeting, state):
    recording = register_recording(by_id(tracks=[]))
    transition(recording, "fetching")
    transition(recording, state, error="Nobody was heard.")
    Ingest.objects.update(state="done", attempts=1)
    recording = register_recording(by_id(tracks=TRACKS))
    assert (recording.state, recording.error) == ("reported", "")
    assert (ingest_of(recording).state, ingest_of(recording).attempts) == ("waiting", 0)


# Matching later


def test_a_meeting_that_is_known_later_is_found_by_the_next_report(room):
    recording = register_recording(by_id())
    meeting = make_meeting(room)
    register_recording(by_id())
    recording.refresh_from_db()
    assert (recording.state, recording.meeting) == ("reported", meeting)
    assert ingest_of(recording).state == "waiting"


def test_a_meeting_that_is_known_later_is_found_by_looking_again(room):
    recording = register_recording(by_id())
    assert match_again(recording) is False
    meeting = make_meeting(room)
    assert match_again(recording) is True
    assert (recording.state, recording.meeting) == ("reported", meeting)
    assert ingest_of(recording).state == "waiting"


def test_what_several_reports_say_of_the_meeting_is_put_together(room):
    register_recording(by_id(room_name=""))
    meeting = make_meeting(room)
    assert register_recording(ref(started_at=None)).meeting == meeting


def test_staff_link_an_unmatched_recording_and_it_is_fetched(room):
    recording = register_recording(by_id(room_name="elsewhere-9", tracks=TRACKS))
    meeting = make_meeting(room)
    ada = meeting.sessions.create(session_id="ada", user_name="Ada")
    assert link(recording, meeting)
    assert (recording.state, recording.meeting) == ("reported", meeting)
    assert ingest_of(recording).state == "waiting"
    assert {track.participant for track in recording.tracks.all()} == {ada}


def test_a_transcript_goes_along_to_the_room_that_its_recording_is_linked_to(meeting, colleague):
    recording = fetched(register_recording(by_id()))
    transcript = Transcript.objects.get()
    assert (transcript.room, transcript.user) == (meeting.room, meeting.room.owner)
    told = transcript.change_seq
    other = make_meeting(Room.objects.create(name="other", owner=colleague), room_name="other-1")
    assert link(recording, other)
    transcript.refresh_from_db()
    assert (transcript.room, transcript.user) == (other.room, colleague)
    assert transcript.change_seq > told
    assert recording.state == "stored"
    assert ingest_of(recording).state == "done"


def test_one_whose_meeting_was_deleted_before_it_was_fetched_waits_for_another(meeting):
    recording = register_recording(by_id())
    meeting.delete()
    assert register_recording(by_id()).state == "unmatched"
    assert link(recording, make_meeting(room_name="standup-2"))
    assert (recording.state, ingest_of(recording).state) == ("reported", "waiting")


# Again


@pytest.mark.parametrize("state", ["failed", "no_audio"])
def test_fetching_again_starts_over(meeting, state):
    recording = register_recording(by_id())
    transition(recording, "fetching")
    transition(recording, state, error="Why.", can_retry=True)
    Ingest.objects.update(state="failed", attempts=12, last_error="Why.", finished_at=timezone.now())
    assert fetch_again(recording)
    assert (recording.state, recording.error, recording.can_retry) == ("reported", "", False)
    assert (ingest_of(recording).state, ingest_of(recording).attempts) == ("waiting", 0)


def test_what_is_stored_is_handed_off_again(meeting):
    recording = fetched(register_recording(by_id()))
    transition(recording, "processing")
    transition(recording, "failed", error="Why.", can_retry=True)
    Submission.objects.create(recording=recording, state="failed", attempts=12)
    assert submit_again(recording)
    assert (recording.state, recording.error) == ("stored", "")
    assert (Submission.objects.get().state, Submission.objects.get().attempts) == ("waiting", 0)


def test_tracks_that_are_stored_can_be_handed_off_again_without_a_file_of_all(meeting):
    recording = fetched(register_recording(by_id(tracks=TRACKS)), file="")
    assert submit_again(recording) is False
    recording.tracks.update(state="stored", file="a.webm")
    assert submit_again(recording) is True


@pytest.mark.parametrize("again", [fetch_again, submit_again])
@pytest.mark.parametrize("job_model", [Ingest, Submission])
def test_what_a_worker_is_at_is_left_to_it(meeting, again, job_model):
    recording = fetched(register_recording(by_id()))
    job_model.objects.update_or_create(recording=recording, defaults={"state": "running"})
    assert again(recording) is False
    assert only_row().state == "stored"


@pytest.mark.parametrize("before", [[], ["fetching"], ["fetching", "failed"], ["fetching", "no_audio"]])
def test_what_is_not_stored_is_not_handed_off(meeting, before):
    recording = register_recording(by_id())
    for state in before:
        transition(recording, state)
    assert submit_again(recording) is False
    assert not Submission.objects.exists()


@pytest.mark.django_db
def test_what_belongs_to_no_meeting_is_not_fetched():
    recording = register_recording(by_id())
    assert fetch_again(recording) is False
    assert only_row().state == "unmatched"


# At the same moment


def at_once(*calls):
    """Run each in a thread of its own, all let go together; what they raised."""
    ready, errors = threading.Barrier(len(calls)), []

    def run(call):
        ready.wait(10)
        try:
            call()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", [[by_id], [by_key], [by_both], [by_id, by_key, by_both]])
def test_reports_at_the_same_moment_are_one_row_and_one_fetch(meeting, ways):
    for _ in range(3):
        Recording.objects.all().delete()
        refs = [ways[number % len(ways)](tracks=TRACKS) for number in range(COPIES)]
        assert at_once(*(lambda found=found: register_recording(found) for found in refs)) == []
        register_recording(by_both())
        assert Ingest.objects.get().recording == only_row()
        assert len(keys(only_row())) == 2


@pytest.mark.django_db(transaction=True)
def test_a_webhook_and_a_listing_at_the_same_moment_do_not_wait_for_each_other_for_ever(meeting):
    ready = meeting_reports.report(events.RecordingReady, 5, recording_id="rec-1")

    def by_webhook():
        with transaction.atomic():
            apply_event(ready)  # holds the meeting's row
            register_recording(by_id())

    for _ in range(5):
        Recording.objects.all().delete()
        assert at_once(*[by_webhook, lambda: register_recording(by_id())] * 4) == []
        assert only_row().meeting == meeting


@pytest.mark.django_db(transaction=True)
def test_deleting_and_reporting_at_the_same_moment_leaves_it_deleted(meeting):
    recording = register_recording(by_id())
    calls = [lambda: register_recording(by_id(download_url="https://files.example/new"))] * 4
    assert at_once(*calls, lambda: delete(Recording.objects.get(pk=recording.pk))) == []
    assert only_row().state == "deleted"


def test_a_worker_is_told_once_the_row_is_there(meeting, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        register.register_recording(by_id())
        register.register_recording(by_id())
    assert len(callbacks) == 1
