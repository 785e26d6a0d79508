"""GET and POST /v1/transcripts."""

import pytest

from platforms import listing
from recordings.models import Transcript
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support.transcripts import make_transcript

TRANSCRIPTS = "/v1/transcripts"
MINIMAL = {
    *("id", "user_id", "name", "status", "locked", "duration", "title", "short_summary", "long_summary", "note"),
    *("created_at", "share_mode", "source_language", "target_language", "reviewed", "meeting_id", "source_kind"),
    *("room_id", "room_name", "audio_deleted", "change_seq", "has_cloud_video", "cloud_video_duration"),
}


def names(answer):
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["items"]]


class TestList:
    def test_an_item_has_exactly_the_contracts_fields(self, owner):
        make_transcript(owner, created_at="2026-01-02T10:00:00Z")
        page = api_for(owner).get(TRANSCRIPTS).json()
        assert (page["total"], page["page"], page["size"], page["pages"]) == (1, 1, 50, 1)
        item = page["items"][0]
        assert item.keys() == MINIMAL
        assert (item["title"], item["room_name"], item["meeting_id"]) == ("standup, 2026-01-02", None, None)
        assert (item["status"], item["share_mode"], item["source_kind"]) == ("ended", "private", "room")
        assert (item["user_id"], item["duration"], item["source_language"]) == (str(owner.pk), 10_000, "en")

    def test_own_ones_are_listed_newest_first_and_those_of_others_are_not(self, owner, colleague, staff):
        for name in ("first", "second"):
            make_transcript(owner, name=name)
        make_transcript(colleague, name="of-others", share_mode="public")
        assert names(api_for(owner).get(TRANSCRIPTS)) == ["second", "first"]
        assert names(api_for(staff).get(TRANSCRIPTS)) == []

    def test_those_of_shared_rooms_are_listed_as_far_as_one_may_read_them(self, settings, owner, colleague, room):
        settings.PUBLIC_MODE = True
        shared = Room.objects.create(name="shared", owner=owner, is_shared=True)
        for mode in ("private", "semi-private", "public"):
            make_transcript(owner, name=mode, share_mode=mode, room=shared)
            make_transcript(owner, name=f"{mode} elsewhere", share_mode=mode, room=room)
        make_transcript(None, is_everybodys=True, name="nobody's", room=shared)
        make_transcript(None, is_everybodys=True, name="nobody's, nowhere")
        assert set(names(api_for(colleague).get(TRANSCRIPTS))) == {"semi-private", "public", "nobody's"}
        assert set(names(api_for().get(TRANSCRIPTS))) == {"public", "nobody's"}

    def test_deleted_ones_are_not_listed(self, owner):
        api_for(owner).delete(f"{TRANSCRIPTS}/{make_transcript(owner).pk}")
        assert names(api_for(owner).get(TRANSCRIPTS)) == []

    def test_filters_choose_and_combine(self, owner, room):
        make_transcript(owner, name="alpha", source_kind="file")
        make_transcript(owner, name="beta", title="The Alpha plan", room=room)
        api = api_for(owner)
        assert names(api.get(TRANSCRIPTS, {"source_kind": "file"})) == ["alpha"]
        assert names(api.get(TRANSCRIPTS, {"room_id": str(room.pk)})) == ["beta"]
        assert names(api.get(TRANSCRIPTS, {"search_term": "ALPHA"})) == ["beta", "alpha"]
        assert names(api.get(TRANSCRIPTS, {"search_term": "%"})) == []
        assert names(api.get(TRANSCRIPTS, {"search_term": "alpha", "source_kind": "room"})) == ["beta"]

    def test_of_many_the_newest_are_looked_at_for_a_part_of_a_name(self, owner, room, monkeypatch):
        monkeypatch.setattr(listing, "COUNTED", 3)
        for number in range(5):
            make_transcript(owner, name=f"talk {number}", room=room if number < 4 else None)
        api = api_for(owner)
        assert names(api.get(TRANSCRIPTS, {"search_term": "alk"})) == ["talk 4", "talk 3", "talk 2"]
        of_room = {"search_term": "alk", "room_id": str(room.pk)}
        assert names(api.get(TRANSCRIPTS, of_room)) == ["talk 3", "talk 2", "talk 1"]
        assert names(api.get(TRANSCRIPTS, of_room | {"sort_by": "change_seq"})) == ["talk 1", "talk 2", "talk 3"]
        assert names(api.get(TRANSCRIPTS)) == ["talk 4", "talk 3", "talk 2", "talk 1", "talk 0"]

    def test_a_client_asks_what_changed_since_its_last_look(self, owner):
        one, two = make_transcript(owner, name="one"), make_transcript(owner, name="two")
        seen = max(one.change_seq, two.change_seq)
        api = api_for(owner)
        asked = {"sort_by": "change_seq", "change_seq_from": seen}
        assert names(api.get(TRANSCRIPTS, asked)) == []
        one.touch()
        assert names(api.get(TRANSCRIPTS, asked)) == ["one"]
        assert names(api.get(TRANSCRIPTS, {"sort_by": "change_seq"})) == ["two", "one"]

    @pytest.mark.parametrize(
        "query", ["source_kind=x", "room_id=1", "sort_by=name", "change_seq_from=-1", "size=101", "page=0"]
    )
    def test_a_filter_that_makes_no_sense_is_422(self, owner, query):
        answer = api_for(owner).get(f"{TRANSCRIPTS}?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]

    def test_a_stranger_must_sign_in(self, db):
        for method in ("get", "post"):
            answer = getattr(api_for(), method)(TRANSCRIPTS, {})
            assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))

    def test_the_number_of_queries_does_not_grow_with_the_list(self, owner, room, django_assert_max_num_queries):
        for _ in range(5):
            make_transcript(owner, room=room)
        api = api_for(owner)
        with django_assert_max_num_queries(5):
            assert len(names(api.get(TRANSCRIPTS))) == 5


