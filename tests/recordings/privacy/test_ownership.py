"""What the deletion of a user, a room or a meeting leaves of transcripts and recordings, and for whom."""

import pytest
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import ProtectedError

from meetings.models import Meeting
from recordings.intake.register import link
from recordings.models import Erasure, Recording, Transcript
from recordings.transcription.processors.base import Result
from recordings.transcription.results import save_result
from rooms.models import Room
from tests.conftest import api_for, make_user
from tests.meetings.test_admin import history_of, page, signed_in
from tests.recordings.api.test_transcript_media import send
from tests.support.media import with_audio
from tests.support.meeting_reports import make_meeting
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.usefixtures("recordings_folder")

PAGE = "/admin/auth/user/{}/delete/"


@pytest.fixture
def admin(staff):
    return signed_in(staff)


@pytest.fixture
def transcript(owner, room):
    recording = Recording.objects.create(
        platform="mock", state="processing", meeting=make_meeting(room), duration=10, file=keep("1/a.wav")
    )
    return make_transcript(owner, recording=recording, room=room, audio_file=keep("1/audio.mp3"))


@pytest.fixture
def nobodys(transcript):
    """As the deletion of its owner left one before."""
    Transcript.objects.update(user=None, room=None)
    transcript.refresh_from_db()
    return transcript


def keep(name):
    return storages["recordings"].save(name, ContentFile(b"0123456789"))


def decide(admin, user, **choice):
    return admin.post(PAGE.format(user.pk), choice)


def statuses(transcript, user=None):
    """Of reading, hearing, looking at the page and transcribing again."""
    api, path = api_for(user), f"/v1/transcripts/{transcript.pk}"
    audio = api.get(f"{path}/audio/mp3")
    audio.getvalue()  # or its file stays open
    return [
        api.get(path).status_code,
        audio.status_code,
        api.get(f"/transcripts/{transcript.pk}").status_code,
        api.post(f"{path}/process").status_code,
    ]


@pytest.mark.django_db
class TestUserIsDeleted:
    def test_nobody_deletes_one_with_transcripts_by_the_way(self, transcript, owner):
        Room.objects.update(owner=make_user("other"))
        with pytest.raises(ProtectedError):
            owner.delete()

    def test_admin_asks_what_is_to_become_of_what_they_have(self, admin, owner, transcript):
        shown = " ".join(page(admin, PAGE.format(owner.pk)).split())
        assert "1 rooms, 1 transcripts and 0 recordings without a transcript" in shown
        assert admin.post(PAGE.format(owner.pk), {"post": "yes"}).status_code == 200
        assert decide(admin, owner, what="hand over").status_code == 200
        assert Transcript.objects.get().user == owner

    def test_all_is_handed_over_and_stays_as_private_as_it_was(self, admin, owner, colleague, transcript, room):
        untold = Recording.objects.create(platform="mock", meeting=make_meeting(room), provider_recording_id="later")
        assert decide(admin, owner, what="hand over", heir=colleague.pk).status_code == 302
        assert admin.post(PAGE.format(owner.pk), {"post": "yes"}).status_code == 302
        assert not get_user_model().objects.filter(pk=owner.pk).exists()
        assert Room.objects.get().owner == Transcript.objects.get().user == colleague
        assert statuses(transcript, make_user("stranger"))[:3] == [403, 403, 403]
        assert statuses(transcript)[:2] == [403, 401]
        assert statuses(transcript, colleague)[:2] == [200, 200]
        found = api_for(colleague).get("/v1/recordings").json()["items"]
        assert {item["id"] for item in found} == {str(untold.pk), str(transcript.recording_id)}

    def test_or_all_of_it_goes_for_good_in_every_place(self, admin, owner, transcript, room):
        untold = Recording.objects.create(platform="mock", meeting=make_meeting(room), provider_recording_id="later")
        assert decide(admin, owner, what="destroy").status_code == 302
        assert not Room.objects.exists()
        assert not Transcript.objects.exists()
        asked = set(Erasure.objects.filter(only_video=False).values_list("recording", flat=True))
        assert asked == {untold.pk, transcript.recording_id}
        assert "is deleted" in history_of(owner)[0][1]
        assert admin.post(PAGE.format(owner.pk), {"post": "yes"}).status_code == 302
        assert not get_user_model().objects.filter(pk=owner.pk).exists()

    def test_who_has_nothing_is_deleted_as_ever(self, admin, colleague):
        assert admin.post(PAGE.format(colleague.pk), {"post": "yes"}).status_code == 302
        assert not get_user_model().objects.filter(pk=colleague.pk).exists()


@pytest.mark.django_db
class TestNobodys:
    def test_one_that_lost_its_owner_is_shown_to_nobody(self, settings, nobodys, colleague):
        for settings.PUBLIC_MODE in (False, True):
            assert statuses(nobodys)[:2] == [403, 401]
            assert statuses(nobodys, colleague) == [403, 403, 403, 403]
            assert send(nobodys, colleague, with_audio()).status_code == 403

    def test_staff_give_it_to_somebody(self, admin, nobodys, colleague):
        before = nobodys.change_seq
        address = f"/admin/recordings/transcript/{nobodys.pk}/change/"
        assert admin.post(address, {"user": colleague.pk, "name": "changed"}).status_code == 302
        nobodys.refresh_from_db()
        assert (nobodys.user, nobodys.name) == (colleague, "standup")
        assert nobodys.change_seq > before
        assert admin.post(address, {"user": ""}).status_code == 403
        assert statuses(nobodys, colleague)[0] == 200

    def test_what_was_everybodys_is_theirs_alone_then(self, admin, nobodys, colleague):
        Transcript.objects.update(is_everybodys=True)
        assert statuses(nobodys)[0] == 200
        admin.post(f"/admin/recordings/transcript/{nobodys.pk}/change/", {"user": colleague.pk})
        assert statuses(nobodys)[0] == 403


@pytest.mark.django_db
class TestRoomIsDeleted:
    def test_what_is_transcribed_later_is_its_owners(self, room, owner, colleague):
        recording = Recording.objects.create(platform="mock", state="processing", meeting=make_meeting(room))
        room.delete()
        recording = Recording.objects.get()
        transcript = save_result(recording, Result(language="en", duration=1.0, segments=[]))
        assert (transcript.user, transcript.room) == (owner, None)
        assert statuses(transcript, colleague)[0] == 403
        assert [item["id"] for item in api_for(owner).get("/v1/recordings").json()["items"]] == [str(recording.pk)]
        assert api_for(colleague).get("/v1/recordings").json()["items"] == []

    def test_linked_to_a_meeting_of_it_a_transcript_is_its_owners(self, room, owner, nobodys):
        meeting = make_meeting(room)
        room.delete()
        assert link(nobodys.recording, Meeting.objects.get(pk=meeting.pk))
        nobodys.refresh_from_db()
        assert nobodys.user == owner


@pytest.mark.django_db
@pytest.mark.parametrize(("given", "goes"), [(False, True), (True, False)])
def test_what_was_refused_goes_with_the_meeting_that_knew_of_it(room, given, goes):
    meeting = make_meeting(room, num_clients=1)
    recording = Recording.objects.create(platform="mock", state="stored", meeting=meeting)
    api_for().post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": given})
    meeting.delete()
    assert Erasure.objects.filter(recording=recording).exists() is goes
