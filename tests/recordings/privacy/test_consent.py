"""POST /v1/meetings/{id}/consent, and what follows from a refusal and from pictures that are not to be kept."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import F
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession
from meetings.opening import end_meeting, open_meeting
from recordings.models import Consent, Erasure, Recording
from recordings.models.transitions import transition
from recordings.privacy import consent
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support.media import heard, with_audio_and_video
from tests.support.transcripts import make_meeting, make_transcript


def make_live(owner, room=None, **fields):
    later = timezone.now() + timedelta(hours=1)
    return make_meeting(owner, room, state="live", end_date=later, room_url="https://mock.example/standup", **fields)


@pytest.fixture
def meeting(owner, room):
    """One that goes on."""
    return make_live(owner, room)


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
    for job in Erasure.objects.exclude(state="done"):
        Erasure.run(job.pk)


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
        assert (answer.status_code, answer.json()) == (404, error("Meeting not found"))

    @pytest.mark.parametrize("given", [None, "perhaps", [], 2])
    def test_an_answer_that_is_none_is_422(self, meeting, given):
        assert respond(meeting, given).status_code == 422
        assert not Consent.objects.exists()

    def test_of_one_browser_the_last_one_counts_also_when_it_does_not_name_the_first(self, meeting):
        browser = api_for()
        for given in (False, True, False):
            browser.post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": given})
        assert Consent.objects.get().given is False

    def test_answers_of_strangers_are_bounded_and_agreeing_keeps_nobody_from_refusing(self, meeting):
        Consent.objects.bulk_create([Consent(meeting=meeting, given=True) for _ in range(consent.MOST_STRANGERS)])
        refused = respond(meeting, True)
        assert (refused.status_code, "Sign in" in refused.json()["detail"]) == (429, True)
        assert respond(meeting, False).status_code == 200
        assert Consent.objects.count() == consent.MOST_STRANGERS + 1

    def test_who_is_signed_in_answers_all_the_same(self, colleague, meeting):
        Consent.objects.bulk_create([Consent(meeting=meeting, given=True) for _ in range(consent.MOST_STRANGERS)])
        assert respond(meeting, True, colleague).status_code == 200


class TestAfterTheEnd:
    """An id that anybody could read while the meeting went on must not destroy what was recorded, for ever."""

    @pytest.fixture
    def meeting(self, room):
        return open_meeting(room)

    @pytest.fixture
    def recording(self, meeting):
        return recorded(meeting)

    def end(self, meeting, **ago):
        end_meeting(meeting)
        Meeting.objects.update(ended_at=timezone.now() - timedelta(**ago))

    def refuse(self, browser, meeting, **body):
        return browser.post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": False, **body}).status_code

    @pytest.mark.parametrize("ago", [{"days": 90}, {"minutes": 1}])
    def test_a_stranger_destroys_nothing(self, meeting, recording, colleague, ago):
        self.end(meeting, **ago)
        assert [respond(meeting, False, user).status_code for user in (None, colleague)] == [403, 403]
        consent.enforce_all()
        assert not Consent.objects.exists()
        assert not Erasure.objects.exists()

    @pytest.mark.parametrize(("hours", "status"), [(11, 200), (13, 403)])
    def test_who_was_let_in_may_still_refuse_for_some_hours(self, meeting, recording, hours, status):
        browser = api_for()
        assert browser.post(f"/v1/rooms/standup/meetings/{meeting.pk}/join").status_code == 200
        self.end(meeting, hours=hours)
        assert self.refuse(browser, meeting) == status
        assert Erasure.objects.exists() is (status == 200)

    def test_having_been_let_into_another_meeting_does_not_count(self, owner, meeting, recording):
        other = open_meeting(Room.objects.create(name="other", owner=owner, platform="mock"))
        browser = api_for()
        browser.post(f"/v1/rooms/other/meetings/{other.pk}/join")
        self.end(meeting, hours=1)
        for cookie in browser.cookies.values():
            browser.cookies[cookie.key]["path"] = "/"
        assert self.refuse(browser, meeting) == 403

    def test_a_forged_cookie_does_not_count(self, meeting, recording):
        self.end(meeting, hours=1)
        browser = api_for()
        browser.cookies["joined"] = "1:1vNzZz:forged"
        assert self.refuse(browser, meeting) == 403

    def test_an_answer_may_be_changed_by_who_gave_it(self, meeting, recording, colleague):
        given = [respond(meeting, True, user).json()["consent_id"] for user in (None, colleague)]
        self.end(meeting, hours=1)
        assert self.refuse(api_for(), meeting, consent_id=given[1]) == 403  # somebody else's
        assert self.refuse(api_for(), meeting, consent_id=given[0]) == 200
        assert respond(meeting, False, colleague).status_code == 200
        assert Consent.objects.filter(given=False).count() == 2

    def test_who_is_known_to_have_been_there_may_answer(self, meeting, recording, colleague):
        ParticipantSession.objects.create(meeting=meeting, session_id="s", user_id=str(colleague.pk))
        self.end(meeting, hours=1)
        assert respond(meeting, False, colleague).status_code == 200

    def test_later_owner_and_staff_may(self, owner, staff, room, meeting, recording):
        self.end(meeting, days=90)
        room.delete()
        assert [respond(meeting, False, user).status_code for user in (owner, staff)] == [200, 200]

    def test_one_that_never_opened_takes_no_answers_of_strangers(self, meeting):
        Meeting.objects.update(state="failed")
        assert respond(meeting, False).status_code == 403

    def test_cookies_are_for_the_meeting_alone_and_not_for_scripts(self, meeting):
        browser = api_for()
        browser.post(f"/v1/rooms/standup/meetings/{meeting.pk}/join")
        browser.post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": True})
        for cookie in (browser.cookies["joined"], browser.cookies["answer"]):
            kept = (cookie["path"], cookie["httponly"], cookie["samesite"])
            assert kept == (f"/v1/meetings/{meeting.pk}", True, "Lax")


class TestRefusal:
    def test_audio_goes_and_the_text_stays(self, owner, meeting):
        recording, transcript = transcribed(meeting)
        mp3 = transcript.audio_file
        respond(meeting, True, owner)
        assert not Erasure.objects.exists()
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
        assert not Erasure.objects.exists()
        transition(recording, Recording.State.PROCESSING)
        consent.enforce_all()
        assert not Erasure.objects.exists()
        transition(recording, Recording.State.DONE)
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
        meeting = make_live(owner, room, skip_consent=True)
        recorded(meeting)
        consent.enforce_all()
        assert not Erasure.objects.exists()
        respond(meeting, False)
        assert Erasure.objects.exists()

    def test_somebody_who_changes_their_mind_in_time_keeps_the_audio(self, owner, meeting):
        recording = recorded(meeting, state=Recording.State.PROCESSING)
        respond(meeting, False, owner)
        respond(meeting, True, owner)
        transition(recording, Recording.State.DONE)
        assert consent.enforce_all() == 0

    def test_one_without_audio_goes_at_once_and_a_failed_one_after_a_day(self, meeting):
        recorded(meeting, state=Recording.State.NO_AUDIO, provider_recording_id="1")
        failed = recorded(meeting, state=Recording.State.FAILED, provider_recording_id="2")
        respond(meeting, False)
        assert {job.recording.state for job in Erasure.objects.all()} == {"no_audio"}
        Recording.objects.filter(pk=failed.pk).update(updated_at=timezone.now() - timedelta(days=1))
        consent.enforce_all()
        assert Erasure.objects.filter(recording=failed).exists()

    def test_enforcing_it_again_asks_for_nothing_twice(self, meeting):
        recorded(meeting)
        respond(meeting, False)
        before = Erasure.objects.get()
        Erasure.objects.update(state="failed")
        assert consent.enforce_all() == 0
        assert Erasure.objects.get().pk == before.pk

    def test_what_was_looked_at_is_looked_at_again_once_it_changes(self, meeting, django_assert_num_queries):
        recording = recorded(meeting)
        assert consent.enforce_all() == 0
        with django_assert_num_queries(1):
            consent.enforce_all()
        Consent.objects.create(meeting=meeting, given=False)  # which enforces nothing by itself
        earlier = timezone.now() - timedelta(days=30)  # of a clock that is wrong
        Recording.objects.filter(pk=recording.pk).update(updated_at=earlier)
        assert consent.enforce_all() == 1

    def test_a_failed_one_is_looked_at_when_its_day_is_over(self, meeting):
        Consent.objects.create(meeting=meeting, given=False)
        failed = recorded(meeting, state=Recording.State.FAILED)
        assert consent.enforce_all() == 0
        Recording.objects.update(updated_at=F("updated_at") - consent.MENDING)
        assert consent.enforce_all() == 1
        assert Erasure.objects.get().recording == failed

    def test_many_are_looked_at_piece_by_piece(self, owner, meeting, monkeypatch):
        monkeypatch.setattr(consent, "AT_ONCE", 2)
        for number in range(5):
            recorded(meeting if number % 2 else make_meeting(owner, meeting.room), provider_recording_id=str(number))
        Consent.objects.create(meeting=meeting, given=False)
        monkeypatch.setattr(consent, "MOST_TIMES", 2)
        found = consent.enforce_all()
        assert Recording.objects.not_enforced().count() == 1
        assert found + consent.enforce_all() == 2
        assert not Recording.objects.not_enforced().exists()


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
        assert Erasure.objects.filter(only_video=True).count() == 0


class TestNames:
    def answer(self, meeting, user=None, **body):
        body = {"consent_given": True, **body}
        return api_for(user).post(f"/v1/meetings/{meeting.pk}/consent", body, format="json")

    def test_a_guests_name_is_kept_with_the_answer(self, meeting):
        kept = self.answer(meeting, name=" Zo\u00eb\u202e ").json()
        assert Consent.objects.get().name == "Zo\u00eb"
        assert kept.keys() == {"status", "consent_id"}

    def test_it_stays_when_the_answer_changes_and_may_be_corrected(self, meeting):
        earlier = self.answer(meeting, name="Zoe").json()["consent_id"]
        self.answer(meeting, consent_given=False, consent_id=earlier)
        assert (Consent.objects.get().given, Consent.objects.get().name) == (False, "Zoe")
        self.answer(meeting, consent_given=False, consent_id=earlier, name="Zo\u00eb")
        assert Consent.objects.get().name == "Zo\u00eb"

    def test_somebody_with_an_account_is_called_by_that_alone(self, meeting, colleague):
        self.answer(meeting, colleague, name="The owner")
        assert Consent.objects.get().name == ""

    @pytest.mark.parametrize("name", ["", "  ", "\u202e"])
    def test_none_is_needed(self, meeting, name):
        assert self.answer(meeting, name=name).status_code == 200
        assert Consent.objects.get().name == ""

    @pytest.mark.parametrize("name", ["x" * 101, "a\x00b", 7, None])
    def test_what_is_no_name_is_refused(self, meeting, name):
        assert self.answer(meeting, name=name).status_code == 422
        assert not Consent.objects.exists()


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
        elsewhere = respond(make_live(owner, room), False).json()["consent_id"]
        known = respond(meeting, False, colleague).json()["consent_id"]
        for earlier in (elsewhere, known, str(uuid.uuid4()), None):
            assert self.change(meeting, True, earlier).json()["consent_id"] != earlier
        assert Consent.objects.filter(given=False).count() == 2

    def test_what_is_no_id_is_named(self, meeting):
        answer = self.change(meeting, True, "nonsense")
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "consent_id"])
