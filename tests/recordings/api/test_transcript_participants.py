"""Participants of a transcript, and who said what: participants, speaker/assign and speaker/merge."""

import uuid

import pytest

from tests.conftest import api_for, error
from tests.support.transcripts import make_transcript


@pytest.fixture
def transcript(owner):
    """Ada is voice 0, Grace voice 1."""
    return make_transcript(owner)


def path(transcript, rest):
    return f"/v1/transcripts/{transcript.pk}/{rest}"


def outcome(answer):
    return answer.status_code, answer.json()


def voices(transcript):
    return [segment.speaker for segment in transcript.segments.all()]


class TestParticipants:
    def test_they_are_listed_and_given_one_by_one(self, owner, transcript):
        listed = api_for(owner).get(path(transcript, "participants")).json()
        assert [(p["speaker"], p["name"]) for p in listed] == [(0, "Ada"), (1, "Grace")]
        assert listed[0].keys() == {"id", "speaker", "name"}
        assert api_for(owner).get(path(transcript, f"participants/{listed[1]['id']}")).json() == listed[1]

    def test_one_is_added_changed_and_removed(self, owner, transcript):
        api = api_for(owner)
        made = api.post(path(transcript, "participants"), {"name": "Hedy"}).json()
        assert (made["speaker"], made["name"]) == (None, "Hedy")
        one = path(transcript, f"participants/{made['id']}")
        assert api.patch(one, {"speaker": 2}).json() == {**made, "speaker": 2}
        assert api.patch(one, {"name": "Hedy L."}).json() == {**made, "speaker": 2, "name": "Hedy L."}
        assert api.patch(one, {"name": None, "speaker": None}).json() == {**made, "name": "Hedy L."}
        assert outcome(api.delete(one)) == (200, {"status": "ok"})
        assert outcome(api.get(one)) == (404, error("Participant not found"))

    def test_a_voice_has_one_name(self, owner, transcript):
        api = api_for(owner)
        taken = (400, error("Speaker already assigned"))
        assert outcome(api.post(path(transcript, "participants"), {"name": "X", "speaker": 1})) == taken
        ada = transcript.participants.get(name="Ada")
        assert outcome(api.patch(path(transcript, f"participants/{ada.pk}"), {"speaker": 1})) == taken
        assert api.patch(path(transcript, f"participants/{ada.pk}"), {"speaker": 0}).status_code == 200

    @pytest.mark.parametrize("participant", [uuid.uuid4(), "x", "%00"])
    def test_an_unknown_one_is_404(self, owner, transcript, participant):
        for method in ("get", "patch", "delete"):
            answer = getattr(api_for(owner), method)(path(transcript, f"participants/{participant}"), {})
            assert outcome(answer) == (404, error("Participant not found"))

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "speaker": -1}, {"name": "x", "speaker": 2**31}])
    def test_what_breaks_a_rule_is_422(self, owner, transcript, body):
        assert api_for(owner).post(path(transcript, "participants"), body).status_code == 422

    def test_others_may_read_what_is_shared_and_change_nothing(self, colleague, transcript):
        assert api_for(colleague).get(path(transcript, "participants")).status_code == 403
        transcript.share_mode = "public"
        transcript.save()
        assert len(api_for().get(path(transcript, "participants")).json()) == 2
        ada = transcript.participants.get(name="Ada")
        for method, rest in (
            ("post", "participants"),
            ("patch", f"participants/{ada.pk}"),
            ("patch", "speaker/assign"),
        ):
            body = {"name": "x", "timestamp_from": 0, "timestamp_to": 1, "speaker": 5}
            assert outcome(getattr(api_for(colleague), method)(path(transcript, rest), body)) == (
                403,
                error("Not authorized"),
            )
            assert getattr(api_for(), method)(path(transcript, rest), body).status_code == 401


