"""Playing, downloading, uploading, transcribing again: audio/mp3, download/zip, video/url, record/upload, process."""

import io
import json
import signal
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from platforms.work import models
from recordings.intake import uploads
from recordings.models import Recording, Submission, Transcript, Upload
from recordings.privacy import deletion
from recordings.transcription.processors import Result, Segment
from recordings.transcription.results import save_result
from rooms.api.authentication import issue_token
from tests.conftest import api_for, error
from tests.support.decoding import Fatal
from tests.support.media import Sound, gap, slow_wav, track, video_only, with_audio, with_audio_and_video
from tests.support.transcripts import make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

MP3 = bytes(range(250)) * 4


def path(transcript, rest):
    return f"/v1/transcripts/{getattr(transcript, 'pk', transcript)}/{rest}"


def outcome(answer):
    return answer.status_code, answer.json()


@pytest.fixture
def heard(owner):
    """A transcript with audio to play."""
    name = storages["recordings"].save("1/audio.mp3", ContentFile(MP3))
    return make_transcript(owner, audio_file=name)


def play(transcript, user=None, range_=None, method="get", **query):
    headers = {"Range": range_} if range_ else {}
    return getattr(api_for(user), method)(path(transcript, "audio/mp3"), query, headers=headers)


class TestAudio:
    def test_all_of_it_is_given(self, owner, heard):
        answer = play(heard, owner)
        assert (answer.status_code, answer["Content-Type"]) == (200, "audio/mpeg")
        assert (answer["Content-Length"], answer["Accept-Ranges"]) == ("1000", "bytes")
        assert answer.getvalue() == MP3

    @pytest.mark.parametrize(
        ("wanted", "start", "end"),
        [("bytes=0-99", 0, 99), ("bytes=100-", 100, 999), ("bytes=-100", 900, 999), ("bytes=990-2000", 990, 999)],
    )
    def test_a_part_is_given(self, owner, heard, wanted, start, end):
        answer = play(heard, owner, wanted)
        assert answer.status_code == 206
        assert answer["Content-Range"] == f"bytes {start}-{end}/1000"
        assert answer["Content-Length"] == str(end - start + 1)
        assert answer.getvalue() == MP3[start : end + 1]

    def test_a_part_beyond_the_end_is_416(self, owner, heard):
        answer = play(heard, owner, "bytes=1000-")
        assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1000")

    @pytest.mark.parametrize("wanted", ["bytes=5-1", "seconds=0-1", "bytes=a-b", "bytes=0-1,5-6"])
    def test_a_range_that_is_none_gives_all(self, owner, heard, wanted):
        answer = play(heard, owner, wanted)
        assert answer.status_code == 200
        assert answer.getvalue() == MP3

    def test_a_player_asks_first_how_long_it_is(self, owner, heard):
        answer = play(heard, owner, method="head")
        assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "1000", b"")
        part = play(heard, owner, "bytes=0-9", method="head")
        assert (part.status_code, part["Content-Range"]) == (206, "bytes 0-9/1000")

    def test_a_token_in_the_address_is_enough(self, owner, colleague, heard):
        answer = play(heard, token=issue_token(owner)[0])
        assert answer.getvalue() == MP3
        assert outcome(play(heard, token=issue_token(colleague)[0])) == (403, error("Transcript access denied"))
        assert outcome(play(heard, token="x.y.z")) == (401, error("Invalid or expired token"))

    def test_others_are_refused_each_with_the_reason(self, colleague, staff, heard):
        assert outcome(play(heard)) == (401, error("Authentication required"))
        for user in (colleague, staff):
            assert outcome(play(heard, user)) == (403, error("Transcript access denied"))
        Transcript.objects.update(share_mode="public")
        assert play(heard).getvalue() == MP3

    def test_what_is_missing_and_what_was_deleted_are_told_apart(self, owner, heard):
        private = (404, error("Audio unavailable due to privacy settings"))
        missing = (404, error("Audio file not found"))
        assert outcome(play(make_transcript(owner), owner)) == missing
        Recording.objects.filter(transcript=heard).update(deleted_at=timezone.now())
        assert outcome(play(heard, owner)) == missing
        Recording.objects.update(deleted_at=None)
        storages["recordings"].delete(heard.audio_file)
        assert outcome(play(heard, owner)) == missing
        deletion.delete_audio(heard)
        assert outcome(play(heard, owner)) == private
        assert outcome(play("x", owner)) == (404, error("Transcript not found"))


