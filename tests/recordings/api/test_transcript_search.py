"""GET /v1/transcripts/search."""

from datetime import timedelta

import pytest

from recordings.models import Transcript
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support.transcripts import make_transcript, said

SEARCH = "/v1/transcripts/search"


def search(user, **query):
    answer = api_for(user).get(SEARCH, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(page):
    return [found["name"] for found in page["results"]]


def test_what_is_found_has_the_contracts_fields(owner, room):
    transcript = make_transcript(owner, room=room)
    page = search(owner, q="budget")
    assert page.keys() == {"results", "total", "query", "limit", "offset"}
    assert (page["total"], page["query"], page["limit"], page["offset"]) == (1, "budget", 20, 0)
    found = page["results"][0]
    assert found.keys() == {
        *("id", "name", "title", "user_id", "room_id", "room_name", "source_kind", "created_at", "status", "rank"),
        *("duration", "search_snippets", "total_match_count", "change_seq"),
    }
    assert found["id"] == str(transcript.pk)
    assert found["room_name"] == "standup"
    assert 0 < found["rank"] <= 1
    assert found["duration"] == 10_000  # milliseconds
    assert found["total_match_count"] == 2
    assert found["search_snippets"] == [
        "Let us talk about the budget for hiring.",
        "The budget is <fine> & dandy.",
    ]


def test_nobody_finds_what_they_may_not_read(settings, owner, colleague, staff):
    settings.PUBLIC_MODE = True
    shared = Room.objects.create(name="shared", owner=owner, is_shared=True)
    for mode in ("private", "semi-private", "public"):
        make_transcript(owner, name=mode, share_mode=mode, room=shared)
    make_transcript(owner, name="elsewhere", share_mode="public")
    found = {user: set(names(search(user, q="budget"))) for user in (owner, colleague, staff, None)}
    assert found[owner] == {"private", "semi-private", "public", "elsewhere"}
    assert found[colleague] == found[staff] == {"semi-private", "public"}
    assert found[None] == {"public"}
    assert search(None, q="budget")["total"] == 1


def test_an_empty_query_gives_all_newest_first(owner):
    for name in ("first", "second"):
        make_transcript(owner, name=name)
    page = search(owner, q="  ")
    assert names(page) == ["second", "first"]
    assert [(found["rank"], found["search_snippets"]) for found in page["results"]] == [(0.0, []), (0.0, [])]
    assert names(search(owner, q="", limit=1, offset=1)) == ["first"]


def test_a_query_of_nothing_but_signs_finds_nothing(owner):
    make_transcript(owner)
    assert search(owner, q="?!")["total"] == 0


def test_filters_choose(owner, room):
    old = make_transcript(owner, name="old", source_kind="file")
    new = make_transcript(owner, name="new", room=room)
    Transcript.objects.filter(pk=old.pk).update(created_at=new.created_at - timedelta(days=2))
    day_before = (new.created_at - timedelta(days=1)).isoformat()
    assert names(search(owner, q="budget", room_id=str(room.pk))) == ["new"]
    assert names(search(owner, q="budget", source_kind="file")) == ["old"]
    assert names(search(owner, **{"q": "budget", "from": day_before})) == ["new"]
    assert names(search(owner, q="budget", to=day_before)) == ["old"]


def test_pages_are_cut_where_they_are_asked_for(owner):
    for n in range(5):
        make_transcript(owner, name=str(n))
    pages = [search(owner, q="budget", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page["results"]) for page in pages] == [2, 2, 1, 0]
    assert {page["total"] for page in pages} == {5}
    assert sorted(name for page in pages for name in names(page)) == ["0", "1", "2", "3", "4"]


def test_deleted_ones_are_found_by_their_owner_on_request(owner, colleague, room):
    transcript = make_transcript(owner, share_mode="public", room=room)
    Room.objects.update(is_shared=True)
    api_for(owner).delete(f"/v1/transcripts/{transcript.pk}")
    assert search(owner, q="budget")["total"] == 0
    assert search(owner, q="budget", include_deleted=True)["total"] == 1
    assert search(colleague, q="budget", include_deleted=True)["total"] == 0


def test_the_trash_holds_nothing_else_and_begins_with_what_was_deleted_last(owner):
    one, two, _ = (make_transcript(owner, name=name) for name in ("one", "two", "kept"))
    for transcript in (two, one):
        api_for(owner).delete(f"/v1/transcripts/{transcript.pk}")
    found = search(owner, q="", include_deleted=True)
    assert names(found) == ["one", "two"]
    assert found["total"] == 2
    assert set(names(search(owner, q="budget", include_deleted=True))) == {"one", "two"}


def test_strangers_are_refused_deleted_ones(settings, db):
    settings.PUBLIC_MODE = True
    answer = api_for().get(SEARCH, {"q": "", "include_deleted": True})
    assert answer.status_code == 401
    assert answer.json() == error("Authentication required to view deleted transcripts")


def test_strangers_sign_in_first(db):
    assert api_for().get(SEARCH, {"q": "x"}).status_code == 401


def test_a_time_that_ends_before_it_begins_is_400(owner):
    answer = api_for(owner).get(SEARCH, {"q": "", "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"})
    assert answer.status_code == 400
    assert answer.json() == error("'from' must be less than or equal to 'to'")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "q"),
        ({"q": "x" * 1001}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"q": "", "limit": 101}, "limit"),
        ({"q": "", "offset": -1}, "offset"),
        ({"q": "", "from": "2026-01-01T00:00:00"}, "from"),
        ({"q": "", "to": "yesterday"}, "to"),
    ],
)
def test_a_query_that_makes_no_sense_is_422(owner, query, field):
    answer = api_for(owner).get(SEARCH, query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", field]


@pytest.mark.parametrize("q", ['"', "';--", "a OR", "((", "*", "\\", ":*", "🙂", "NEAR(a b)", "a" * 1000, "-x"])
def test_no_query_is_an_error(owner, q):
    make_transcript(owner, said("a b c"))
    search(owner, q=q)
