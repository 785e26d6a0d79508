"""The page by which somebody sends in a file of their own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from platforms.limits.counters import counter
from platforms.models import AuditEntry
from recordings.intake import uploads
from recordings.media import decoding
from recordings.models import Recording, Submission, Transcript, TranscriptEvent, Upload
from tests.support.media import gap, large_picture, video_only, with_audio

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

PAGE = "/transcripts/upload"
EVIL = "<script>alert(1)</script>"
SOUND = with_audio()
OPENAI = {
    "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
    "OPTIONS": {"api_url": "http://127.0.0.1:9/v1", "model": "m"},
}


@pytest.fixture(autouse=True)
def processors(settings):
    """Whose choice of a language is heeded, and whose is not."""
    settings.RECORDING_PROCESSORS = {"openai": OPENAI, **settings.RECORDING_PROCESSORS}
    settings.RECORDING_PROCESSOR = "openai"


def send(client, user, content=SOUND, file_name="talk.mp4", **fields):
    client.force_login(user)
    return client.post(PAGE, {"file": SimpleUploadedFile(file_name, content), **fields})


def problem(response, status):
    assert response.status_code == status
    return response.context["errors"]


def is_all_gone(folder):
    left = [path for path in folder.rglob("*") if path.is_file()]
    return not left and not (Transcript.objects.exists() or Upload.objects.exists() or Recording.objects.exists())


def test_a_file_becomes_a_transcript_that_is_under_way(client, owner):
    answer = send(client, owner, file_name="Interview, part 1.mp4", language="de")
    transcript = Transcript.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/transcripts/{transcript.pk}")
    assert (transcript.user, transcript.name) == (owner, "Interview, part 1")
    assert (transcript.status, transcript.source_language, transcript.share_mode) == ("uploaded", "de", "private")
    assert transcript.recording.uploaded_by == owner
    assert Submission.objects.get().recording == transcript.recording
    assert AuditEntry.objects.get(action="created").object_id == str(transcript.pk)
    page = client.get(answer["Location"]).content.decode()
    assert "Interview, part 1" in page
    assert "This page shows the transcript by itself as soon as it is there." in page


def test_who_follows_is_told_once_it_is_taken(client, owner):
    send(client, owner, b"no media")
    assert not TranscriptEvent.objects.exists()
    send(client, owner)
    assert [event.kind for event in TranscriptEvent.objects.order_by("pk")][:1] == [TranscriptEvent.Kind.CREATED]


def test_a_name_of_ones_own_and_no_language(client, owner):
    send(client, owner, name=f" Budget {EVIL} ")
    transcript = Transcript.objects.get()
    assert (transcript.name, transcript.source_language) == (f"Budget {EVIL}", "")
    assert EVIL not in client.get(f"/transcripts/{transcript.pk}").content.decode()


def test_a_file_that_takes_too_much_to_read_is_refused_in_words(client, owner, recordings_folder, monkeypatch):
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 32 * 1024 * 1024)
    answer = send(client, owner, large_picture(60))
    assert problem(answer, 422) == {"file": "This file takes too much time or memory to read."}
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no media at all", "There is no sound in this file"),
        (video_only(), "There is no sound in this file"),
        (gap(36_000), "almost nothing in this file"),
        (b"", "This file is empty."),
    ],
)
def test_a_file_of_no_use_is_refused_in_words_and_leaves_nothing(
    client, owner, recordings_folder, django_capture_on_commit_callbacks, content, words
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = send(client, owner, content, name="Kept <name>", language="de")
    assert words in problem(answer, 422)["file"]
    assert is_all_gone(recordings_folder)
    text = answer.content.decode()
    assert 'value="Kept &lt;name&gt;"' in text
    assert '<option value="de" selected>German</option>' in text


def test_without_a_file_and_with_an_unknown_language_it_says_so(client, owner):
    client.force_login(owner)
    assert problem(client.post(PAGE, {}), 422) == {"file": "Please choose a file."}
    assert problem(send(client, owner, language="xx"), 422) == {"language": "Please choose one of these languages."}
    assert not Transcript.objects.exists()


def test_what_is_too_large_is_refused_before_it_is_read(client, owner, settings, recordings_folder):
    settings.RECORDING_MAX_BYTES = 100
    client.force_login(owner)
    body = b"-" * (uploads.PIECE_BYTES + 101)
    answer = client.generic("POST", PAGE, body, "multipart/form-data; boundary=none")
    assert "This file is too large: 100" in problem(answer, 413)["file"]
    assert "too large" in problem(send(client, owner), 413)["file"]
    assert is_all_gone(recordings_folder)


def test_quotas_of_bytes_and_hours_are_said(client, owner, settings):
    settings.UPLOAD_QUOTA = len(SOUND) - 1
    assert "Delete some of your uploads" in problem(send(client, owner), 413)["file"]
    settings.UPLOAD_QUOTA = 10**9
    settings.UPLOAD_HOURS_PER_DAY = 1
    send(client, owner)
    Recording.objects.update(duration=3599.0)
    answer = send(client, owner)
    assert "No more audio may be uploaded today. There is room again in 24 hours." in problem(answer, 429)["file"]
    assert 23 * 3600 < int(answer["Retry-After"]) <= 24 * 3600
    assert Transcript.objects.count() == 1
    assert not Upload.objects.exists()


def test_where_nobody_may_upload_nothing_is_offered(client, owner, settings):
    settings.UPLOAD_HOURS_PER_DAY = 0
    client.force_login(owner)
    assert "This server takes no uploads." in client.get(PAGE).content.decode()
    assert 'type="file"' not in client.get(PAGE).content.decode()
    for path in ("/", "/search"):
        assert PAGE not in client.get(path).content.decode()
    assert problem(send(client, owner), 429)


def test_without_room_on_the_disk_it_is_told_when_to_come_back(client, owner, settings, recordings_folder):
    settings.RECORDINGS_KEEP_FREE = 10**18
    answer = send(client, owner)
    assert "no room for this file" in problem(answer, 507)["file"]
    assert answer["Retry-After"] == "300"
    assert is_all_gone(recordings_folder)


def test_so_many_a_minute(client, owner, settings, tmp_path):
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    settings.LIMITS = {**settings.LIMITS, "uploads": (1, 10**9)}
    counter.cache_clear()
    try:
        assert send(client, owner).status_code == 302
        assert "pieces uploaded from here" in problem(send(client, owner), 429)["file"]
    finally:
        counter.cache_clear()


def test_a_foreign_page_cannot_send_one(owner):
    client = Client(enforce_csrf_checks=True)
    assert send(client, owner).status_code == 403
    assert not Transcript.objects.exists()


def test_guests_log_in_first(client):
    assert client.post(PAGE, {})["Location"] == f"/login?next={PAGE}"
    assert client.put(PAGE).status_code in (302, 405)


def test_the_pages_of_transcripts_lead_there(client, owner):
    assert PAGE not in client.get("/").content.decode()
    client.force_login(owner)
    for path in ("/", "/search"):
        assert f'href="{PAGE}"' in client.get(path).content.decode()


def test_a_language_is_asked_for_only_where_it_changes_something(client, owner, settings):
    client.force_login(owner)
    assert "Let the transcription find out" in client.get(PAGE).content.decode()
    settings.RECORDING_PROCESSOR = "null"
    assert 'id="id_language"' not in client.get(PAGE).content.decode()
    assert problem(send(client, owner, language="de"), 422) == {"language": "Please choose one of these languages."}
    whisper = {"BACKEND": "recordings.transcription.processors.whisper.WhisperProcessor"}
    settings.RECORDING_PROCESSORS = {name: {**whisper, "OPTIONS": {"model": name}} for name in ("tiny", "tiny.en")}
    settings.RECORDING_PROCESSOR = "tiny.en"
    text = client.get(PAGE).content.decode()
    assert 'id="id_language"' not in text
    assert "This server writes down English only." in text
    settings.RECORDING_PROCESSOR = "tiny"
    assert '<option value="jv">Javanese</option>' in client.get(PAGE).content.decode()
