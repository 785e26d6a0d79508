"""POST /v1/meetings/{id}/consent, and what follows from a refusal and from pictures that are not to be kept."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from recordings import consent
from recordings.models import Consent, Destruction, Recording
from recordings.states import advance
from tests.conftest import api_for
from tests.recordings.media import heard, with_audio_and_video
from tests.recordings.transcripts import make_meeting, make_transcript


@pytest.fixture
def meeting(owner, room):
    return make_meeting(owner, room)


pytestmark = pytest.mark.usefixtures("recordings_folder")


def respond(meeting, given, user=None):
    path = f"/v1/meetings/{getattr(meeting, 'pk', meeting)}/consent"
    return api_for(user).post(path, {"consent_given": given})


def recorded(meeting, content=b"sound", **fields):
    name = storages["recordings"].save(f"{uuid.uuid4()}/file", ContentFile(content))
    values = {"platform": "mock", "meeting": meeting, "state": Recording.State.DONE, "file": name, "duration": 2.0}
    return Recording.objects.create(**values | fields)


def transcribed(meeting, **fields):
    recording = recorded(meeting, **fields)
    transcript = make_transcript(meeting.room.owner, recording=recording)
    transcript.audio_file = storages["recordings"].save(f"{recording.pk}/audio.mp3", ContentFile(b"mp3"))
    transcript.save()
    return recording, transcript


def read(name):
    with storages["recordings"].open(name) as file:
        return file.read()


def work_off():
    for work in Destruction.objects.exclude(state="done"):
        Destruction.run(work.pk)


class TestAnswer:
    def test_it_is_kept_with_an_id(self, meeting):
        answer = respond(meeting, True)
        assert answer.status_code == 200
        kept = Consent.objects.get()
        assert answer.json() == {"status": "success", "consent_id": str(kept.pk)}
        assert (kept.meeting, kept.user, kept.given) == (meeting, None, True)

    def test_of_somebody_signed_in_the_last_one_counts(self, owner, meeting):
        first, second = (respond(meeting, given, owner).json()["consent_id"] for given in (False, True))
        assert first == second
        assert Consent.objects.get().given is True

    def test_of_strangers_each_one_counts(self, meeting):
        respond(meeting, False)
        respond(meeting, True)
        assert Consent.objects.count() == 2
        assert Consent.objects.filter(given=False).exists()

    @pytest.mark.parametrize("meeting_id", [uuid.uuid4(), "x", "%00"])
    def test_an_unknown_meeting_is_404(self, db, meeting_id):
        answer = respond(meeting_id, True)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Meeting not found"})

    @pytest.mark.parametrize("given", [None, "perhaps", [], 2])
    def test_an_answer_that_is_none_is_422(self, meeting, given):
        assert respond(meeting, given).status_code == 422
        assert not Consent.objects.exists()


class TestRefusal:
    def test_audio_goes_and_the_text_stays(self, owner, meeting):
        recording, transcript = transcribed(meeting)
        mp3 = transcript.audio_file
        respond(meeting, True, owner)
        assert not Destruction.objects.exists()
        respond(meeting, False)
        work_off()
        recording.refresh_from_db()
        transcript.refresh_from_db()
        assert (recording.state, transcript.audio_deleted, transcript.audio_file) == ("deleted", True, "")
        assert not storages["recordings"].exists(mp3)
        assert transcript.segments.count() == 3

    def test_before_processing_nothing_is_deleted_and_after_it_all(self, meeting):
        recording = recorded(meeting, state=Recording.State.STORED)
        respond(meeting, False)
        consent.enforce_all()
        assert not Destruction.objects.exists()
        advance(recording, Recording.State.PROCESSING)
        consent.enforce_all()
        assert not Destruction.objects.exists()
        advance(recording, Recording.State.DONE)
        consent.enforce_all()
        work_off()
        recording.refresh_from_db()
        assert recording.state == "deleted"

    def test_all_recordings_of_the_meeting_go_and_those_of_others_stay(self, owner, meeting):
        mine = [recorded(meeting, provider_recording_id=str(n)) for n in range(2)]
        other = recorded(make_meeting(owner))
        respond(meeting, False)
        consent.enforce_all()
        work_off()
        assert {Recording.objects.get(pk=r.pk).state for r in mine} == {"deleted"}
        assert Recording.objects.get(pk=other.pk).state == "done"

    def test_where_nobody_is_asked_a_refusal_counts_all_the_same(self, owner, room):
        meeting = make_meeting(owner, room, skip_consent=True)
        recorded(meeting)
        consent.enforce_all()
        assert not Destruction.objects.exists()
        respond(meeting, False)
        assert Destruction.objects.exists()

    def test_somebody_who_changes_their_mind_in_time_keeps_the_audio(self, owner, meeting):
        recording = recorded(meeting, state=Recording.State.PROCESSING)
        respond(meeting, False, owner)
        respond(meeting, True, owner)
        advance(recording, Recording.State.DONE)
        assert consent.enforce_all() == 0

    def test_one_without_audio_goes_at_once_and_a_failed_one_after_a_day(self, meeting):
        recorded(meeting, state=Recording.State.NO_AUDIO, provider_recording_id="1")
        failed = recorded(meeting, state=Recording.State.FAILED, provider_recording_id="2")
        respond(meeting, False)
        assert [work.recording.state for work in Destruction.objects.all()] == ["no_audio"]
        Recording.objects.filter(pk=failed.pk).update(updated_at=timezone.now() - timedelta(days=1))
        consent.enforce_all()
        assert Destruction.objects.filter(recording=failed).exists()

    def test_enforcing_it_again_asks_for_nothing_twice(self, meeting):
        recorded(meeting)
        respond(meeting, False)
        before = Destruction.objects.get()
        Destruction.objects.update(state="failed")
        assert consent.enforce_all() == 0
        assert Destruction.objects.get().pk == before.pk


class TestVideo:
    def test_pictures_that_are_not_to_be_kept_go_and_the_audio_stays(self, meeting):
        recording, _ = transcribed(meeting, content=with_audio_and_video(), has_video=True)
        recording.transcript.audio_file = ""
        recording.transcript.save()
        old = recording.file
        assert consent.enforce_all() == 1
        work_off()
        recording.refresh_from_db()
        assert (recording.state, recording.has_video, recording.content_type) == ("done", False, "audio/mpeg")
        assert not storages["recordings"].exists(old)
        content = read(recording.file)
        assert len(heard(content)) / 48000 == pytest.approx(2.0, abs=0.2)
        assert recording.size == len(content)
        assert consent.enforce_all() == 0

    def test_the_players_audio_is_taken_where_it_is_there(self, meeting):
        recording, transcript = transcribed(meeting, content=b"a film", has_video=True)
        consent.enforce_all()
        work_off()
        recording.refresh_from_db()
        assert read(recording.file) == b"mp3"
        assert recording.file != transcript.audio_file
        assert not transcript.audio_deleted

    def test_of_tracks_the_video_ones_go(self, meeting):
        recording = recorded(meeting, kind="tracks", file="")
        for medium in ("cam-audio", "cam-video", "screen-video"):
            name = storages["recordings"].save(f"tracks/{medium}", ContentFile(b"x"))
            recording.tracks.create(medium=medium, key=medium, file=name, state="stored")
        consent.enforce_all()
        work_off()
        assert {t.medium: (t.state, bool(t.file)) for t in recording.tracks.all()} == {
            "cam-audio": ("stored", True),
            "cam-video": ("deleted", False),
            "screen-video": ("deleted", False),
        }
        assert not storages["recordings"].exists("tracks/cam-video")
        assert storages["recordings"].exists("tracks/cam-audio")

    def test_they_stay_where_the_meeting_keeps_them_and_in_uploads(self, owner, room):
        recorded(make_meeting(owner, room, store_video=True), has_video=True)
        recorded(None, has_video=True, kind="upload")
        assert consent.enforce_all() == 0

    def test_a_refusal_later_takes_the_audio_as_well(self, meeting):
        recording, transcript = transcribed(meeting, content=b"a film", has_video=True)
        consent.enforce_all()
        work_off()
        respond(meeting, False)
        work_off()
        recording.refresh_from_db()
        transcript.refresh_from_db()
        assert (recording.state, recording.file, transcript.audio_deleted) == ("deleted", "", True)
        assert Destruction.objects.filter(only_video=True).count() == 0


class TestChangingOnesMind:
    """Of people who are not signed in: the id of one's answer is known to oneself alone."""

    def change(self, meeting, given, consent_id, user=None):
        body = {"consent_given": given, "consent_id": consent_id}
        return api_for(user).post(f"/v1/meetings/{meeting.pk}/consent", body, format="json")

    def test_who_names_the_earlier_answer_changes_it(self, meeting):
        earlier = respond(meeting, False).json()["consent_id"]
        answer = self.change(meeting, True, earlier)
        assert (answer.status_code, answer.json()["consent_id"]) == (200, earlier)
        assert Consent.objects.get().given is True

    def test_an_answer_to_another_meeting_or_of_somebody_known_is_not_changed(self, owner, room, meeting, colleague):
        elsewhere = respond(make_meeting(owner, room), False).json()["consent_id"]
        known = respond(meeting, False, colleague).json()["consent_id"]
        for earlier in (elsewhere, known, str(uuid.uuid4()), None):
            assert self.change(meeting, True, earlier).json()["consent_id"] != earlier
        assert Consent.objects.filter(given=False).count() == 2

    def test_what_is_no_id_is_named(self, meeting):
        answer = self.change(meeting, True, "nonsense")
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "consent_id"])
