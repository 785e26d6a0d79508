"""The search page."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recordings.privacy import deletion
from rooms.models import Room
from tests.support.transcripts import make_transcript, said

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
    return re.findall(r'href="(/transcripts/(?!trash"|upload")[^"]+)"', text)


def test_what_matches_is_marked_and_leads_to_its_line(client, owner):
    transcript = make_transcript(owner, title="Plans")
    text = html(client, owner, q="budget")
    assert "1 transcript found" in text
    assert text.count("<mark>budget</mark>") == 2
    place = f"/transcripts/{transcript.pk}?q=budget"
    assert links(text) == [place, f"{place}&amp;line=1#line-1", f"{place}&amp;line=2#line-2"]
    assert re.findall('muted">([0-9:]+) <bdi>(.*?)</bdi>', text) == [("0:02", "Ada"), ("0:06", "Grace")]
    assert 'id="line-2"' in client.get(place).content.decode()


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("今天的会议讨论了预算", "会议", "今天的<mark>会议</mark>讨论了预算"),
        ("회의에서는", "회의", "<mark>회의</mark>에서는"),
    ],
)
def test_words_inside_a_run_of_characters_are_marked_here_and_in_the_transcript(client, owner, text, query, marked):
    transcript = make_transcript(owner, talk=said(text), title=text)
    assert html(client, owner, q=query).count(marked) == 2
    assert marked in client.get(f"/transcripts/{transcript.pk}", {"q": query}).content.decode()


def test_it_says_that_there_are_more_only_where_it_stopped_counting(client, owner, monkeypatch):
    monkeypatch.setattr("recordings.transcripts.search.RANKED", 2)
    monkeypatch.setattr("recordings.pages.search.SIZE", 2)
    for _ in range(4):
        make_transcript(owner)
    is_bounded = connection.vendor == "postgresql"
    assert ("More than 2 transcripts found" in html(client, owner, q="budget")) == is_bounded
    assert ("4 transcripts found" in html(client, owner, q="budget")) != is_bounded
    assert "4 transcripts found" in html(client, owner, q="budget", page=2)


def test_all_places_are_counted(client, owner):
    make_transcript(owner, talk=said(*["budget"] * 5))
    assert "and 2 more places" in html(client, owner, q="budget")


def test_each_place_has_its_own_time_and_speaker(client, owner):
    """Of several transcripts at once, by names and by numbers."""
    for number in range(3):
        talk = [(n * 60.0, n * 60.0 + 5, "" if number else f"Voice {n}", f"{n} coins") for n in range(5)]
        make_transcript(owner, talk=talk, title=f"No. {number}")
    text = html(client, owner, q='"2 coins" or "4 coins"')
    found = re.findall('muted">([0-9:]+) <bdi>(.*?)</bdi>', text)
    unnamed = [("2:00", "Speaker 1"), ("4:00", "Speaker 1")]
    assert sorted(found) == sorted([*unnamed, *unnamed, ("2:00", "Voice 2"), ("4:00", "Voice 4")])


class TestAllPlaces:
    def get(self, client, transcript, user=None, **query):
        if user:
            client.force_login(user)
        return client.get(f"/transcripts/{transcript.pk}/places", query)

    def test_they_are_all_there(self, client, owner):
        transcript = make_transcript(owner, talk=said(*["budget", "no"] * 50), title="Plans")
        address = re.search(r'href="([^"]+)">and 47 more places', html(client, owner, q="budget"))[1]
        assert address == f"/transcripts/{transcript.pk}/places?q=budget"
        text = client.get(address).content.decode()
        assert "50 places" in text
        assert [link.partition("#")[2] for link in links(text)[1:]] == [f"line-{n}" for n in range(0, 100, 2)]

    def test_of_very_many_the_first_are_shown(self, client, owner):
        text = self.get(
            client, make_transcript(owner, talk=said(*["budget"] * 600)), owner, q="budget"
        ).content.decode()
        assert "600 places" in text
        assert "These are the first 500." in text

    @pytest.mark.parametrize("query", [{}, {"q": "nowhere"}, {"q": "-budget"}, {"q": "x" * 2000}])
    def test_there_may_be_none(self, client, owner, query):
        assert "No places" in self.get(client, make_transcript(owner), owner, **query).content.decode()

    def test_markup_is_text(self, client, owner):
        transcript = make_transcript(owner, talk=[(0, 1, EVIL, f"I say {EVIL}")], title=EVIL)
        assert EVIL not in self.get(client, transcript, owner, q=f"say {EVIL}").content.decode()

    def test_who_may_read_the_transcript_may_see_them(self, client, owner, colleague, staff):
        transcript = make_transcript(owner)
        assert self.get(client, transcript, q="budget").status_code == 302
        for user in (colleague, staff):
            assert self.get(client, transcript, user, q="budget").status_code == 403
        assert self.get(client, transcript, owner, q="budget").status_code == 200
        deletion.trash(transcript)
        assert self.get(client, transcript, owner, q="budget").status_code == 404
        text = html(client, owner, q="budget", trash="on")
        assert "/places" not in text


class TestDidYouMean:
    def meant(self, client, user, q, **query):
        found = re.search('id="meant" href="(.*?)"><bdi>(.*?)</bdi>', html(client, user, q=q, **query))
        return found and found[2]

    @pytest.mark.parametrize(
        ("query", "meant"),
        [
            ("budgt", "budget"),
            ("Moning budget", "morning budget"),
            ("hirring -lunch", "hiring -lunch"),
            ('"god mornig"', None),
        ],
    )
    def test_the_nearest_words_that_were_said(self, client, owner, query, meant):
        make_transcript(owner)
        assert self.meant(client, owner, query) == (meant and meant.replace('"', "&quot;"))

    def test_it_is_a_link_that_finds(self, client, owner, room):
        make_transcript(owner, room=room)
        address = re.search('id="meant" href="(.*?)"', html(client, owner, q="budgt", room=str(room.pk)))[1]
        assert "1 transcript found" in client.get(f"/search{address}".replace("&amp;", "&")).content.decode()

    @pytest.mark.parametrize("query", ["xyzzyxyzzy", "bdg", "morning budget penguin", "预算"])
    def test_what_nobody_said_is_not_made_up(self, client, owner, query):
        make_transcript(owner)
        assert self.meant(client, owner, query) is None

    def test_words_that_one_may_not_read_are_not_told(self, client, owner, colleague):
        make_transcript(owner, share_mode="private")
        make_transcript(colleague, talk=said("Something else."))
        assert self.meant(client, colleague, "budgt") is None
        assert self.meant(client, owner, "budgt") == "budget"


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


def test_rooms_to_choose_are_called_as_people_call_them_and_told_apart(client, owner):
    for name, title in (("a1", "Weekly"), ("b2", "Weekly"), ("zoo", ""), ("c3", "board")):
        make_transcript(owner, room=Room.objects.create(name=name, title=title, owner=owner))
    shown = re.findall(r'<option value="[^"]+"[^>]*>([^<]+)<', html(client, owner))
    assert [shown[0], *sorted(shown[1:3]), shown[3]] == ["board", "Weekly (/a1)", "Weekly (/b2)", "zoo"]


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
            assert client.get("/search", {"q": "budget"}).status_code == 200
        return len(found)

    make_transcript(owner, room=room)
    html(client, owner)
    few = queries()
    for _ in range(19):
        make_transcript(owner, room=room)
    assert queries() == few < 9


def test_only_looking_is_answered(client, owner):
    client.force_login(owner)
    assert client.post("/search").status_code == 405
