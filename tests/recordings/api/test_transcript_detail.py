"""GET, PATCH and DELETE /v1/transcripts/{id}, restore and destroy."""

import uuid

import pytest

from recordings.models import Erasure, Recording, Transcript
from tests.conftest import api_for, error
from tests.support.transcripts import make_transcript, said

NOT_FOUND = error("Transcript not found")
DENIED = error("Transcript access denied")


def path(transcript, rest=""):
    return f"/v1/transcripts/{getattr(transcript, 'pk', transcript)}{rest}"


def outcome(answer):
    return answer.status_code, answer.json()


class TestRead:
    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (
                "text",
                "Ada: Good morning, everybody. Let us talk about the budget for hiring.\n"
                "Grace: The budget is <fine> & dandy.",
            ),
            (
                "text-timestamped",
                "[00:00] Ada: Good morning, everybody. Let us talk about the budget for hiring.\n"
                "[00:06] Grace: The budget is <fine> & dandy.",
            ),
            (
                "webvtt-named",
                "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v Ada>Good morning, everybody.\n\n"
                "00:00:02.000 --> 00:00:05.500\n<v Ada>Let us talk about the budget for hiring.\n\n"
                "00:00:06.000 --> 00:00:09.250\n<v Grace>The budget is &lt;fine&gt; &amp; dandy.\n",
            ),
        ],
    )
    def test_it_is_given_in_the_format_that_is_asked_for(self, owner, wanted, expected):
        answer = api_for(owner).get(path(make_transcript(owner)), {"transcript_format": wanted}).json()
        assert answer["transcript_format"] == wanted
        assert answer["transcript"] == expected

    def test_what_looks_like_the_times_of_a_cue_is_text(self, owner):
        transcript = make_transcript(owner, said("press --> to go on", "00:01.000 --> 00:02.000"))
        answer = api_for(owner).get(path(transcript), {"transcript_format": "webvtt-named"}).json()
        lines = answer["transcript"].splitlines()
        assert [line for line in lines if "-->" in line] == lines[2::3]
        assert lines[3::3] == ["<v Ada>press --&gt; to go on", "<v Ada>00:01.000 --&gt; 00:02.000"]

    def test_as_json_it_is_a_list_and_participants_are_named(self, owner):
        answer = api_for(owner).get(path(make_transcript(owner)), {"transcript_format": "json"}).json()
        assert answer["transcript"][2] == {
            "speaker": 1,
            "speaker_name": "Grace",
            "text": "The budget is <fine> & dandy.",
            "start": 6.0,
            "end": 9.25,
        }
        assert [(p["speaker"], p["name"]) for p in answer["participants"]] == [(0, "Ada"), (1, "Grace")]

    def test_text_is_the_default_and_an_unknown_format_422(self, owner):
        transcript = make_transcript(owner)
        assert api_for(owner).get(path(transcript)).json()["transcript_format"] == "text"
        assert api_for(owner).get(path(transcript), {"transcript_format": "pdf"}).status_code == 422

    @pytest.mark.parametrize(
        ("mode", "signed_in", "anonymous"), [("private", 403, 403), ("semi-private", 200, 403), ("public", 200, 200)]
    )
    def test_the_share_mode_says_who_may_read(self, owner, colleague, staff, mode, signed_in, anonymous):
        transcript = make_transcript(owner, share_mode=mode)
        statuses = [api_for(user).get(path(transcript)).status_code for user in (owner, colleague, staff, None)]
        assert statuses == [200, signed_in, signed_in, anonymous]

    def test_one_that_is_nobodys_may_be_read_by_everybody(self, db):
        assert api_for().get(path(make_transcript(None, is_everybodys=True))).status_code == 200

    def test_addresses_of_participants_are_for_the_owner_only(self, owner):
        transcript = make_transcript(owner, share_mode="public")
        transcript.participants.update(email="ada@example.com")
        seen = [api_for(user).get(path(transcript)).json()["participants"][0]["email"] for user in (owner, None)]
        assert seen == ["ada@example.com", None]

    @pytest.mark.parametrize("transcript_id", [str(uuid.uuid4()), "x", "%00"])
    def test_an_unknown_or_impossible_id_is_404(self, owner, transcript_id):
        assert outcome(api_for(owner).get(path(transcript_id))) == (404, NOT_FOUND)

    def test_what_one_may_not_read_is_403(self, owner, colleague):
        assert outcome(api_for(colleague).get(path(make_transcript(owner)))) == (403, DENIED)


