"""The search page."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recordings import deletion
from rooms.models import Room
from tests.recordings.transcripts import make_transcript, said

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"


def get(client, user=None, **query):
    if user:
        client.force_login(user)
    return client.get("/search", query)


def html(client, user=None, status=200, **query):
    response = get(client, user, **query)
    assert response.status_code == status
    return response.content.decode()


def links(text):
    return re.findall(r'href="(/transcripts/[^"]+)"', text)


def test_what_matches_is_marked_and_leads_to_its_line(client, owner):
    transcript = make_transcript(owner, title="Plans")
    text = html(client, owner, q="budget")
    assert "1 transcript found" in text
    assert text.count("<mark>budget</mark>") == 2
    place = f"/transcripts/{transcript.pk}?q=budget"
    assert links(text) == [place, f"{place}#line-1", f"{place}#line-2"]
    assert 'id="line-2"' in client.get(place).content.decode()


def test_all_places_are_counted(client, owner):
    make_transcript(owner, talk=said(*["budget"] * 5))
    assert "and 2 more places" in html(client, owner, q="budget")


def test_the_best_comes_first_as_by_the_api(client, owner):
    make_transcript(owner, talk=said("budget", *["other words"] * 30), title="weak")
    make_transcript(owner, talk=said("budget budget budget"), title="budget")
    api = client.get
    text = html(client, owner, q="budget")
    order = [item["id"] for item in api("/v1/transcripts/search", {"q": "budget"}).json()["results"]]
    assert [link[13:49] for link in links(text) if "#" not in link] == order


def test_markup_is_text_everywhere(client, owner, room):
    make_transcript(owner, talk=said(f"{EVIL} budget"), title=f"{EVIL} budget", room=room)
    for query in ("budget", f"{EVIL} or budget", f'"{EVIL}" or budget'):
        text = html(client, owner, q=query)
        assert EVIL not in text
        assert "1 transcript found" in text


def test_a_query_stays_in_its_field_and_cannot_leave_it(client, owner):
    text = html(client, owner, q='"><img src=x onerror=alert(1)>')
    assert "<img src=x" not in text
    assert "&quot;&gt;&lt;img src=x" in text


def test_only_what_one_may_read_is_found(client, owner, colleague, staff, room):
    make_transcript(owner, room=room)
    assert "1 transcript found" in html(client, owner, q="budget")
    for stranger in (colleague, staff):
        text = html(client, stranger, q="budget")
        assert "Nothing found" in text
        assert "standup" not in text


def test_guests_log_in_first_unless_in_public_mode(client, owner, settings):
    shared = Room.objects.create(name="townhall", owner=owner, is_shared=True)
    make_transcript(owner, room=shared, share_mode="public", title="Open plans")
    make_transcript(owner, room=shared, title="Closed plans")
    assert get(client, q="budget")["Location"] == "/login?next=/search%3Fq%3Dbudget"
    settings.PUBLIC_MODE = True
    text = html(client, q="budget")
    assert "Open plans" in text
    assert "Closed plans" not in text


def test_a_room_narrows_it(client, owner, room):
    other = Room.objects.create(name="other", owner=owner)
    make_transcript(owner, room=room, title="Ours")
    make_transcript(owner, room=other, title="Theirs")
    text = html(client, owner, q="budget", room=str(room.pk))
    assert "Ours" in text
    assert "Theirs" not in text
    assert f'<option value="{room.pk}" selected>standup</option>' in text


def test_rooms_to_choose_are_those_with_something_to_find(client, owner, colleague, room):
    Room.objects.create(name="silent", owner=owner)
    make_transcript(owner, room=room)
    assert re.findall(r'<option value="[^"]+"[^>]*>([^<]+)<', html(client, owner)) == ["standup"]
    assert re.findall(r'<option value="[^"]+"[^>]*>([^<]+)<', html(client, colleague)) == []


def test_ones_own_trash_is_found_when_asked_for(client, owner, colleague, room):
    Room.objects.filter(pk=room.pk).update(is_shared=True)
    transcript = make_transcript(owner, room=room, share_mode="public")
    deletion.trash(transcript)
    assert "Nothing found" in html(client, owner, q="budget")
    text = html(client, owner, q="budget", trash="on")
    assert '<span class="badge badge-warn">In the trash</span>' in text
    assert "In the trash" in client.get(links(text)[0]).content.decode()
    assert "Nothing found" in html(client, colleague, q="budget", trash="on")


def test_to_guests_there_is_no_trash(client, settings):
    settings.PUBLIC_MODE = True
    assert "Nothing found" in html(client, q="budget", trash="on")


def test_without_words_all_are_shown_newest_first(client, owner):
    made = [make_transcript(owner, title=f"No. {n}") for n in range(3)]
    text = html(client, owner)
    assert "All transcripts" in text
    assert links(text) == [f"/transcripts/{t.pk}" for t in reversed(made)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "unheard"}, "No transcript that you may read has these words."),
        ({"q": "-budget"}, "Please type at least one word to find"),
        ({"q": ""}, "There is no transcript yet."),
    ],
)
def test_finding_nothing_is_explained(client, owner, query, words):
    text = html(client, owner, **query)
    assert "Nothing found" in text
    assert words in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "a" * 1001}, "Please search for fewer words."),
        ({"q": "a\x00b"}, "Please type words to find."),
        ({"q": "budget", "room": "nonsense"}, "There is no such room."),
    ],
)
def test_bad_input_is_explained_beside_its_field(client, owner, query, words):
    text = html(client, owner, status=422, **query)
    assert text.count(words) == 2
    assert 'aria-invalid="true"' in text


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 50, "999999", ""])
def test_a_page_that_is_not_there_is_no_error(client, owner, page):
    make_transcript(owner)
    assert "1 transcript found" in html(client, owner, q="budget", page=page)


def test_many_results_have_pages_that_keep_the_query(client, owner):
    made = {str(make_transcript(owner, talk=said("budget & more"), title=f"No. {n}").pk) for n in range(25)}
    first = html(client, owner, q="budget more")
    assert "Page 1 of 2" in first
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = client.get(f"/search{following}").content.decode()
    shown = [{link[13:49] for link in links(text)} for text in (first, second)]
    assert [len(ids) for ids in shown] == [20, 5]
    assert shown[0] | shown[1] == made


def test_a_full_page_takes_as_many_queries_as_one_result(client, owner, room):
    def queries():
        with CaptureQueriesContext(connection) as found:
            html(client, owner, q="budget")
        return len(found)

    make_transcript(owner, room=room)
    html(client, owner)
    few = queries()
    for _ in range(19):
        make_transcript(owner, room=room)
    assert queries() == few < 15


def test_only_looking_is_answered(client, owner):
    client.force_login(owner)
    assert client.post("/search").status_code == 405
