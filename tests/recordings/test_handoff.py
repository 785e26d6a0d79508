from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession
from platforms.durable import LeaseLost
from platforms.signing import matches_stamped
from recordings import deletion, reporting
from recordings.handoff import Kept, Unwanted, finish, job_of, make_mp3
from recordings.mixing import mp3_name
from recordings.models import HandOff, Recording, Track, Transcript
from recordings.processors import Result, Segment
from recordings.states import advance
from tests.recordings.media import heard, speech, stretches, track, with_audio_and_video
from tests.recordings.speech_service import PATH, SpeechService
from tests.stub_provider import Answer, StubProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

SECRET = "secret-of-the-processor"
State = Recording.State


@pytest.fixture
def stub():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def service(stub, settings):
    service = SpeechService(stub)
    settings.RECORDING_PROCESSORS = {
        "openai": {
            "BACKEND": "recordings.processors.openai.OpenAIProcessor",
            "OPTIONS": {"api_url": service.url, "model": "m", "timeout": 5, "chunk_seconds": 9},
        },
        "http": {
            "BACKEND": "recordings.processors.http.HttpProcessor",
            "OPTIONS": {"url": f"{stub.url}/jobs", "secrets": [SECRET]},
        },
        "null": {"BACKEND": "recordings.processors.null.NullProcessor"},
    }
    settings.RECORDING_PROCESSOR = "openai"
    return service


@pytest.fixture
def elsewhere(service, settings):
    """The processor is a service that sends its results later."""
    settings.RECORDING_PROCESSOR = "http"
    service.stub.on("POST", "/jobs", Answer(202))
    return service.stub


@pytest.fixture
def meeting(room):
    return Meeting.objects.create(
        room=room,
        room_label=room.name,
        state=Meeting.State.ENDED,
        slot="x",
        platform="mock",
        platform_reason="chosen",
        end_date=timezone.now(),
    )


def stored(name, content):
    return storages["recordings"].save(name, ContentFile(content))


@pytest.fixture
def recording(meeting):
    """One that is stored: three things are said in it, in twelve seconds."""
    return Recording.objects.create(
        platform="mock",
        meeting=meeting,
        state=State.STORED,
        provider_recording_id="r1",
        file=stored("r1/file", track(*speech(0, 5, 10))),
        sha256="1" * 64,
        duration=12.0,
        content_type="video/webm",
    )


@pytest.fixture
def work(recording):
    return HandOff.objects.create(recording=recording)


def run(work):
    """As a worker does, when the time has come."""
    HandOff.objects.filter(pk=work.pk, state=HandOff.State.WAITING).update(next_attempt_at=timezone.now())
    try:
        HandOff.run(work.pk)
    finally:
        work.refresh_from_db()
        work.recording.refresh_from_db()


def said(recording):
    """(second, name of the voice) of each segment."""
    transcript = recording.transcript
    names = {p.speaker: p.name for p in transcript.participants.all()}
    return [(round(s.start), names.get(s.speaker, "")) for s in transcript.segments.all()]


# From stored to done


def test_a_stored_recording_gets_its_transcript(service, work):
    run(work)
    assert (work.state, work.recording.state, work.recording.error) == ("done", State.DONE, "")
    assert [second for second, _ in said(work.recording)] == [0, 5, 10]
    transcript = work.recording.transcript
    assert (transcript.status, transcript.source_language, transcript.duration) == ("ended", "en", 12.0)
    assert transcript.room == work.recording.meeting.room


def test_the_audio_of_a_video_is_what_is_sent(service, work):
    Recording.objects.update(file=stored("r1/video", with_audio_and_video("mp4", 3.0)), duration=3.0)
    run(work)
    assert [round(sent.duration) for sent in service.sent] == [3]
    assert service.sent[0].heard == [(0.0, pytest.approx(3.0, abs=0.2))]


def test_a_player_gets_an_mp3(service, work):
    run(work)
    with storages["recordings"].open(work.recording.transcript.audio_file) as file:
        found = stretches(heard(file.read()))
    assert [round(start) for start, _ in found] == [0, 5, 10]


def test_without_a_processor_the_recording_says_so(service, work, settings):
    settings.RECORDING_PROCESSOR = "null"
    run(work)
    assert work.recording.state == State.DONE
    assert work.recording.error == work.recording.transcript.note == "Not transcribed: RECORDING_PROCESSOR is null."
    assert work.recording.transcript.segments.count() == 0


def test_an_upload_says_its_language(service, work, owner):
    Recording.objects.update(kind=Recording.Kind.UPLOAD)
    Transcript.objects.create(
        recording=work.recording, user=owner, name="talk", source_kind="file", source_language="de"
    )
    run(work)
    assert {sent.fields["language"] for sent in service.sent} == {"de"}
    assert work.recording.transcript.name == "talk"


# Tracks