class TestZip:
    def test_it_holds_the_text_in_all_formats_and_the_audio(self, owner, heard):
        Transcript.objects.update(title="Budget: 2/Runde", created_at="2027-01-02T10:00:00Z")
        answer = api_for(owner).get(path(heard, "download/zip"))
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
        assert answer["Content-Disposition"] == 'attachment; filename="2027-01-02 Budget 2 Runde.zip"'
        assert answer.streaming
        with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as zipped:
            assert zipped.testzip() is None
            endings = ("json", "md", "srt", "txt", "vtt")
            assert sorted(zipped.namelist()) == ["audio.mp3", *(f"transcript.{ending}" for ending in endings)]
            assert zipped.read("transcript.md").startswith(b"# Budget: 2/Runde")
            assert zipped.read("transcript.srt").startswith(b"1\n00:00:00,000 --> ")
            assert zipped.read("audio.mp3") == MP3
            assert zipped.read("transcript.vtt").startswith(b"WEBVTT")
            assert json.loads(zipped.read("transcript.json"))[0]["speaker_name"] == "Ada"

    def test_without_audio_it_holds_the_text(self, owner, heard):
        deletion.delete_audio(heard)
        answer = api_for(owner).get(path(heard, "download/zip"))
        with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as zipped:
            assert "audio.mp3" not in zipped.namelist()

    def test_it_is_the_owners(self, colleague, heard):
        Transcript.objects.update(share_mode="public")
        assert outcome(api_for(colleague).get(path(heard, "download/zip"))) == (403, error("Not authorized"))
        assert api_for().get(path(heard, "download/zip")).status_code == 401


class TestVideo:
    def test_a_link_is_given_that_leads_to_it(self, owner, heard):
        name = storages["recordings"].save("1/film", ContentFile(b"film"))
        Recording.objects.update(file=name, has_video=True, content_type="video/mp4")
        found = api_for(owner).get(path(heard, "video/url")).json()
        assert (found["duration"], found["content_type"]) == (10.0, "video/mp4")
        link = "/" + found["url"].split("/", 3)[3]
        assert api_for().get(link).getvalue() == b"film"
        item = api_for(owner).get("/v1/transcripts").json()["items"][0]
        assert (item["has_cloud_video"], item["cloud_video_duration"]) == (True, 10)

    def test_without_video_it_is_404_and_for_strangers_401(self, owner, heard):
        assert outcome(api_for(owner).get(path(heard, "video/url"))) == (404, error("No video available"))
        assert api_for().get(path(heard, "video/url")).status_code == 401


@pytest.fixture
def empty(owner):
    return Transcript.objects.create(user=owner, name="interview", source_kind="file")


def send(transcript, user, content, number=0, total=1):
    rest = f"record/upload?chunk_number={number}&total_chunks={total}"
    body = {"chunk": SimpleUploadedFile("talk.mp4", content)}
    return api_for(user).post(path(transcript, rest), body, format="multipart")


def cut(content, parts):
    size = len(content) // parts + 1
    return [content[n : n + size] for n in range(0, len(content), size)]


