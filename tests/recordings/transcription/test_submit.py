from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession
from platforms.signing import matches_stamped
from platforms.work.models import LeaseLost
from recordings.intake import register
from recordings.media.mixing import mp3_name
from recordings.models import Recording, Submission, Track, Transcript, UploadSubmission
from recordings.models.transitions import transition
from recordings.privacy import deletion
from recordings.transcription.processors import Result, Segment
from recordings.transcription.processors.chunks import NO_SPEECH
from recordings.transcription.submit import Cancelled, Checkpoint, finish, make_mp3, request_of
from tests.support.media import gap, heard, several_streams, speech, stretches, track, with_audio_and_video
from tests.support.migrations import migrated
from tests.support.speech_service import PATH, SpeechService
from tests.support.stub_provider import Answer, StubProvider

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
            "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
            "OPTIONS": {"api_url": service.url, "model": "m", "timeout": 5, "chunk_seconds": 9},
        },
        "http": {
            "BACKEND": "recordings.transcription.processors.http.HttpProcessor",
            "OPTIONS": {"url": f"{stub.url}/jobs", "secrets": [SECRET]},
        },
        "null": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"},
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
def job(recording):
    return Submission.objects.create(recording=recording)


def run(job):
    """As a worker does, when the time has come."""
    Submission.objects.filter(pk=job.pk, state=Submission.State.WAITING).update(next_attempt_at=timezone.now())
    try:
        Submission.run(job.pk)
    finally:
        job.refresh_from_db()
        job.recording.refresh_from_db()


def said(recording):
    """(second, name of the voice) of each segment."""
    transcript = recording.transcript
    names = {p.speaker: p.name for p in transcript.participants.all()}
    return [(round(s.start), names.get(s.speaker, "")) for s in transcript.segments.all()]


# From stored to done


def test_a_stored_recording_gets_its_transcript(service, job):
    run(job)
    assert (job.state, job.recording.state, job.recording.error) == ("done", State.DONE, "")
    assert [second for second, _ in said(job.recording)] == [0, 5, 10]
    transcript = job.recording.transcript
    assert (transcript.status, transcript.source_language, transcript.duration) == ("ended", "en", 12.0)
    assert transcript.room == job.recording.meeting.room


@pytest.mark.parametrize(("language", "code"), [("chinese", "zh"), ("klingonese", ""), (None, "")])
def test_the_transcript_is_of_the_language_that_was_heard_or_of_none(service, stub, job, language, code):
    segments = [{"start": 0, "end": 1, "text": "预算"}]
    stub.on("POST", PATH, Answer(json={"language": language, "text": "预算", "segments": segments}))
    run(job)
    assert job.recording.transcript.source_language == code


def test_the_audio_of_a_video_is_what_is_sent(service, job):
    Recording.objects.update(file=stored("r1/video", with_audio_and_video("mp4", 3.0)), duration=3.0)
    run(job)
    assert [round(sent.duration) for sent in service.sent] == [3]
    assert service.sent[0].heard == [(0.0, pytest.approx(3.0, abs=0.2))]


def test_a_player_gets_an_mp3(service, job):
    run(job)
    with storages["recordings"].open(job.recording.transcript.audio_file) as file:
        found = stretches(heard(file.read()))
    assert [round(start) for start, _ in found] == [0, 5, 10]
    waveform = job.recording.transcript.waveform  # made on the way
    assert (len(waveform), max(waveform), min(waveform)) == (255, 1.0, 0.0)


def test_without_a_processor_the_recording_says_so(service, job, settings):
    settings.RECORDING_PROCESSOR = "null"
    run(job)
    assert job.recording.state == State.DONE
    assert job.recording.error == job.recording.transcript.note == "Not transcribed: RECORDING_PROCESSOR is null."
    assert job.recording.transcript.segments.count() == 0


