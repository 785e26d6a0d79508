"""A room's transcript is there from the first report of a recording on, and tells how far it has come."""

import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from platforms import events
from recordings.fetching.claim import Claim
from recordings.intake.register import fetch_again, link, register_recording
from recordings.management.commands.reindex_search import reindex
from recordings.models import Consent, Erasure, Ingest, Recording, Submission, Transcript, TranscriptEvent
from recordings.models.transitions import transition
from recordings.privacy import consent, deletion
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.submit import fail, finish
from rooms.models import Room, WebhookDelivery
from tests.conftest import api_for
from tests.support.meeting_reports import make_meeting, minute
from tests.support.recording_reports import by_both, by_id, by_key, fetched, ref

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

State = Recording.State
SAID = Result(language="en", duration=9.0, segments=[Segment(0.0, 2.0, "Ada", "Good morning.")])


@pytest.fixture
def meeting(room):
    return make_meeting(room, store_video=True)


def of_tracks(at=1):
    tracks = [events.Track("cam-audio", f"tracks/{at}-a", 10, session_id="ada")]
    return ref(recording_id=f"tracks-{at}", started_at=minute(at), tracks=tracks)


def of_file(at=1):
    return ref(recording_id=f"file-{at}", started_at=minute(at))


def stored(recording, **fields):
    """As its ingest leaves it, with a file."""
    name = storages["recordings"].save(f"{recording.pk}/file", ContentFile(b"x"))
    return fetched(recording, file=name, **fields)


def processed(recording, result=SAID):
    assert transition(recording, State.PROCESSING)
    assert finish(recording, result)
    return recording


def run(model):
    for job in model.objects.exclude(state="done"):
        model.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
        model.run(job.pk)


def shown(owner):
    return api_for(owner).get("/v1/transcripts").json()["items"]


# One recording


def test_a_transcript_is_there_from_the_first_report_on(meeting, owner):
    recording = register_recording(by_both())
    [transcript] = shown(owner)
    told = TranscriptEvent.objects.filter(transcript_id=transcript["id"]).values_list("kind", "value").order_by("id")
    assert (transcript["status"], transcript["source_kind"], transcript["duration"]) == ("uploaded", "room", 0)
    assert (transcript["name"], transcript["meeting_id"]) == ("standup", str(meeting.pk))
    assert (told[0], told[len(told) - 1]) == (("created", None), ("status", "uploaded"))
    processed(stored(recording))
    [ended] = shown(owner)
    assert (ended["id"], ended["status"], ended["duration"]) == (transcript["id"], "ended", 9000)


def test_it_is_called_what_people_call_the_room(meeting, owner):
    Room.objects.update(title="Budget, 2. Runde")
    recording = register_recording(by_both())
    assert [one["name"] for one in shown(owner)] == ["Budget, 2. Runde"]
    processed(stored(recording))
    [found] = api_for(owner).get("/v1/transcripts/search?q=runde").json()["results"]
    assert found["title"].startswith("Budget, 2. Runde")


def test_one_of_no_known_meeting_waits_until_that_is_known(room, owner):
    recording = register_recording(by_id())
    assert not Transcript.objects.exists()
    assert link(recording, make_meeting(room))
    assert [one["status"] for one in shown(owner)] == ["uploaded"]


def test_until_something_is_said_no_words_find_it(meeting, owner):
    register_recording(by_both())
    transcript = Transcript.objects.get()
    assert not reindex(transcript.pk)
    search = "/v1/transcripts/search?q="
    assert api_for(owner).get(f"{search}standup").json()["total"] == 0
    assert [found["id"] for found in api_for(owner).get(search).json()["results"]] == [str(transcript.pk)]


def test_what_cannot_be_fetched_or_heard_ends_in_an_error_and_may_begin_anew(meeting, owner):
    recording = register_recording(by_both())
    job = Ingest.objects.get()
    job.lease_token = None
    transition(recording, State.FETCHING)
    Claim(job, recording).complete(State.NO_AUDIO, error="There is no audio in it.")
    [transcript] = shown(owner)
    assert (transcript["status"], transcript["note"]) == ("error", "There is no audio in it.")
    assert fetch_again(recording)
    [transcript] = shown(owner)
    assert (transcript["status"], transcript["note"]) == ("uploaded", "")


def test_one_in_which_nothing_was_ever_said_goes_with_its_recording(meeting, owner):
    recording = register_recording(by_both())
    key = Transcript.objects.get().pk
    deletion.delete_everywhere(recording)
    Erasure.objects.exclude(location=Erasure.Location.STORAGE).update(gone_at=timezone.now(), state="done")
    run(Erasure)
    assert not Transcript.objects.exists()
    assert TranscriptEvent.objects.get(transcript_id=key).kind == "deleted"


def test_a_refusal_takes_the_audio_and_leaves_what_was_said(meeting, owner):
    Consent.objects.create(meeting=meeting, given=False)
    processed(stored(register_recording(by_key())))
    Erasure.objects.exclude(location=Erasure.Location.STORAGE).update(gone_at=timezone.now(), state="done")
    run(Erasure)
    transcript = Transcript.objects.get()
    assert (transcript.status, transcript.audio_deleted) == ("ended", True)
    assert transcript.segments.exists()


def test_of_one_that_was_thrown_away_before_nobody_is_told(meeting, owner, room):
    Room.objects.filter(pk=room.pk).update(webhook_url="https://receiver.example.com/")
    recording = stored(register_recording(by_both()))
    key = Transcript.objects.get().pk
    WebhookDelivery.objects.all().delete()
    assert api_for(owner).delete(f"/v1/transcripts/{key}").status_code == 200
    processed(recording)
    assert not WebhookDelivery.objects.exists()
    assert api_for(owner).post(f"/v1/transcripts/{key}/restore").status_code == 200
    assert [(one["id"], one["status"]) for one in shown(owner)] == [(str(key), "ended")]