class TestAssign:
    def test_what_was_said_in_between_is_given_to_the_voice(self, owner, transcript):
        body = {"speaker": 1, "timestamp_from": 1.9, "timestamp_to": 5.6}
        assert outcome(api_for(owner).patch(path(transcript, "speaker/assign"), body)) == (200, {"status": "ok"})
        assert voices(transcript) == [0, 1, 1]

    def test_a_participant_without_a_voice_is_given_one(self, owner, transcript):
        hedy = transcript.participants.create(name="Hedy")
        body = {"participant": str(hedy.pk), "timestamp_from": 6, "timestamp_to": 9.25}
        assert api_for(owner).patch(path(transcript, "speaker/assign"), body).status_code == 200
        hedy.refresh_from_db()
        assert hedy.speaker == 2
        assert voices(transcript) == [0, 0, 2]

    @pytest.mark.parametrize(
        ("who", "status", "detail"),
        [
            ({}, 400, "Either speaker or participant must be provided"),
            (
                {"speaker": 0, "participant": str(uuid.uuid4())},
                400,
                "Only one of speaker or participant must be provided",
            ),
            ({"participant": str(uuid.uuid4())}, 404, "Participant not found"),
            ({"participant": "x"}, 404, "Participant not found"),
        ],
    )
    def test_it_must_be_said_who(self, owner, transcript, who, status, detail):
        body = {**who, "timestamp_from": 0, "timestamp_to": 1}
        answer = api_for(owner).patch(path(transcript, "speaker/assign"), body)
        assert outcome(answer) == (status, error(detail))

    def test_a_segment_is_cut_between_words(self, owner, transcript):
        """As a client asks that shows words: from the start of the first to the end of the last that are chosen."""
        topic = api_for(owner).get(path(transcript, "topics/with-words")).json()[0]
        chosen = [word for word in topic["words"] if word["text"] in {"about ", "the "} and word["speaker"] == 0]
        body = {"speaker": 7, "timestamp_from": chosen[0]["start"], "timestamp_to": chosen[-1]["end"]}
        assert api_for(owner).patch(path(transcript, "speaker/assign"), body).status_code == 200
        said = list(transcript.segments.values_list("speaker", "text"))
        assert said == [
            (0, "Good morning, everybody."),
            (0, "Let us talk"),
            (7, "about the"),
            (0, "budget for hiring."),
            (1, "The budget is <fine> & dandy."),
        ]
        found = api_for(owner).get("/v1/transcripts/search", {"q": "talk"}).json()["results"][0]
        assert found["search_snippets"] == ["Let us talk"]

    def test_moments_in_the_wrong_order_are_refused(self, owner, transcript):
        body = {"speaker": 1, "timestamp_from": 5, "timestamp_to": 4}
        answer = api_for(owner).patch(path(transcript, "speaker/assign"), body)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "timestamp_to"]


class TestMerge:
    def test_two_voices_become_one(self, owner, transcript):
        transcript.participants.filter(name="Grace").delete()
        body = {"speaker_from": 1, "speaker_to": 0}
        assert outcome(api_for(owner).patch(path(transcript, "speaker/merge"), body)) == (200, {"status": "ok"})
        assert voices(transcript) == [0, 0, 0]

    def test_a_name_goes_along(self, owner, transcript):
        transcript.participants.filter(name="Ada").delete()
        body = {"speaker_from": 1, "speaker_to": 0}
        assert api_for(owner).patch(path(transcript, "speaker/merge"), body).status_code == 200
        assert transcript.participants.get(name="Grace").speaker == 0

    def test_two_named_people_are_not_one(self, owner, transcript):
        answer = api_for(owner).patch(path(transcript, "speaker/merge"), {"speaker_from": 0, "speaker_to": 1})
        assert outcome(answer) == (400, error("Both speakers are assigned to participants"))
        assert voices(transcript) == [0, 0, 1]

    def test_a_voice_is_itself_already(self, owner, transcript):
        body = {"speaker_from": 0, "speaker_to": 0}
        assert api_for(owner).patch(path(transcript, "speaker/merge"), body).status_code == 200
        assert voices(transcript) == [0, 0, 1]