def test_an_upload_says_its_language(service, job, owner):
    Recording.objects.update(kind=Recording.Kind.UPLOAD)
    Transcript.objects.create(
        recording=job.recording, user=owner, name="talk", source_kind="file", source_language="de"
    )
    run(job)
    assert {sent.fields["language"] for sent in service.sent} == {"de"}
    assert job.recording.transcript.name == "talk"


def test_all_audio_streams_of_a_file_are_transcribed_and_played(service, job):
    """Screen recorders write the microphone and the speakers apart."""
    content = several_streams("matroska", speech(0), speech(4, frequency=600))
    Recording.objects.update(file=stored("r1/streams", content), duration=6.0)
    run(job)
    assert [second for second, _ in said(job.recording)] == [0, 4]
    with storages["recordings"].open(job.recording.transcript.audio_file) as file:
        assert [round(start) for start, _ in stretches(heard(file.read()))] == [0, 4]
    assert job.recording.transcript.note == ""


def test_audio_streams_that_are_too_many_are_said(service, job):
    content = several_streams("matroska", *[speech(0, seconds=0.2)] * 9)
    Recording.objects.update(file=stored("r1/streams", content), duration=0.2)
    run(job)
    assert job.recording.transcript.note == "1 more audio streams in the file were not heard."


def test_an_upload_that_hides_how_long_it_is_costs_no_more_than_its_size(service, job):
    """Its head may say that it lasts a second, when it is looked at."""
    content = gap(3600)
    Recording.objects.update(kind=Recording.Kind.UPLOAD, file=stored("r1/gap", content), size=len(content), duration=1)
    run(job)
    with storages["recordings"].open(job.recording.transcript.audio_file) as file:
        assert len(file.read()) < 10_000
    damage = "There is too little in it for more than 2 minutes."
    assert job.recording.error == f"The file was left out from 0:00:00 on. {damage} {NO_SPEECH}"


def test_a_long_gap_is_not_sent_to_be_transcribed(service, job):
    content = track(*speech(0, 300))
    Recording.objects.update(file=stored("r1/gap", content), size=len(content), duration=302)
    run(job)
    assert [second for second, _ in said(job.recording)] == [0, 300]
    assert all(sent.duration < 5 for sent in service.sent)


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


def test_what_each_said_is_under_their_name_and_at_its_time(service, job, tracks):
    run(job)
    assert said(tracks) == [(0, "Ada"), (3, "Speaker 1"), (6, "Ada"), (9, "Speaker 2"), (15, "Ada")]


def test_the_mp3_holds_all_voices(service, job, tracks):
    run(job)
    with storages["recordings"].open(tracks.transcript.audio_file) as file:
        assert [round(start) for start, _ in stretches(heard(file.read()))] == [0, 3, 6, 9, 15]


def test_what_was_shared_is_heard_when_nobody_spoke(service, job, tracks):
    tracks.tracks.exclude(medium="screen-audio").update(state=Track.State.NO_AUDIO)
    run(job)
    assert said(tracks) == [(20, "Ada")]


def test_tracks_without_a_voice_are_a_final_failure(service, job, tracks):
    tracks.tracks.update(medium="cam-video")
    run(job)
    assert (job.state, job.recording.state) == ("failed", State.FAILED)
    assert "None of its tracks holds a voice" in job.recording.error


def test_a_track_that_could_not_be_fetched_stays_said(service, job, tracks):
    Recording.objects.update(error="1 of 5 tracks could not be fetched: gone")
    run(job)
    assert tracks.transcript.note == job.recording.error == "1 of 5 tracks could not be fetched: gone"


# Deletion meanwhile


def test_a_recording_that_is_to_be_deleted_is_sent_nowhere(service, job):
    deletion.delete_everywhere(job.recording)
    run(job)
    assert (job.state, service.stub.requests) == ("done", [])
    assert not storages["recordings"].exists(mp3_name(job.recording))


