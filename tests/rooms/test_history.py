"""Moves to another platform are kept, whatever way a room is saved, and staff see them in its history."""

import pytest
from django.test import Client

from rooms.history import changed_by
from rooms.models import Room
from tests.conftest import api_for, make_user
from tests.rooms.test_admin import move
from tests.support.migrations import migrated

pytestmark = pytest.mark.django_db


def kept():
    moves = Room.history.filter(moved=True).order_by("history_id")
    return [(move.left, move.platform, move.history_user) for move in moves]


def test_by_the_api(owner, room):
    assert api_for(owner).patch(f"/v1/rooms/{room.pk}", {"platform": None}).status_code == 200
    assert api_for(owner).patch(f"/v1/rooms/{room.pk}", {"is_locked": True, "platform": "daily"}).status_code == 200
    assert kept() == [("mock", "", owner), ("", "daily", owner)]


def test_by_a_shell(room):
    room.platform = "daily"
    room.save()
    assert kept() == [("mock", "daily", None)]


@pytest.mark.parametrize("fields", [["platform"], ["platform", "name"]])
def test_by_a_shell_that_saves_some_fields(room, fields):
    room.platform = "daily"
    room.save(update_fields=fields)
    assert kept() == [("mock", "daily", None)]


def test_what_is_not_saved_or_not_changed_is_no_move(room):
    room.platform = "daily"
    room.save(update_fields=["name"])
    room.refresh_from_db()
    room.save()
    Room.objects.filter(pk=room.pk).update(platform="mock", is_locked=True)
    Room.objects.create(name="new", owner=room.owner, platform="daily")
    assert kept() == []


def test_a_stale_copy_that_is_saved_moves_the_room_back(room):
    stale = Room.objects.get()
    Room.objects.update(platform="daily")
    stale.save()
    assert kept() == [("mock", "daily", None), ("daily", "mock", None)]


def test_by_statements_over_many_rooms(owner, room):
    Room.objects.create(name="automatic", owner=owner)
    Room.objects.create(name="there", owner=owner, platform="daily")
    assert Room.objects.filter(platform__in=["mock", ""]).update(platform="daily") == 2
    rooms = list(Room.objects.all())
    for each in rooms:
        each.platform = ""
    Room.objects.bulk_update(rooms, ["platform"])
    assert sorted(kept()[:2]) == [("", "daily", None), ("mock", "daily", None)]
    assert kept()[2:] == [("daily", "", None)] * 3


def test_what_is_rolled_back_was_no_move(room):
    with pytest.raises(RuntimeError), changed_by(room.owner):
        fail_after(room)
    assert kept() == []
    assert Room.objects.get().platform == "mock"


def fail_after(room):
    from django.db import transaction

    with transaction.atomic():
        room.platform = "daily"
        room.save()
        raise RuntimeError


def test_other_fields_are_kept_as_well(owner, room):
    api_for(owner).patch(f"/v1/rooms/{room.pk}", {"is_locked": True})
    Room.objects.update(is_shared=True)
    newest, locked, made = room.history.all()
    assert [(each.is_locked, each.is_shared, each.moved) for each in (made, locked, newest)] == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
    ]
    assert (locked.history_user, newest.history_user, made.history_type) == (owner, None, "+")


def test_what_only_those_who_may_change_it_may_see_is_not_in_the_history(room):
    fields = {field.name for field in Room.history.model._meta.get_fields()}
    assert not fields & {"ics_url", "webhook_url", "webhook_secret", "email_transcript_to"}
    before = room.history.count()
    Room.objects.update(ics_last_etag="a", webhook_url="https://hooks.example.com/a")
    room.save()
    assert room.history.count() == before


def test_a_deleted_room_stays_in_the_history(owner, room):
    api_for(owner).delete(f"/v1/rooms/{room.pk}")
    assert [(record.history_type, record.name) for record in Room.history.all()] == [("-", "standup"), ("+", "standup")]


def test_moves_of_an_older_version_are_part_of_it(transactional_db):
    user = make_user("mover")
    with migrated("rooms", "0009_rollout") as apps:
        room = apps.get_model("rooms", "Room").objects.create(name="moved", owner_id=user.pk, platform="mock")
        apps.get_model("rooms", "Room").objects.create(name="stayed", owner_id=user.pk, platform="daily")
        moves = apps.get_model("rooms", "PlatformChange").objects
        moves.create(room=room, left="daily", chosen="", by_id=user.pk)
        moves.create(room=room, left="", chosen="mock")
    assert kept() == [("daily", "", user), ("", "mock", None)]
    firsts = Room.history.filter(history_type="+").order_by("name")
    assert list(firsts.values_list("name", "platform")) == [("moved", "daily"), ("stayed", "daily")]


class TestAdmin:
    @pytest.fixture
    def admin(self, staff):
        client = Client()
        client.force_login(staff)
        return client

    def test_moves_made_there_are_kept_as_well(self, admin, staff, room):
        move(admin, room, action="follow_the_rollout")
        assert kept() == [("mock", "", staff)]

    def test_the_history_shows_who_moved_the_room(self, admin, owner, room):
        api_for(owner).patch(f"/v1/rooms/{room.pk}", {"platform": "daily"})
        Room.objects.update(platform="")
        page = " ".join(admin.get(f"/admin/rooms/room/{room.pk}/history/").content.decode().split())
        assert "<td>owner</td><td>Platform</td><td>Mock</td><td>Daily</td>" in page
        assert "<td>not known: by a shell or a command</td><td>Platform</td><td>Daily</td><td>Automatic</td>" in page

    def test_one_that_was_never_changed_says_so(self, admin, room):
        assert "The room is as it was made." in admin.get(f"/admin/rooms/room/{room.pk}/history/").content.decode()

    def test_no_such_room_is_no_error(self, admin):
        assert admin.get("/admin/rooms/room/nonsense/history/").status_code == 302

    def test_it_is_for_those_who_may_see_rooms(self, colleague, room):
        colleague.is_staff = True
        colleague.save()
        client = Client()
        client.force_login(colleague)
        assert client.get(f"/admin/rooms/room/{room.pk}/history/").status_code == 403
