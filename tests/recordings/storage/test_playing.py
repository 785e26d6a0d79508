"""What rests in the trash, is about to be deleted or was refused is played and fetched by nobody, in no way."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from recordings.intake import register
from recordings.intake.restart import reprocess
from recordings.models import Consent, Recording
from recordings.privacy import consent, deletion
from recordings.storage import links
from tests.conftest import api_for
from tests.meetings.test_admin import page, signed_in
from tests.support.meeting_reports import make_meeting
from tests.support.transcripts import make_transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]


@pytest.fixture
def transcript(owner, room):
    film, sound = (storages["recordings"].save(name, ContentFile(b"0123456789")) for name in ("1/a.mp4", "1/a.mp3"))
    recording = Recording.objects.create(
        platform="mock", state="processing", meeting=make_meeting(room), file=film, has_video=True, duration=1
    )
    return make_transcript(owner, recording=recording, audio_file=sound, room=room)


def trash(recording):
    Recording.objects.update(deleted_at=timezone.now())


def refuse_while_it_is_transcribed_again(recording):
    Recording.objects.update(state="processing")
    consent.answer(recording.meeting, AnonymousUser(), given=False)


def refuse_after_it_failed(recording):
    Recording.objects.update(state="failed")
    Consent.objects.create(meeting=recording.meeting, given=False)


OUT_OF_REACH = pytest.mark.parametrize(
    "hide",
    [trash, deletion.delete_everywhere, refuse_while_it_is_transcribed_again, refuse_after_it_failed],
    ids=["trash", "deletion", "refused meanwhile", "refused"],
)


def audio(transcript, user):
    answer = api_for(user).get(f"/v1/transcripts/{transcript.pk}/audio/mp3")
    answer.getvalue()
    return answer.status_code


def follow(settings, link):
    answer = Client().get(link.removeprefix(settings.PUBLIC_URL))
    answer.getvalue()
    return answer.status_code


@OUT_OF_REACH
def test_in_no_way(settings, owner, staff, transcript, hide):
    recording, admin = transcript.recording, signed_in(staff)
    file = f"/admin/recordings/recording/{recording.pk}/file/"
    video = f"/v1/transcripts/{transcript.pk}/video/url"
    assert audio(transcript, owner) == 200
    handed_out = [admin.get(file)["Location"], api_for(owner).get(video).json()["url"]]
    assert [follow(settings, link) for link in handed_out] == [200, 200]
    hide(recording)
    assert audio(transcript, owner) == 404
    assert api_for(owner).get(video).status_code == 404
    assert admin.get(file).status_code == 404
    assert file not in page(admin, f"/admin/recordings/recording/{recording.pk}/change/")
    assert [follow(settings, link) for link in handed_out] == [404, 404]
    assert b"audio.mp3" not in api_for(owner).get(f"/v1/transcripts/{transcript.pk}/download/zip").getvalue()


def test_who_transcribes_it_may_read_what_was_refused(settings, transcript):
    """It is deleted once it is in writing."""
    link = links.link_to(transcript.recording)
    refuse_while_it_is_transcribed_again(transcript.recording)
    assert follow(settings, link) == 200


@pytest.mark.parametrize("state", ["done", "failed", "no_audio", "stored"])
def test_nothing_is_begun_anew_in_the_trash(room, transcript, state):
    Recording.objects.update(state=state, deleted_at=timezone.now())
    recording = Recording.objects.get()
    assert not register.fetch_again(recording)
    assert not register.submit_again(recording)
    assert not reprocess(recording)
    assert not register.link(recording, make_meeting(room, slot="2"))