@pytest.fixture
def tracks(recording, meeting):
    """Ada speaks twice and comes back later; Bo has no name; somebody shares a video."""
    Recording.objects.update(kind=Recording.Kind.TRACKS, file="", duration=30.0)
    ada = ParticipantSession.objects.create(meeting=meeting, session_id="s-ada", user_name="Ada")
    bo = ParticipantSession.objects.create(meeting=meeting, session_id="s-bo")
    for number, (person, session_id, medium, offset, sounds) in enumerate(
        [
            (ada, "s-ada", "cam-audio", 0.0, speech(0, 6)),
            (bo, "s-bo", "cam-audio", 3.0, speech(0)),
            (None, "s-cy", "cam-audio", 9.0, speech(0)),
            (ada, "s-ada-2", "cam-audio", 15.0, speech(0)),
            (ada, "s-ada", "screen-audio", 0.0, speech(20)),
        ]
    ):
        Track.objects.create(
            recording=recording,
            participant=person,
            session_id=session_id,
            medium=medium,
            key=f"k{number}",
            state=Track.State.STORED,
            offset=offset,
            file=stored(f"r1/t{number}", track(*sounds)),
            duration=8.0,
        )
    recording.refresh_from_db()
    return recording


def test_what_each_said_is_under_their_name_and_at_its_time(service, work, tracks):
    run(work)
    assert said(tracks) == [(0, "Ada"), (3, "Speaker 1"), (6, "Ada"), (9, "Speaker 2"), (15, "Ada")]


def test_the_mp3_holds_all_voices(service, work, tracks):
    run(work)
    with storages["recordings"].open(tracks.transcript.audio_file) as file:
        assert [round(start) for start, _ in stretches(heard(file.read()))] == [0, 3, 6, 9, 15]


def test_what_was_shared_is_heard_when_nobody_spoke(service, work, tracks):
    tracks.tracks.exclude(medium="screen-audio").update(state=Track.State.NO_AUDIO)
    run(work)
    assert said(tracks) == [(20, "Ada")]


def test_tracks_without_a_voice_are_a_final_failure(service, work, tracks):
    tracks.tracks.update(medium="cam-video")
    run(work)
    assert (work.state, work.recording.state) == ("failed", State.FAILED)
    assert "None of its tracks holds a voice" in work.recording.error


def test_a_track_that_could_not_be_fetched_stays_said(service, work, tracks):
    Recording.objects.update(error="1 of 5 tracks could not be fetched: gone")
    run(work)
    assert tracks.transcript.note == work.recording.error == "1 of 5 tracks could not be fetched: gone"


# Deletion meanwhile


def test_a_recording_that_is_to_be_deleted_is_sent_nowhere(service, work):
    deletion.delete_everywhere(work.recording)
    run(work)
    assert (work.state, service.stub.requests) == ("done", [])
    assert not storages["recordings"].exists(mp3_name(work.recording))


def test_a_deletion_that_is_asked_for_while_the_mp3_is_made_leaves_none(service, work):
    class Asked(dict[str, Any]):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            if key == "mp3_made":
                deletion.delete_everywhere(work.recording)

    job = replace(job_of(work.recording, work), kept=Asked())
    with pytest.raises(Unwanted):
        make_mp3(work.recording, job)
    assert job.kept["mp3"] == mp3_name(work.recording)
    assert not storages["recordings"].exists(mp3_name(work.recording))


# Again, and after a crash


def test_a_recording_that_is_done_is_left_alone(service, work):
    run(work)
    transcript = work.recording.transcript
    HandOff.objects.filter(pk=work.pk).run_again()
    run(work)
    assert len(service.sent) == 2
    assert Transcript.objects.get() == transcript


@pytest.mark.parametrize("state", [State.DELETED, State.REPORTED, State.FETCHING, State.NO_AUDIO])
def test_nothing_is_sent_of_a_recording_that_is_not_stored(service, work, state):
    Recording.objects.update(state=state, deleted_at=timezone.now() if state == State.DELETED else None)
    run(work)
    assert (work.state, work.recording.state) == ("done", state)
    assert service.stub.requests == []


def test_a_worker_that_died_is_followed_by_one_that_goes_on(service, stub, work):
    """It died while it waited for the second chunk: the first is not paid for again, and the MP3 not made again."""
    stub.on("POST", PATH, service.answer, Answer(401))
    run(work)
    made = storages["recordings"].get_modified_time(work.kept["mp3"])
    advance(work.recording, State.STORED)
    HandOff.objects.filter(pk=work.pk).update(
        state="running", lease_until=timezone.now() - timedelta(seconds=1), lease_token=None
    )
    stub.on("POST", PATH, service.answer)
    run(work)
    assert [second for second, _ in said(work.recording)] == [0, 5, 10]
    assert len(service.sent) == 2
    assert storages["recordings"].get_modified_time(work.recording.transcript.audio_file) == made
    assert work.kept == {}


def test_what_was_kept_of_another_file_is_not_used(service, stub, work):
    stub.on("POST", PATH, service.answer, Answer(401))
    run(work)
    advance(work.recording, State.STORED, file=stored("r1/new", track(*speech(2, 7))), sha256="2" * 64)
    HandOff.objects.filter(pk=work.pk).run_again()
    stub.on("POST", PATH, service.answer)
    run(work)
    assert [second for second, _ in said(work.recording)] == [2, 7]