def test_one_that_was_destroyed_before_does_not_come_again(meeting, owner):
    recording = stored(register_recording(by_both()))
    key = Transcript.objects.get().pk
    api_for(owner).delete(f"/v1/transcripts/{key}")
    assert api_for(owner).delete(f"/v1/transcripts/{key}/destroy").status_code == 200
    processed(recording)
    assert not Transcript.objects.exists()


def test_two_rows_that_turn_out_to_be_one_recording_have_one_transcript(meeting, owner):
    register_recording(by_id())
    register_recording(by_key())
    assert len(shown(owner)) == 2
    recording = register_recording(by_both())
    assert [one["status"] for one in shown(owner)] == ["uploaded"]
    assert Transcript.objects.get().recording == recording


# Tracks and a file of one call


@pytest.fixture(params=["tracks first", "file first", "file transcribed first"])
def call(request, meeting):
    """The recording in tracks and that in a file, both processed."""
    tracks = of_tracks() if request.param == "tracks first" else None
    if tracks:
        tracks = processed(fetched(register_recording(tracks), file=""))
    file = stored(register_recording(of_file()), has_video=True, duration=60.0)
    if request.param == "file transcribed first":
        processed(file)
    tracks = tracks or processed(fetched(register_recording(of_tracks()), file=""))
    if file.state == State.STORED:
        Submission.objects.get_or_create(recording=file)
        run(Submission)
    file.refresh_from_db()
    return tracks, file


def test_tracks_and_a_file_of_one_call_are_one_transcript_with_a_video(call, owner):
    tracks, file = call
    [transcript] = shown(owner)
    assert (transcript["status"], transcript["has_cloud_video"], transcript["cloud_video_duration"]) == (
        "ended",
        True,
        60,
    )
    assert file.state == State.DONE
    assert Transcript.objects.get().recording == tracks
    video = api_for(owner).get(f"/v1/transcripts/{transcript['id']}/video/url").json()
    assert video["duration"] == 60.0
    items = api_for(owner).get("/v1/recordings").json()["items"]
    assert {item["transcript_id"] for item in items} == {transcript["id"]}
    page = api_for(owner).get("/").content.decode()
    assert f"recording-{tracks.pk}" in page
    assert f"recording-{file.pk}" not in page


def test_both_go_to_the_trash_and_come_back(call, owner):
    key = Transcript.objects.get().pk
    api_for(owner).delete(f"/v1/transcripts/{key}")
    assert {one.deleted_at is not None for one in Recording.objects.all()} == {True}
    api_for(owner).post(f"/v1/transcripts/{key}/restore")
    assert {one.deleted_at for one in Recording.objects.all()} == {None}


def test_audio_is_called_deleted_when_both_are(call):
    transcript = Transcript.objects.get()
    deletion.delete_audio(transcript)
    Erasure.objects.exclude(location=Erasure.Location.STORAGE).update(gone_at=timezone.now(), state="done")
    for number, job in enumerate(Erasure.objects.filter(location=Erasure.Location.STORAGE).order_by("pk")):
        transcript.refresh_from_db()
        assert (transcript.audio_deleted, number) == (False, number)
        Erasure.run(job.pk)
    transcript.refresh_from_db()
    assert transcript.audio_deleted
    assert {one.state for one in Recording.objects.all()} == {State.DELETED}


def test_both_are_destroyed_with_it(call, owner):
    key = Transcript.objects.get().pk
    api_for(owner).delete(f"/v1/transcripts/{key}")
    api_for(owner).delete(f"/v1/transcripts/{key}/destroy")
    assert Recording.objects.being_deleted().count() == 2


def test_a_refusal_deletes_both(call, meeting):
    Consent.objects.create(meeting=meeting, given=False)
    assert consent.enforce_all() == 2
    assert Recording.objects.being_deleted().count() == 2


def test_where_nothing_comes_of_the_tracks_the_file_is_transcribed(meeting, owner):
    tracks = fetched(register_recording(of_tracks()), file="")
    file = stored(register_recording(of_file()), has_video=True)
    Submission.objects.create(recording=file)
    run(Submission)
    transition(tracks, State.PROCESSING)
    assert fail(tracks, "Nobody can be heard.")
    [transcript] = shown(owner)
    assert (transcript["status"], transcript["has_cloud_video"]) == ("uploaded", True)
    file.refresh_from_db()
    assert file.state == State.STORED
    processed(file)
    assert [one["status"] for one in shown(owner)] == ["ended"]
    assert Transcript.objects.get().recording == file


@pytest.mark.parametrize(
    "refs", [[of_tracks(1), of_file(30)], [of_file(1), of_file(1.5)], [of_tracks(1), of_tracks(2)]]
)
def test_what_was_recorded_at_other_times_or_in_the_same_way_stays_apart(meeting, owner, refs):
    for reported in refs:
        register_recording(reported)
    assert len(shown(owner)) == 2
    assert not Transcript.objects.exclude(video=None).exists()


@pytest.mark.django_db(transaction=True)
def test_tracks_and_a_file_that_are_reported_at_once_are_one_transcript(meeting):
    refs, errors = [of_tracks(), of_file()], []
    ready = threading.Barrier(len(refs))

    def report(ref):
        ready.wait(10)
        try:
            register_recording(ref)
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=report, args=[ref]) for ref in refs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    transcript = Transcript.objects.get()
    assert (transcript.recording.kind, transcript.video.kind) == ("tracks", "file")