class TestChange:
    def test_only_what_is_sent_changes_and_the_change_is_counted(self, owner):
        transcript = make_transcript(owner)
        body = {"title": "Budget", "share_mode": "public", "reviewed": True, "long_summary": None, "unknown": 1}
        changed = api_for(owner).patch(path(transcript), body).json()
        assert (changed["title"], changed["share_mode"], changed["reviewed"]) == ("Budget", "public", True)
        assert (changed["name"], changed["long_summary"]) == ("standup", None)
        assert changed["change_seq"] > transcript.change_seq

    def test_a_new_name_is_found_and_the_old_one_is_not(self, owner):
        transcript = make_transcript(owner, said("nothing"))
        api = api_for(owner)
        api.patch(path(transcript), {"name": "Retrospective", "title": "Looking back"})
        for word, total in (("retrospective", 1), ("looking", 1), ("nothing", 1), ("standup", 0)):
            assert api.get("/v1/transcripts/search", {"q": word}).json()["total"] == total

    def test_participants_are_replaced_and_known_ones_stay_who_they_are(self, owner):
        transcript = make_transcript(owner)
        ada = transcript.participants.get(name="Ada")
        transcript.participants.update(email="kept@example.com")
        wanted = [{"id": str(ada.pk), "name": "Ada L.", "speaker": 1}, {"name": "New", "speaker": 0}]
        answer = api_for(owner).patch(path(transcript), {"participants": wanted})
        assert answer.status_code == 200, answer.content
        found = {p.name: p for p in transcript.participants.all()}
        assert found.keys() == {"Ada L.", "New"}
        assert (found["Ada L."].pk, found["Ada L."].email, found["New"].email) == (ada.pk, "kept@example.com", "")

    @pytest.mark.parametrize("wanted", [[None], [1], ["Ada"], [[]], [{"name": "Ada"}, None], {"name": "Ada"}, "Ada", 1])
    def test_what_is_no_participant_is_422(self, owner, wanted):
        transcript = make_transcript(owner)
        answer = api_for(owner).patch(path(transcript), {"participants": wanted})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][:2] == ["body", "participants"]
        assert transcript.participants.count() == 2

    def test_no_participants_are_none(self, owner):
        transcript = make_transcript(owner)
        assert api_for(owner).patch(path(transcript), {"participants": None}).status_code == 200
        assert not transcript.participants.exists()

    def test_two_participants_with_one_voice_are_422(self, owner):
        wanted = [{"name": "A", "speaker": 0}, {"name": "B", "speaker": 0}]
        assert api_for(owner).patch(path(make_transcript(owner)), {"participants": wanted}).status_code == 422

    def test_audio_is_called_deleted_once_it_is(self, owner):
        transcript = make_transcript(owner)
        answer = api_for(owner).patch(path(transcript), {"audio_deleted": True}).json()
        assert answer["audio_deleted"] is False
        Erasure.run(Erasure.objects.get().pk)
        answer = api_for(owner).patch(path(transcript), {"audio_deleted": False}).json()
        assert answer["audio_deleted"] is True

    def test_null_changes_nothing_where_a_field_cannot_be_null(self, owner):
        transcript = make_transcript(owner, share_mode="public", reviewed=True)
        nothing = dict.fromkeys(["name", "locked", "share_mode", "reviewed", "audio_deleted"])
        answer = api_for(owner).patch(path(transcript), nothing).json()
        assert (answer["name"], answer["locked"]) == ("standup", False)
        assert (answer["share_mode"], answer["reviewed"], answer["audio_deleted"]) == ("public", True, False)

    @pytest.mark.parametrize("body", [{"name": ""}, {"share_mode": "x"}, {"locked": 2}, {"title": 1}])
    def test_what_breaks_a_rule_is_422(self, owner, body):
        assert api_for(owner).patch(path(make_transcript(owner)), body).status_code == 422


@pytest.mark.parametrize(
    ("method", "rest"),
    [("patch", ""), ("delete", ""), ("post", "/restore"), ("delete", "/destroy"), ("patch", "/speaker/merge")],
)
def test_only_the_owner_may_change_it(owner, colleague, staff, method, rest):
    transcript = make_transcript(owner, share_mode="public")
    body = {"speaker_from": 0, "speaker_to": 1}
    for user in (colleague, staff):
        answer = getattr(api_for(user), method)(path(transcript, rest), body)
        assert outcome(answer) == (403, error("Not authorized"))
    answer = getattr(api_for(), method)(path(transcript, rest), body)
    assert outcome(answer) == (401, error("Not authenticated"))
    Transcript.objects.update(share_mode="private")
    answer = getattr(api_for(colleague), method)(path(transcript, rest), body)
    assert outcome(answer) == (403, DENIED)
    answer = getattr(api_for(owner), method)(path(uuid.uuid4(), rest), body)
    assert outcome(answer) == (404, NOT_FOUND)


class TestTrash:
    def test_what_is_deleted_is_gone_for_everybody_until_it_is_restored(self, owner, colleague):
        transcript = make_transcript(owner, share_mode="public")
        api = api_for(owner)
        assert outcome(api.delete(path(transcript))) == (200, {"status": "ok"})
        for user in (owner, colleague, None):
            assert outcome(api_for(user).get(path(transcript))) == (404, NOT_FOUND)
        assert outcome(api.delete(path(transcript))) == (404, NOT_FOUND)
        assert outcome(api_for(colleague).post(path(transcript, "/restore"))) == (404, NOT_FOUND)
        assert outcome(api.post(path(transcript, "/restore"))) == (200, {"status": "ok"})
        assert api.get(path(transcript)).status_code == 200

    def test_its_recording_goes_into_the_trash_and_back_with_it(self, owner):
        transcript = make_transcript(owner)
        api_for(owner).delete(path(transcript))
        recording = Recording.objects.get()
        assert recording.deleted_at is not None
        assert recording.state == "done"
        api_for(owner).post(path(transcript, "/restore"))
        recording.refresh_from_db()
        assert recording.deleted_at is None

    def test_one_that_is_not_deleted_cannot_be_restored_or_destroyed(self, owner):
        transcript = make_transcript(owner)
        answer = api_for(owner).post(path(transcript, "/restore"))
        assert outcome(answer) == (400, error("Transcript is not deleted"))
        answer = api_for(owner).delete(path(transcript, "/destroy"))
        assert outcome(answer) == (400, error("Transcript must be soft-deleted first"))

    def test_one_that_is_destroyed_is_gone_for_good_and_its_recording_goes_everywhere(self, owner):
        transcript = make_transcript(owner)
        api = api_for(owner)
        api.delete(path(transcript))
        assert outcome(api.delete(path(transcript, "/destroy"))) == (200, {"status": "ok"})
        assert not Transcript.objects.exists()
        assert outcome(api.delete(path(transcript, "/destroy"))) == (404, NOT_FOUND)
        Erasure.run(Erasure.objects.get().pk)
        assert Recording.objects.get().state == "deleted"
