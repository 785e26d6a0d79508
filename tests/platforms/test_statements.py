"""Statements whose SQL is written once."""

import uuid

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Length

from meetings.models import Meeting
from platforms.statements import Statement, StatementOfKeys, Update, ask, example
from rooms.models import Room
from tests.support.transcripts import make_meeting

pytestmark = pytest.mark.django_db


def by_name():
    examples = {"name": lambda: (Room._meta.get_field("name"), "an example")}
    return Statement(lambda name: Room.objects.filter(name=name), **examples)


def test_its_rows_are_those_of_the_queryset_with_every_field(owner):
    Room.objects.create(name="one", owner=owner, webhook_url="https://a.example", webhook_muted=["meeting.started"])
    Room.objects.create(name="two", owner=owner)
    statement = by_name()
    for name in ("one", "two", "one"):
        [room] = statement.rows(name=name)
        same = Room.objects.get(name=name)
        assert room == same
        assert not room.get_deferred_fields()
        assert {f.attname: getattr(room, f.attname) for f in Room._meta.concrete_fields} == {
            f.attname: getattr(same, f.attname) for f in Room._meta.concrete_fields
        }
    assert statement.first(name="three") is None


def test_rows_come_with_those_that_belong_to_them_and_without_what_is_left_out(owner, django_assert_num_queries):
    room = Room.objects.create(name="one", owner=owner, title="One")
    make_meeting(owner, room)
    Meeting.objects.filter(pk=make_meeting(owner).pk).update(room=None)
    meetings = Meeting.objects.select_related("room__owner").defer("room__title", "slot").order_by("-room_label")
    statement = Statement(
        lambda platform: meetings.filter(platform=platform),
        platform=lambda: (Meeting._meta.get_field("platform"), "an example"),
    )
    with django_assert_num_queries(1):
        found = statement.rows(platform="mock")
        assert {meeting.room and meeting.room.owner.username for meeting in found} == {"owner", None}
        assert [m.get_deferred_fields() for m in found] == [{"slot"}] * 2
    [of_room] = [meeting.room for meeting in found if meeting.room]
    assert (of_room, of_room.get_deferred_fields(), of_room.title) == (room, {"title"}, "One")
    assert not of_room._state.adding


def test_rows_come_locked_and_with_what_they_are_annotated_with(owner):
    for name in ("one", "two"):
        Room.objects.create(name=name, owner=owner, title=name.title())
    locked = Room.objects.select_for_update().annotate(length=Length("title")).order_by("-name")
    statement = Statement(lambda owner_id: locked.filter(owner=owner_id)[:1], owner_id=example(Room, "owner", -7))
    [room] = statement.rows(owner_id=owner.pk)
    assert (room.name, room.length) == ("two", 3)


def test_rows_are_counted(owner, django_assert_num_queries):
    statement = Statement(
        lambda owner_id: Room.objects.filter(owner=owner_id).exclude(title="Not this"),
        owner_id=example(Room, "owner", -7),
    )
    for count in range(3):
        with django_assert_num_queries(1):
            assert statement.count(owner_id=owner.pk) == count
        Room.objects.create(name=f"room-{count}", owner=owner)


def test_a_row_can_be_changed_and_saved(owner):
    Room.objects.create(name="one", owner=owner)
    room = by_name().first(name="one")
    room.is_locked = True
    room.save()
    assert Room.objects.get().is_locked


def test_values_of_the_same_kind_go_to_their_own_places(owner, colleague):
    mine = make_meeting(owner, Room.objects.create(name="one", owner=owner))
    make_meeting(colleague, Room.objects.create(name="two", owner=colleague))
    rooms = Room.objects.filter(pk=OuterRef("room"))
    statement = Statement(
        lambda room_id, not_this: Meeting.objects.filter(Exists(rooms.filter(pk=room_id))).exclude(pk=not_this),
        room_id=lambda: (Room._meta.pk, uuid.UUID(int=1)),
        not_this=lambda: (Meeting._meta.pk, uuid.UUID(int=2)),
    )
    assert statement.rows(room_id=mine.room_id, not_this=uuid.uuid4()) == [mine]
    assert statement.rows(room_id=mine.room_id, not_this=mine.pk) == []


def test_an_argument_that_decides_nothing_is_a_mistake():
    statement = Statement(lambda name: Room.objects.all(), name=lambda: (Room._meta.get_field("name"), "an example"))
    with pytest.raises(ValueError, match="name"):
        statement.rows(name="one")


def test_rows_by_any_number_of_keys(owner, django_assert_num_queries):
    rooms = [Room.objects.create(name=f"room-{number}", owner=owner) for number in range(4)]
    statement = StatementOfKeys(lambda keys: Room.objects.filter(pk__in=keys).order_by("name"))
    for wanted in (rooms[:2], rooms[1:3], rooms, rooms[:1]):
        with django_assert_num_queries(1):
            assert statement.rows([room.pk for room in wanted]) == wanted
    assert statement.rows([]) == []


def test_several_are_asked_at_once_where_the_database_takes_them_so(owner, django_assert_num_queries):
    rooms = [Room.objects.create(name=name, owner=owner) for name in ("one", "two")]
    named = by_name()
    of_keys = StatementOfKeys(lambda keys: Room.objects.filter(pk__in=keys))
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 3):
        found = ask(named.asked(name="two"), named.asked(name="three"), of_keys.asked([rooms[0].pk]))
    assert found == [rooms[1:], [], rooms[:1]]


def test_an_update_sets_its_values_where_its_conditions_hold(owner, django_assert_num_queries):
    rooms = {name: Room.objects.create(name=name, owner=owner, title="Old") for name in ("one", "two", "three")}
    update = Update(
        lambda pk, title: (Room.objects.filter(pk=pk).exclude(title=title), {"title": title}),
        pk=example(Room, "id", uuid.UUID(int=1)),
        title=example(Room, "title", "an example"),
    )
    for name, title in [("one", "First"), ("two", "Second"), ("two", "Third")]:
        with django_assert_num_queries(1):
            update.run(pk=rooms[name].pk, title=title)
    titles = dict(Room.objects.values_list("name", "title"))
    assert titles == {"one": "First", "two": "Third", "three": "Old"}