def test_a_deletion_that_is_asked_for_while_the_mp3_is_made_leaves_none(service, job):
    class Asked(dict[str, Any]):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            if key == "mp3_made":
                deletion.delete_everywhere(job.recording)

    request = replace(request_of(job.recording, job), checkpoint=Asked())
    with pytest.raises(Cancelled):
        make_mp3(job.recording, request)
    assert request.checkpoint["mp3"] == mp3_name(job.recording)
    assert not storages["recordings"].exists(mp3_name(job.recording))


# Again, and after a crash


def test_a_recording_that_is_done_is_left_alone(service, job):
    run(job)
    transcript = job.recording.transcript
    Submission.objects.filter(pk=job.pk).run_again()
    run(job)
    assert len(service.sent) == 2
    assert Transcript.objects.get() == transcript


@pytest.mark.parametrize("state", [State.DELETED, State.REPORTED, State.FETCHING, State.NO_AUDIO])
def test_nothing_is_sent_of_a_recording_that_is_not_stored(service, job, state):
    Recording.objects.update(state=state, deleted_at=timezone.now() if state == State.DELETED else None)
    run(job)
    assert (job.state, job.recording.state) == ("done", state)
    assert service.stub.requests == []


def test_a_worker_that_died_is_followed_by_one_that_goes_on(service, stub, job):
    """It died while it waited for the second chunk: the first is not paid for again, and the MP3 not made again."""
    stub.on("POST", PATH, service.answer, Answer(401))
    run(job)
    made = storages["recordings"].get_modified_time(job.checkpoint["mp3"])
    transition(job.recording, State.STORED)
    Submission.objects.filter(pk=job.pk).update(
        state="running", lease_until=timezone.now() - timedelta(seconds=1), lease_token=None
    )
    stub.on("POST", PATH, service.answer)
    run(job)
    assert [second for second, _ in said(job.recording)] == [0, 5, 10]
    assert len(service.sent) == 2
    assert storages["recordings"].get_modified_time(job.recording.transcript.audio_file) == made
    assert job.checkpoint == {}


def test_what_was_kept_of_another_file_is_not_used(service, stub, job):
    stub.on("POST", PATH, service.answer, Answer(401))
    run(job)
    transition(job.recording, State.STORED, file=stored("r1/new", track(*speech(2, 7))), sha256="2" * 64)
    Submission.objects.filter(pk=job.pk).run_again()
    stub.on("POST", PATH, service.answer)
    run(job)
    assert [second for second, _ in said(job.recording)] == [2, 7]


def test_a_worker_that_lost_the_row_keeps_nothing(job):
    kept = Checkpoint(job)
    Submission.objects.filter(pk=job.pk).update(lease_token="0e4b4ea7-3c0a-4f6e-9a44-3c6a2c6b6b1c")
    with pytest.raises(LeaseLost):
        kept["x"] = 1
    job.refresh_from_db()
    assert job.checkpoint == {}


def test_the_first_result_counts(recording):
    transition(recording, State.PROCESSING)
    late = Recording.objects.get()
    assert finish(recording, Result("en", 12.0, [Segment(0, 1, "", "first")]))
    assert not finish(late, Result("en", 12.0, [Segment(0, 1, "", "second")]))
    assert [segment.text for segment in recording.transcript.segments.all()] == ["first"]


def test_a_result_for_a_deleted_recording_is_dropped(recording):
    transition(recording, State.PROCESSING)
    transition(Recording.objects.get(), State.DELETED)
    assert not finish(recording, Result("en", 12.0, [Segment(0, 1, "", "late")]))
    assert not Transcript.objects.exists()


# Failures


def test_a_service_that_is_away_is_tried_again(service, stub, job):
    stub.on("POST", PATH, Answer(503))
    with pytest.raises(Exception, match="answered 503"):
        run(job)
    assert (job.state, job.recording.state) == ("waiting", State.PROCESSING)
    stub.on("POST", PATH, service.answer)
    run(job)
    assert (job.state, job.recording.state) == ("done", State.DONE)


def test_what_the_service_asks_to_wait_is_waited(service, stub, job):
    stub.on("POST", PATH, Answer(429, headers={"Retry-After": "900"}))
    with pytest.raises(Exception, match="answered 429"):
        run(job)
    assert job.next_attempt_at > timezone.now() + timedelta(seconds=890)


