"""Lists that are made of several querysets, and counts that stop."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from platforms import listing
from platforms.listing import Kept, Listing
from rooms.models import Room
from tests.conftest import api_for

ROOMS = "/v1/rooms"


@pytest.fixture
def rooms(owner, colleague):
    """Ten rooms of each, made in turns."""
    for number in range(10):
        Room.objects.create(name=f"own-{number}", owner=owner)
        Room.objects.create(name=f"other-{number}", owner=colleague, is_shared=True)
    parts = [Room.objects.filter(owner=owner), Room.objects.filter(owner=colleague)]
    return Listing(Room.objects.select_related("owner"), parts, Room._meta.ordering)


def test_any_piece_of_it_is_that_of_the_whole(rooms):
    whole = list(Room.objects.all())
    assert rooms[:100] == whole
    for start, stop in [(0, 1), (0, 7), (3, 12), (9, 20), (15, 40), (20, 30)]:
        assert rooms[start:stop] == whole[start:stop]
    assert rooms[4] == whole[4]


def test_nothing_is_asked_for_or_found_in_vain(rooms, owner, django_assert_num_queries):
    """As of the first page of somebody who has no room, and of a part that is known to hold none."""
    assert rooms[0:0] == []
    own = Room.objects.filter(owner=owner)
    for parts in ([own, Room.objects.none()], [Room.objects.none(), own]):
        assert len(Listing(Room.objects.all(), parts, Room._meta.ordering)[:20]) == 10
    with django_assert_num_queries(0):
        assert Listing(Room.objects.all(), [Room.objects.none()] * 2, Room._meta.ordering)[:20] == []


def test_it_is_narrowed_and_ordered_as_a_queryset_is(rooms):
    narrow = rooms.filter(name__endswith="-3").order_by("name", "id")
    assert [room.name for room in narrow[:10]] == ["other-3", "own-3"]
    assert narrow.count() == 2
    assert rooms.values("name", 0, 2) == ["other-9", "own-9"]


def test_of_a_few_rows_so_many_keys_are_asked_for_that_a_persons_rows_are_looked_for_first(rooms):
    """tests.bench.growth shows what it is for: with a million rows, home of somebody who has 50 took seconds."""
    with CaptureQueriesContext(connection) as queries:
        assert len(rooms[3:6]) == 3
    keys = queries[0]["sql"]
    assert keys.count(f"LIMIT {3 + listing.FEWEST}") == 2
    assert f"LIMIT {listing.FEWEST} OFFSET 3" in keys
    assert "LIMIT 6" not in keys


def test_its_rows_come_with_what_they_are_read_with(rooms, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert {room.owner.username for room in rooms[:20]} == {"owner", "colleague"}


@pytest.fixture
def kept(rooms):
    """The same list of whoever asks: their own rooms, and the shared ones of others."""

    def build(user_id):
        parts = [Room.objects.filter(owner=user_id), Room.objects.filter(is_shared=True).exclude(owner=user_id)]
        return Listing(Room.objects.select_related("owner"), parts, Room._meta.ordering)

    return Kept(build, user_id=lambda: (get_user_model()._meta.pk, -7))


def test_one_whose_sql_is_kept_is_the_same_for_each_person(kept, owner, colleague, django_assert_num_queries):
    shared = [room for room in Room.objects.all() if room.is_shared]
    for person, theirs in [(owner, list(Room.objects.all())), (colleague, shared), (owner, list(Room.objects.all()))]:
        rooms = kept.of(user_id=person.pk)
        with django_assert_num_queries(4):
            assert (rooms[:100], rooms[3:12], rooms[4:5]) == (theirs, theirs[3:12], theirs[4:5])
            assert rooms.count() == len(theirs)
            assert rooms[7:7] == []
            assert all(room.owner.username for room in rooms[:0])
        assert {room.owner.username for room in rooms[:100]} == {room.owner.username for room in theirs}


def test_one_whose_sql_is_kept_is_narrowed_and_counted_as_others_are(kept, owner, monkeypatch):
    rooms = kept.of(user_id=owner.pk)
    assert [room.name for room in rooms.filter(name__endswith="-3").order_by("name", "id")[:10]] == ["other-3", "own-3"]
    assert rooms.filter() is rooms
    assert rooms.values("name", 0, 2) == ["other-9", "own-9"]
    for counted in (14, 20, 3):
        monkeypatch.setattr(listing, "COUNTED", counted)
        assert rooms.count() == min(counted + 1, 20)


def test_no_more_rows_are_read_than_asked_for(kept, owner):
    """Also where more keys are."""
    rooms = kept.of(user_id=owner.pk)
    with CaptureQueriesContext(connection) as queries:
        assert len(rooms[3:6]) == 3
    [statement] = queries
    assert f"LIMIT {listing.FEWEST} OFFSET 3) " in statement["sql"]
    assert statement["sql"].count("FROM page ORDER BY created_at DESC, id DESC LIMIT 3") == 1


def test_values_are_read_without_objects(kept, rooms, owner, django_assert_num_queries):
    fields = ("id", "owner__username", "webhook_muted", "created_at")
    same = list(Room.objects.values_list(*fields))
    theirs = kept.of(user_id=owner.pk).of_values(*fields)
    with django_assert_num_queries(1):
        assert [tuple(row) for row in theirs[2:9]] == same[2:9]
    assert [tuple(row) for row in theirs.filter(name__endswith="-3")[:9]] == [
        tuple(row) for row in Room.objects.filter(name__endswith="-3").values_list(*fields)
    ]
    assert [tuple(row) for row in rooms.of_values(*fields)[:30]] == same
    assert rooms.of_values(*fields).filter(name="nowhere")[:9] == []


def test_a_page_comes_with_the_count_where_that_costs_nothing(kept, rooms, owner, django_assert_num_queries):
    with django_assert_num_queries(1):
        page, count = kept.of(user_id=owner.pk).page_and_count(3, 12)
    assert page == list(Room.objects.all()[3:12])
    assert count == (20 if connection.vendor == "postgresql" else None)
    assert rooms.page_and_count(3, 12) == (page, None)


def joined(listing, separator, texts):
    """The names of its rows, of which the number is told by a text."""
    sql, parameters = listing.counted(100).query.sql_with_params()
    wanted = f"FROM rooms_room WHERE id IN ({sql}) AND name <> %s ORDER BY name"
    return f"SELECT name, '{separator}', %s {wanted}", [texts[0], *parameters, texts[1]]


def test_an_sql_of_ones_own_is_kept_too(kept, rooms, owner):
    whole = [room.name for room in Room.objects.order_by("name")]
    for some in (rooms, kept.of(user_id=owner.pk)):
        for one, other in [("a", "own-1"), ("%s", "own-2")]:
            found = some.ask(joined, "-", texts=[one, other])
            assert [tuple(row) for row in found] == [(name, "-", one) for name in whole if name != other]


def test_counting_stops_one_beyond_the_bound(rooms, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 14)
    assert rooms.count() == 15
    monkeypatch.setattr(listing, "COUNTED", 20)
    assert rooms.count() == 20


def test_a_page_says_that_there_are_more_than_were_counted_and_goes_on(rooms, owner, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 5)
    monkeypatch.setattr("rooms.api.pagination.COUNTED", 5)
    api = api_for(owner)
    pages = [api.get(ROOMS, {"size": 4, "page": page}).json() for page in range(1, 7)]
    assert [page["total"] for page in pages] == [6, 9, 13, 17, 20, 6]
    assert [len(page["items"]) for page in pages] == [4, 4, 4, 4, 4, 0]
    assert [page["pages"] for page in pages[:5]] == [2, 3, 4, 5, 5]


def test_a_page_that_is_not_full_needs_no_count(rooms, owner, django_assert_max_num_queries):
    answer = api_for(owner).get(ROOMS, {"size": 15, "page": 2}).json()
    assert (answer["total"], answer["pages"], len(answer["items"])) == (20, 2, 5)
