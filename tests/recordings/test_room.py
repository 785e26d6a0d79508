"""Whoever writes to a disk asks for room first, and nobody fills it with uploads."""

import random

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from recordings.intake import uploads
from recordings.intake.joined import joined
from recordings.media import mixing
from recordings.media.audio import Reading
from recordings.models import Erasure, Recording, Transcript, UploadPart
from recordings.privacy.uploads import ABANDONED, forget_abandoned
from recordings.storage.free_space import NoRoom
from recordings.storage.reader import open_stored
from tests.conftest import api_for, error
from tests.recordings.api.test_transcript_media import cut, send
from tests.support import media
from tests.support.transcripts import make_transcript

SOUND = media.with_audio()
FULL = 10**18  # bytes to be left free: more than any disk has

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]


def empty(owner):
    made = api_for(owner).post("/v1/transcripts", {"name": "Talk"}).json()
    return Transcript.objects.get(pk=made["id"])


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def keep(name, content):
    return storages["recordings"].save(name, ContentFile(content))


# Who writes


def test_an_upload_without_room_is_refused_in_json_and_leaves_nothing(settings, owner, recordings_folder):
    transcript = empty(owner)
    settings.RECORDINGS_KEEP_FREE = FULL
    answer = send(transcript, owner, SOUND)
    assert (answer.status_code, answer["Retry-After"]) == (507, "300")
    assert answer.json() == error("There is no room for this at present. Please try again later.")
    assert files(recordings_folder) == []
    settings.RECORDINGS_KEEP_FREE = 0
    assert send(transcript, owner, SOUND).status_code == 200


def test_a_body_that_is_too_long_is_refused_before_it_is_read(settings, owner):
    settings.RECORDING_MAX_BYTES = 100
    unread = "/v1/transcripts/{}/record/upload?chunk_number=0&total_chunks=1"
    answer = api_for(owner).generic(
        "POST", unread.format(empty(owner).pk), b"-" * (uploads.PIECE_BYTES + 101), "multipart/form-data; boundary=none"
    )
    assert answer.status_code == 413


def test_an_mp3_without_room_is_tried_again_and_leaves_nothing(settings, recordings_folder):
    name = keep("1/a.mp4", SOUND)
    recording = Recording.objects.create(platform="mock", file=name)
    settings.RECORDINGS_KEEP_FREE = FULL
    with pytest.raises(NoRoom) as caught:
        mixing.store_mp3(recording, [Reading(lambda: open_stored(name))])
    assert caught.value.retry_after >= 60
    assert [path.name for path in files(recordings_folder)] == ["a.mp4"]


def test_the_audio_of_a_film_without_room_is_kept_later_and_the_film_until_then(settings):
    name = keep("1/a.mp4", media.with_audio_and_video())
    recording = Recording.objects.create(platform="mock", state="done", file=name, has_video=True)
    job = Erasure.objects.create(recording=recording, location="storage", only_video=True)
    settings.RECORDINGS_KEEP_FREE = FULL
    with pytest.raises(NoRoom):
        Erasure.run(job.pk)
    assert storages["recordings"].exists(name)
    settings.RECORDINGS_KEEP_FREE = 0
    Erasure.objects.update(next_attempt_at=timezone.now())
    Erasure.run(job.pk)
    assert not storages["recordings"].exists(name)


# How much


def test_nobody_uploads_more_than_their_share(settings, owner, colleague):
    settings.UPLOAD_QUOTA = 2 * len(SOUND) + 10
    assert send(empty(owner), owner, SOUND).status_code == 200
    assert send(empty(owner), owner, SOUND[: len(SOUND) // 2], 0, 2).status_code == 200
    over = send(empty(owner), owner, SOUND)
    assert (over.status_code, over.json()["detail"]) == (413, uploads.OVER_QUOTA)
    assert send(empty(colleague), colleague, SOUND).status_code == 200


def test_people_who_are_not_signed_in_share_one(settings):
    settings.PUBLIC_MODE = True
    settings.UPLOAD_QUOTA = len(SOUND) + 10
    assert send(empty(None), None, SOUND).status_code == 200
    assert send(empty(None), None, SOUND).status_code == 413


def test_a_file_in_one_piece_is_not_copied(owner, recordings_folder):
    assert send(empty(owner), owner, SOUND).status_code == 200
    (path,) = files(recordings_folder)
    recording = Recording.objects.get()
    assert path == recordings_folder / recording.file
    assert path.read_bytes() == SOUND
    assert forget_abandoned() == 0
    assert path.exists()


@pytest.mark.parametrize("pieces", [2, 7])
def test_pieces_are_put_together_in_the_storage_alone(
    owner, recordings_folder, monkeypatch, tmp_path, pieces, django_capture_on_commit_callbacks
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))  # a temporary file could not be made
    transcript = empty(owner)
    parts = cut(SOUND, pieces)
    with django_capture_on_commit_callbacks(execute=True):
        for number, part in enumerate(parts):
            assert send(transcript, owner, part, number, len(parts)).status_code == 200
    (path,) = files(recordings_folder)
    assert path.read_bytes() == SOUND


def test_pieces_read_as_one_are_the_file(owner):
    content = bytes(random.Random(1).randbytes(5000))
    names = [keep(f"uploads/{number}", part) for number, part in enumerate(cut(content, 7))]
    parts = [UploadPart(file=name, size=len(part)) for name, part in zip(names, cut(content, 7), strict=True)]
    with joined(parts) as whole:
        assert whole.read() == content
        for start, length in [(0, 1), (700, 100), (713, 3), (4990, 100), (5000, 1)]:
            whole.seek(start)
            assert whole.read(length) == content[start : start + length]


def test_an_upload_that_stopped_is_kept_for_hours_not_days(owner, django_capture_on_commit_callbacks):
    transcript = make_transcript(owner)
    name = keep(f"uploads/{transcript.pk}/0", b"x")
    upload = uploads.Upload.objects.create(transcript=transcript, total=2, changed_at=timezone.now() - ABANDONED)
    upload.parts.create(number=0, file=name, size=1)
    with django_capture_on_commit_callbacks(execute=True):
        forget_abandoned()
    assert not storages["recordings"].exists(name)
    assert ABANDONED.total_seconds() < 24 * 3600