def test_after_the_last_attempt_the_recording_says_why_it_failed(service, stub, job):
    stub.on("POST", PATH, Answer(503))
    Submission.objects.update(attempts=Submission.MAX_ATTEMPTS - 1)
    with pytest.raises(Exception, match="answered 503"):
        run(job)
    assert (job.state, job.recording.state) == ("failed", State.FAILED)
    assert "answered 503" in job.recording.error
    assert job.recording.can_retry


def test_a_refusal_fails_at_once_and_a_transcript_that_waits_is_told(service, stub, job):
    Transcript.objects.create(recording=job.recording, name="talk", source_kind="file", status="uploaded")
    stub.on("POST", PATH, Answer(413, json={"error": "too large"}))
    run(job)
    assert (job.state, job.recording.state, job.recording.can_retry) == ("failed", State.FAILED, False)
    assert "too large" in job.recording.error
    assert job.recording.transcript.status == "error"


def test_a_file_that_is_gone_is_a_final_failure(service, job):
    storages["recordings"].delete(job.recording.file)
    run(job)
    assert (job.state, job.recording.state) == ("failed", State.FAILED)


def test_a_file_that_is_broken_is_a_final_failure(service, job):
    Recording.objects.update(file=stored("r1/broken", b"nothing"))
    run(job)
    assert (job.state, job.recording.state) == ("failed", State.FAILED)
    assert "cannot be heard" in job.recording.error


def test_a_failed_one_can_be_handed_off_again(service, stub, job):
    stub.on("POST", PATH, Answer(401))
    run(job)
    assert register.submit_again(job.recording)
    stub.on("POST", PATH, service.answer)
    run(job)
    assert (job.recording.state, job.recording.error) == (State.DONE, "")


# A result that comes later


def test_an_accepted_job_stays_processing_until_its_result_comes(elsewhere, job):
    run(job)
    assert (job.state, job.recording.state) == ("waiting", State.PROCESSING)
    assert job.next_attempt_at > timezone.now() + timedelta(hours=5)
    (request,) = elsewhere.sent("POST", "/jobs")
    assert request.json["job_id"] == str(job.recording.pk)
    assert request.json["callback_url"].endswith(f"/v1/recordings/{job.recording.pk}/result")
    assert matches_stamped([SECRET], request.body, request.headers["x-webhook-signature"])


def test_a_result_that_never_comes_is_asked_for_again_and_given_up_in_the_end(elsewhere, job):
    run(job)
    run(job)
    assert len({request.json["job_id"] for request in elsewhere.sent("POST", "/jobs")}) == 1
    Submission.objects.update(attempts=Submission.MAX_ATTEMPTS - 1)
    run(job)
    assert (job.state, job.recording.state) == ("failed", State.FAILED)
    assert "its result has not come" in job.recording.error


@pytest.mark.django_db(transaction=True)
def test_a_result_that_comes_while_the_job_is_sent_is_enough(elsewhere, job):
    def answer_at_once(request):
        finish(Recording.objects.get(), Result("en", 1.0, [Segment(0, 1, "", "quick")]))
        connection.close()
        return Answer(202)

    elsewhere.on("POST", "/jobs", answer_at_once)
    run(job)
    assert (job.state, job.recording.state, job.checkpoint) == ("done", State.DONE, {})
    assert job.recording.transcript.segments.get().text == "quick"


@pytest.mark.django_db(transaction=True)
def test_uploads_that_wait_already_wait_in_their_own_line():
    with migrated("recordings", "0010_recording_restored") as apps:
        for kind in ("upload", "file"):
            recording = apps.get_model("recordings", "Recording").objects.create(kind=kind)
            apps.get_model("recordings", "HandOff").objects.create(recording=recording)
    assert [job.recording.kind for job in UploadSubmission.rows()] == ["upload"]
    assert [job.recording.kind for job in Submission.rows()] == ["file"]
