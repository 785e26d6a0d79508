"""How long things are kept: `manage.py prune`, which also runs every day by itself."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from recordings import tasks
from recordings.models import Erasure, Recording, Transcript, Upload
from recordings.privacy import deletion
from rooms.models import Room
from tests.conftest import api_for
from tests.meetings.test_admin import page, select, signed_in
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]


def prune(*arguments):
    written = StringIO()
    call_command("prune", *arguments, stdout=written)
    return dict(part.split("=") for part in written.getvalue().removeprefix("would be: ").split())


def recorded(days_ago, meeting=None, **fields):
    moment = timezone.now() - timedelta(days=days_ago, minutes=1)
    return Recording.objects.create(platform="mock", state="done", meeting=meeting, recorded_at=moment, **fields)


def trashed():
    return set(Recording.objects.filter(deleted_at__isnull=False))


def keeping(owner, days):
    name = f"keeps-{days}"
    return make_meeting(owner, Room.objects.create(name=name, owner=owner, recording_retention_days=days))


def test_without_a_limit_recordings_are_kept_for_ever(owner):
    recorded(10_000)
    assert prune()["recordings_trashed"] == "0"
    assert trashed() == set()


def test_the_rooms_own_days_go_before_the_default(settings, owner):
    settings.RECORDING_RETENTION_DAYS = 30
    short, long_, ever = keeping(owner, 7), keeping(owner, 90), keeping(owner, 0)
    usual = make_meeting(owner)
    kept = [recorded(6, short), recorded(89, long_), recorded(10_000, ever), recorded(29, usual), recorded(29)]
    gone = {recorded(7, short), recorded(90, long_), recorded(30, usual), recorded(30)}
    assert prune()["recordings_trashed"] == "4"
    assert trashed() == gone
    assert not trashed() & set(kept)


def test_a_trashed_recording_is_deleted_when_its_time_in_the_trash_is_over_and_its_text_stays(settings, owner):
    settings.RECORDING_RETENTION_DAYS = 7
    transcript = make_transcript(owner, recording=recorded(8))
    assert prune()["recordings_trashed"] == "1"
    assert prune() == {
        "recordings_trashed": "0",
        "transcripts_destroyed": "0",
        "recordings_deleted": "0",
        "uploads_removed": "0",
    }
    Recording.objects.update(deleted_at=timezone.now() - timedelta(days=30, minutes=1))
    assert prune()["recordings_deleted"] == "1"
    assert prune()["recordings_deleted"] == "0"
    Erasure.run(Erasure.objects.get().pk)
    transcript.refresh_from_db()
    assert (transcript.recording.state, transcript.audio_deleted) == ("deleted", True)
    assert transcript.segments.exists()


def test_what_was_trashed_for_its_age_is_taken_out_by_its_owner_and_kept_for_its_time_again(settings, owner, colleague):
    settings.RECORDING_RETENTION_DAYS = 7
    transcript = make_transcript(owner, recording=recorded(8), share_mode="public")
    prune()
    address = f"/v1/transcripts/{transcript.pk}/restore"
    assert api_for(colleague).post(address).status_code == 403
    assert api_for(owner).post(address).status_code == 200
    assert trashed() == set()
    assert prune()["recordings_trashed"] == "0"
    assert api_for(owner).post(address).status_code == 400
    Recording.objects.update(restored_at=timezone.now() - timedelta(days=7, minutes=1))
    assert prune()["recordings_trashed"] == "1"


def test_staff_take_a_recording_without_a_transcript_out_of_the_trash(settings, staff):
    settings.RECORDING_RETENTION_DAYS = 7
    found = recorded(8)
    prune()
    admin = signed_in(staff)
    assert str(found.pk) in page(admin, "/admin/recordings/recording/?trash=yes")
    admin.post("/admin/recordings/recording/", select(found, action="restore"))
    assert trashed() == set()
    assert str(found.pk) not in page(admin, "/admin/recordings/recording/?trash=yes")


def test_what_is_about_to_be_deleted_stays_in_the_trash(owner):
    transcript = make_transcript(owner, recording=recorded(8))
    Recording.objects.update(deleted_at=timezone.now())
    deletion.delete_everywhere(transcript.recording)
    assert api_for(owner).post(f"/v1/transcripts/{transcript.pk}/restore").status_code == 400
    assert len(trashed()) == 1


def test_a_deleted_transcript_is_destroyed_after_its_time_in_the_trash(settings, owner):
    settings.TRASH_DAYS = 3
    old, new = make_transcript(owner), make_transcript(owner)
    for transcript, days in ((old, 4), (new, 2)):
        Transcript.objects.filter(pk=transcript.pk).update(deleted_at=timezone.now() - timedelta(days=days))
    assert prune()["transcripts_destroyed"] == "1"
    assert list(Transcript.objects.all()) == [new]
    assert Erasure.objects.get().recording == old.recording


def test_a_dry_run_says_what_would_be_done_and_does_nothing(settings, owner):
    settings.RECORDING_RETENTION_DAYS = 7
    recorded(8)
    transcript = make_transcript(owner)
    long_ago = timezone.now() - timedelta(days=31)
    Transcript.objects.update(deleted_at=long_ago)
    Recording.objects.filter(pk=transcript.recording_id).update(deleted_at=long_ago)
    Upload.objects.create(transcript=transcript, total=2, changed_at=long_ago)
    assert prune("--dry-run") == {
        "recordings_trashed": "1",
        "transcripts_destroyed": "1",
        "recordings_deleted": "1",
        "uploads_removed": "1",
    }
    assert Transcript.objects.count() == 1
    assert not Erasure.objects.exists()
    assert len(trashed()) == 1
    assert Upload.objects.exists()


def test_pieces_of_an_upload_that_stopped_are_removed(owner, django_capture_on_commit_callbacks):
    transcript = make_transcript(owner)
    storage = storages["recordings"]
    for days, number in ((2, 0), (0, 1)):
        kept = transcript if number == 0 else make_transcript(owner)
        upload = Upload.objects.create(transcript=kept, total=3, changed_at=timezone.now() - timedelta(days=days))
        name = storage.save(f"uploads/{kept.pk}/{number}", ContentFile(b"x"))
        upload.parts.create(number=number, file=name, size=1)
    with django_capture_on_commit_callbacks(execute=True):
        assert prune()["uploads_removed"] == "1"
    assert not storage.exists(f"uploads/{transcript.pk}/0")
    assert storage.exists(f"uploads/{kept.pk}/1")


def test_it_runs_by_itself_every_hour(settings, owner):
    settings.RECORDING_RETENTION_DAYS = 7
    recorded(8)
    tasks.prune_recordings()
    assert len(trashed()) == 1
    assert settings.CELERY_BEAT_SCHEDULE["old recordings"]["schedule"].hour == set(range(24))
    assert settings.CELERY_BEAT_SCHEDULE["consent"]["schedule"].run_every == timedelta(minutes=1)