def test_a_worker_that_lost_the_row_keeps_nothing(work):
    kept = Kept(work)
    HandOff.objects.filter(pk=work.pk).update(lease_token="0e4b4ea7-3c0a-4f6e-9a44-3c6a2c6b6b1c")
    with pytest.raises(LeaseLost):
        kept["x"] = 1
    work.refresh_from_db()
    assert work.kept == {}


def test_the_first_result_counts(recording):
    advance(recording, State.PROCESSING)
    late = Recording.objects.get()
    assert finish(recording, Result("en", 12.0, [Segment(0, 1, "", "first")]))
    assert not finish(late, Result("en", 12.0, [Segment(0, 1, "", "second")]))
    assert [segment.text for segment in recording.transcript.segments.all()] == ["first"]


def test_a_result_for_a_deleted_recording_is_dropped(recording):
    advance(recording, State.PROCESSING)
    advance(Recording.objects.get(), State.DELETED)
    assert not finish(recording, Result("en", 12.0, [Segment(0, 1, "", "late")]))
    assert not Transcript.objects.exists()


# Failures


def test_a_service_that_is_away_is_tried_again(service, stub, work):
    stub.on("POST", PATH, Answer(503))
    with pytest.raises(Exception, match="answered 503"):
        run(work)
    assert (work.state, work.recording.state) == ("waiting", State.PROCESSING)
    stub.on("POST", PATH, service.answer)
    run(work)
    assert (work.state, work.recording.state) == ("done", State.DONE)


def test_what_the_service_asks_to_wait_is_waited(service, stub, work):
    stub.on("POST", PATH, Answer(429, headers={"Retry-After": "900"}))
    with pytest.raises(Exception, match="answered 429"):
        run(work)
    assert work.next_attempt_at > timezone.now() + timedelta(seconds=890)


def test_after_the_last_attempt_the_recording_says_why_it_failed(service, stub, work):
    stub.on("POST", PATH, Answer(503))
    HandOff.objects.update(attempts=HandOff.MAX_ATTEMPTS - 1)
    with pytest.raises(Exception, match="answered 503"):
        run(work)
    assert (work.state, work.recording.state) == ("failed", State.FAILED)
    assert "answered 503" in work.recording.error
    assert work.recording.can_retry


def test_a_refusal_fails_at_once_and_a_transcript_that_waits_is_told(service, stub, work):
    Transcript.objects.create(recording=work.recording, name="talk", source_kind="file", status="uploaded")
    stub.on("POST", PATH, Answer(413, json={"error": "too large"}))
    run(work)
    assert (work.state, work.recording.state, work.recording.can_retry) == ("failed", State.FAILED, False)
    assert "too large" in work.recording.error
    assert work.recording.transcript.status == "error"


def test_a_file_that_is_gone_is_a_final_failure(service, work):
    storages["recordings"].delete(work.recording.file)
    run(work)
    assert (work.state, work.recording.state) == ("failed", State.FAILED)


def test_a_file_that_is_broken_is_a_final_failure(service, work):
    Recording.objects.update(file=stored("r1/broken", b"nothing"))
    run(work)
    assert (work.state, work.recording.state) == ("failed", State.FAILED)
    assert "cannot be heard" in work.recording.error


def test_a_failed_one_can_be_handed_off_again(service, stub, work):
    stub.on("POST", PATH, Answer(401))
    run(work)
    assert reporting.hand_off_again(work.recording)
    stub.on("POST", PATH, service.answer)
    run(work)
    assert (work.recording.state, work.recording.error) == (State.DONE, "")


# A result that comes later


def test_an_accepted_job_stays_processing_until_its_result_comes(elsewhere, work):
    run(work)
    assert (work.state, work.recording.state) == ("waiting", State.PROCESSING)
    assert work.next_attempt_at > timezone.now() + timedelta(hours=5)
    (request,) = elsewhere.sent("POST", "/jobs")
    assert request.json["job_id"] == str(work.recording.pk)
    assert request.json["callback_url"].endswith(f"/v1/recordings/{work.recording.pk}/result")
    assert matches_stamped([SECRET], request.body, request.headers["x-webhook-signature"])


def test_a_result_that_never_comes_is_asked_for_again_and_given_up_in_the_end(elsewhere, work):
    run(work)
    run(work)
    assert len({request.json["job_id"] for request in elsewhere.sent("POST", "/jobs")}) == 1
    HandOff.objects.update(attempts=HandOff.MAX_ATTEMPTS - 1)
    run(work)
    assert (work.state, work.recording.state) == ("failed", State.FAILED)
    assert "its result has not come" in work.recording.error


@pytest.mark.django_db(transaction=True)
def test_a_result_that_comes_while_the_job_is_sent_is_enough(elsewhere, work):
    def answer_at_once(request):
        finish(Recording.objects.get(), Result("en", 1.0, [Segment(0, 1, "", "quick")]))
        connection.close()
        return Answer(202)

    elsewhere.on("POST", "/jobs", answer_at_once)
    run(work)
    assert (work.state, work.recording.state, work.kept) == ("done", State.DONE, {})
    assert work.recording.transcript.segments.get().text == "quick"