def kept_files(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def open_fatally(storage, name, mode="rb"):
    """Whoever decodes the file is killed, as by a machine that has run out of memory."""
    return File(Fatal(Path(storage.path(name)).read_bytes(), signal.SIGKILL), name)


class TestUpload:
    def test_pieces_become_a_stored_recording_that_is_handed_over(
        self, owner, empty, recordings_folder, django_capture_on_commit_callbacks
    ):
        content = with_audio_and_video()
        pieces = cut(content, 3)
        with django_capture_on_commit_callbacks(execute=True):
            for number, piece in enumerate(pieces):
                assert outcome(send(empty, owner, piece, number, len(pieces))) == (200, {"status": "ok"})
        recording = Recording.objects.get()
        assert (recording.kind, recording.state, recording.meeting) == ("upload", "stored", None)
        assert (recording.size, recording.content_type, recording.has_video) == (len(content), "video/mp4", True)
        assert recording.duration == pytest.approx(2.0, abs=0.2)
        with storages["recordings"].open(recording.file) as file:
            assert file.read() == content
        assert Submission.objects.get().recording == recording
        empty.refresh_from_db()
        assert (empty.recording, empty.status) == (recording, "uploaded")
        assert not Upload.objects.exists()
        assert len(kept_files(recordings_folder)) == 1

    @pytest.mark.parametrize("total", [1, 3])
    def test_when_what_reads_it_is_ended_from_outside_the_last_piece_may_be_sent_again(
        self, monkeypatch, owner, empty, total
    ):
        *others, last = enumerate(cut(with_audio(), total))
        for number, piece in others:
            send(empty, owner, piece, number, total)
        with monkeypatch.context() as patch:
            patch.setattr(FileSystemStorage, "_open", open_fatally)
            refused = send(empty, owner, last[1], last[0], total)
        assert (refused.status_code, refused["Retry-After"]) == (503, "5")
        assert refused.json() == error("The service is not available for a moment. Please try again.")
        assert outcome(send(empty, owner, last[1], last[0], total)) == (200, {"status": "ok"})

    def test_it_is_transcribed_by_the_same_pipeline_into_this_transcript(self, settings, owner, empty):
        settings.RECORDING_PROCESSOR = "null"
        send(empty, owner, with_audio())
        Submission.run(Submission.objects.get().pk)
        empty.refresh_from_db()
        assert (empty.status, empty.recording.state, empty.name) == ("ended", "done", "interview")
        assert len(play(empty, owner).getvalue()) > 1000

    def test_the_names_of_another_files_voices_are_not_those_of_this_one(self, settings, owner):
        transcript = make_transcript(owner, status="error")
        transcript.participants.filter(name="Ada").update(name="Ada Lovelace")
        assert send(transcript, owner, with_audio()).status_code == 200
        save_result(Recording.objects.get(kind="upload"), Result(segments=[Segment(0, 2, "Ada", "I am another Ada.")]))
        assert [(p.name, p.speaker) for p in transcript.participants.order_by("name")] == [
            ("Ada", 0),
            ("Ada Lovelace", None),
            ("Grace", None),
        ]

    def test_pieces_may_come_in_any_order_and_twice(self, owner, empty):
        content = with_audio("wav")
        pieces = cut(content, 3)
        for number in (2, 0, 2, 1):
            assert send(empty, owner, pieces[number], number, 3).status_code == 200
        with storages["recordings"].open(Recording.objects.get().file) as file:
            assert file.read() == content

    def test_a_file_begun_anew_is_not_mixed_with_what_was_there(self, owner, empty):
        old, new = cut(with_audio("wav", 3.0), 3), cut(with_audio("wav", 2.0), 3)
        for number in (0, 2):
            send(empty, owner, old[number], number, 3)
        for number in range(3):
            send(empty, owner, new[number], number, 3)
        with storages["recordings"].open(Recording.objects.get().file) as file:
            assert file.read() == b"".join(new)

    @pytest.mark.parametrize("content", [b"no media", video_only()])
    def test_a_file_without_audio_is_refused_and_leaves_nothing(
        self, owner, empty, content, recordings_folder, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            answer = send(empty, owner, content)
        assert outcome(answer) == (400, error("File has no audio stream"))
        assert not Recording.objects.exists()
        assert not Upload.objects.exists()
        assert kept_files(recordings_folder) == []
        assert send(empty, owner, with_audio()).status_code == 200

    @pytest.mark.parametrize("content", [gap(3600), gap(300), slow_wav(1000)], ids=["an hour", "minutes", "one hertz"])
    def test_a_file_that_is_all_gaps_is_refused_and_leaves_nothing(
        self, owner, empty, content, recordings_folder, django_capture_on_commit_callbacks
    ):
        """A file of 658 bytes would cost a worker half a minute for each hour that it says it lasts."""
        with django_capture_on_commit_callbacks(execute=True):
            answer = send(empty, owner, content)
        assert outcome(answer) == (400, error("File is almost empty for the time that it says it lasts"))
        assert not Recording.objects.exists()
        assert kept_files(recordings_folder) == []

    def test_a_file_with_long_pauses_is_taken(self, owner, empty):
        content = track(Sound(0, 5), Sound(200, 5))
        assert send(empty, owner, content).status_code == 200
        assert Recording.objects.get().duration == pytest.approx(205, abs=0.1)

    def test_one_person_uploads_so_many_hours_a_day(
        self, settings, owner, colleague, empty, recordings_folder, django_capture_on_commit_callbacks
    ):
        settings.UPLOAD_HOURS_PER_DAY = 1
        another = Transcript.objects.create(user=owner, name="talk", source_kind="file")
        with django_capture_on_commit_callbacks(execute=True):
            assert send(empty, owner, with_audio()).status_code == 200
            Recording.objects.update(duration=3599.0)
            answer = send(another, owner, with_audio())
        assert outcome(answer) == (429, error("No more audio may be uploaded today"))
        assert 23 * 3600 < int(answer.headers["Retry-After"]) <= 24 * 3600
        assert len(kept_files(recordings_folder)) == 1
        assert not Upload.objects.exists()
        of_colleague = Transcript.objects.create(user=colleague, name="talk", source_kind="file")
        assert send(of_colleague, colleague, with_audio()).status_code == 200
        Recording.objects.update(created_at=timezone.now() - timedelta(days=1))
        assert send(another, owner, with_audio()).status_code == 200

    def test_what_was_uploaded_and_deleted_counts_all_the_same(self, settings, owner, empty):
        settings.UPLOAD_HOURS_PER_DAY = 1
        send(empty, owner, with_audio())
        Recording.objects.update(duration=3600.0)
        deletion.trash(empty)
        deletion.destroy(empty)
        another = Transcript.objects.create(user=owner, name="talk", source_kind="file")
        assert send(another, owner, with_audio()).status_code == 429

    def test_people_who_are_not_signed_in_share_their_hours(self, settings, owner):
        settings.PUBLIC_MODE, settings.UPLOAD_HOURS_PER_DAY = True, 1
        first, second = (api_for().post("/v1/transcripts", {"name": name}).json()["id"] for name in ("first", "second"))
        assert send(Transcript.objects.get(pk=first), None, with_audio()).status_code == 200
        Recording.objects.update(duration=3600.0)
        assert send(Transcript.objects.get(pk=second), None, with_audio()).status_code == 429
        own = Transcript.objects.create(user=owner, name="talk", source_kind="file")
        assert send(own, owner, with_audio()).status_code == 200

    def test_an_upload_waits_in_a_line_of_its_own(self, settings, owner, empty):
        """However many strangers upload, the worker of recordings has none of it to do."""
        settings.RECORDING_PROCESSOR = "null"
        send(empty, owner, with_audio())
        real = Recording.objects.create(
            state="stored", file=storages["recordings"].save("real", ContentFile(with_audio())), duration=2.0
        )
        Submission.objects.create(recording=real)
        assert models.run_due(*models.models_of("recordings")) == 1
        assert dict(Recording.objects.values_list("kind", "state")) == {"upload": "stored", "file": "done"}
        assert models.run_due(*models.models_of("uploads")) == 1
        assert set(Recording.objects.values_list("state", flat=True)) == {"done"}

    def test_while_there_is_a_file_and_when_locked_none_is_taken(self, owner, empty):
        send(empty, owner, with_audio())
        in_progress = (400, error("There is already an upload in progress"))
        assert outcome(send(empty, owner, with_audio())) == in_progress
        Transcript.objects.update(status="idle", locked=True)
        assert outcome(send(empty, owner, with_audio())) == (400, error("Transcript is locked"))

    def test_pieces_of_another_size_do_not_fit_in(self, owner, empty):
        send(empty, owner, b"x", 0, 3)
        assert send(empty, owner, b"x", 1, 2).status_code == 400

    def test_while_one_request_puts_it_together_others_are_refused_and_after_a_crash_not(self, owner, empty):
        pieces = cut(with_audio(), 2)
        send(empty, owner, pieces[0], 0, 2)
        Upload.objects.update(lease_until=timezone.now() + uploads.LEASE)
        assert send(empty, owner, pieces[1], 1, 2).status_code == 400
        Upload.objects.update(lease_until=timezone.now() - uploads.LEASE)
        assert send(empty, owner, pieces[1], 1, 2).status_code == 200
        assert Recording.objects.exists()

    def test_a_file_that_is_too_large_is_413(self, settings, owner, empty, recordings_folder):
        settings.RECORDING_MAX_BYTES = 100
        assert send(empty, owner, b"x" * 60, 0, 2).status_code == 200
        assert send(empty, owner, b"x" * 60, 1, 2).status_code == 413
        assert len(kept_files(recordings_folder)) == 1

    def test_others_may_not_and_nobodys_may_be_filled_in_public_mode(self, settings, colleague, empty):
        assert outcome(send(empty, colleague, with_audio())) == (403, error("Transcript access denied"))
        assert send(empty, None, with_audio()).status_code == 401
        settings.PUBLIC_MODE = True
        Transcript.objects.update(user=None)
        assert send(empty, None, with_audio()).status_code == 403
        made = api_for().post("/v1/transcripts", {"name": "Mine"}).json()["id"]
        assert send(Transcript.objects.get(pk=made), None, with_audio()).status_code == 200

    @pytest.mark.parametrize("query", ["", "?chunk_number=1&total_chunks=1", "?chunk_number=-1&total_chunks=1"])
    def test_without_sensible_numbers_or_a_file_it_is_422(self, owner, empty, query):
        url = path(empty, f"record/upload{query}")
        body = {"chunk": SimpleUploadedFile("a", b"x")}
        assert api_for(owner).post(url, body, format="multipart").status_code == 422
        url = path(empty, "record/upload?chunk_number=0&total_chunks=1")
        assert api_for(owner).post(url, {}, format="multipart").status_code == 422


class TestProcess:
    def test_a_stored_recording_is_handed_over_again(self, owner, heard):
        Recording.objects.update(file=storages["recordings"].save("x", ContentFile(with_audio())))
        assert outcome(api_for(owner).post(path(heard, "process"))) == (200, {"status": "ok"})
        assert Submission.objects.get().state == "waiting"
        assert outcome(api_for(owner).post(path(heard, "process"))) == (200, {"status": "already running"})

    def test_without_a_file_or_when_locked_it_is_refused(self, owner, heard, empty):
        not_ready = (400, error("Recording is not ready for processing"))
        assert outcome(api_for(owner).post(path(empty, "process"))) == not_ready
        assert outcome(api_for(owner).post(path(heard, "process"))) == not_ready
        Transcript.objects.update(locked=True)
        assert outcome(api_for(owner).post(path(heard, "process"))) == (400, error("Recording is locked"))

    def test_others_may_not(self, colleague, heard):
        Transcript.objects.update(share_mode="public")
        assert outcome(api_for(colleague).post(path(heard, "process"))) == (403, error("Not authorized"))
        assert api_for().post(path(heard, "process")).status_code == 401


class TestRecordFromBrowser:
    def test_it_is_refused_in_words(self, owner, colleague, empty):
        offer = {"sdp": "v=0", "type": "offer"}
        answer = api_for(owner).post(path(empty, "record/webrtc"), offer)
        assert (answer.status_code, "does not record from a browser" in answer.json()["detail"]) == (400, True)
        assert api_for(owner).post(path(empty, "record/webrtc"), {}).status_code == 422
        assert api_for(colleague).post(path(empty, "record/webrtc"), offer).status_code == 403
        assert api_for().post(path(empty, "record/webrtc"), offer).status_code == 401