class TestCreate:
    def test_it_belongs_to_whoever_made_it_and_waits_for_a_file(self, owner):
        answer = api_for(owner).post(TRANSCRIPTS, {"name": "interview", "source_language": "de"})
        assert answer.status_code == 200
        made = answer.json()
        assert made.keys() == MINIMAL | {"participants"}
        assert (made["name"], made["user_id"], made["status"]) == ("interview", str(owner.pk), "idle")
        assert (made["source_language"], made["target_language"], made["source_kind"]) == ("de", "en", "file")
        assert Transcript.objects.get().change_seq > 0

    @pytest.mark.parametrize("name", ["", "  "])
    def test_one_without_a_name_is_untitled(self, owner, name):
        assert api_for(owner).post(TRANSCRIPTS, {"name": name}).json()["name"] == "Untitled"

    def test_its_title_is_its_name_until_it_has_one(self, owner):
        api = api_for(owner)
        made = api.post(TRANSCRIPTS, {"name": "interview"}).json()
        assert made["title"] == "interview"
        assert api.patch(f"{TRANSCRIPTS}/{made['id']}", {"title": "Hiring"}).json()["title"] == "Hiring"

    def test_one_that_would_be_recorded_from_a_browser_is_refused_in_words(self, owner):
        answer = api_for(owner).post(TRANSCRIPTS, {"name": "x", "source_kind": "live"})
        assert answer.status_code == 422
        [problem] = answer.json()["detail"]
        assert (problem["loc"], "does not record from a browser" in problem["msg"]) == (["body", "source_kind"], True)
        assert not Transcript.objects.exists()

    def test_in_public_mode_it_may_belong_to_nobody(self, settings, db):
        settings.PUBLIC_MODE = True
        made = api_for().post(TRANSCRIPTS, {"name": "x"}).json()
        assert made["user_id"] is None
        assert api_for().get(f"{TRANSCRIPTS}/{made['id']}").status_code == 200

    @pytest.mark.parametrize("body", [{}, {"name": 1}, {"name": "x" * 256}, {"name": "x", "source_kind": "y"}])
    def test_what_breaks_a_rule_is_422(self, owner, body):
        assert api_for(owner).post(TRANSCRIPTS, body).status_code == 422
        assert not Transcript.objects.exists()
