"""Taking decisions back: exactly what was, also later, and what was changed since is named and left."""

import pytest
from django.core.exceptions import ValidationError

from rooms.models import Change, Rollout, Room
from rooms.rollout.actions import go_to_stage, roll_back
from rooms.rollout.decide import decide
from rooms.rollout.moves import move
from rooms.rollout.undo import CannotUndo, preview_undo, undo
from rooms.rollout.values import of_environment, present
from rooms.selection import current_policy
from tests.rooms.rollout.test_decide import FIRST, stages

pytestmark = pytest.mark.django_db


@pytest.fixture
def rooms(owner):
    return [Room.objects.create(name=f"r{number}", owner=owner, platform="mock") for number in range(3)]


def platforms():
    return dict(Room.objects.values_list("name", "platform"))


class TestRollout:
    def test_what_held_holds_again(self, staff, room):
        decide({**FIRST, "percentage": 10, "listed_rooms": frozenset([room.pk])}, staff)
        before = present()
        change = roll_back(staff, "too slow")
        assert preview_undo(change).restores == ["Master switch from off to on"]
        undone = undo(change, staff)
        assert present() == before
        assert (undone.undoes, undone.by) == (change, staff)
        assert undone.note.startswith("Undo of what staff decided on ")
        with pytest.raises(CannotUndo, match="taken back already"):
            undo(change, staff)

    def test_an_undo_can_be_undone(self, staff):
        decide(FIRST, staff)
        undone = undo(roll_back(staff), staff)
        undo(undone, staff)
        assert not present().switched_on

    def test_without_the_first_decision_the_variables_hold_again(self, settings, staff):
        change = decide({**FIRST, "percentage": 10}, staff)
        assert preview_undo(change).restores[-1] == "The environment's variables hold again"
        undo(change, staff)
        settings.DAILY_MIGRATION_PERCENTAGE = 30
        assert present() == of_environment()
        assert current_policy().percentage == 30
        assert Rollout.history.first().decided_at is None

    def test_what_others_decided_since_is_named_and_left(self, staff, room):
        decide(FIRST, staff)
        change = decide({"percentage": 10, "failover_allowed": False, "listed_rooms": frozenset([room.pk])}, staff)
        decide({"percentage": 20}, staff)
        undoing = preview_undo(change)
        assert undoing.changed_since == ["Percentage is 20 by now, not 10."]
        assert undoing.restores == ["Rooms on the list: removed standup", "Failing over from off to on"]
        undo(change, staff)
        assert (present().percentage, present().failover_allowed, present().listed_rooms) == (20, True, frozenset())

    def test_unless_it_is_to_be_as_it_was(self, staff):
        decide(FIRST, staff)
        change = decide({"percentage": 10}, staff)
        decide({"percentage": 20}, staff)
        with pytest.raises(CannotUndo, match="changed since"):
            undo(change, staff)
        undo(change, staff, everything=True)
        assert present().percentage == 0

    def test_of_lists_what_others_added_stays(self, staff, rooms):
        decide(FIRST, staff)
        change = decide({"listed_rooms": frozenset([rooms[0].pk])}, staff)
        decide({"listed_rooms": frozenset([rooms[0].pk, rooms[1].pk])}, staff)
        undo(change, staff)
        assert present().listed_rooms == {rooms[1].pk}

    def test_of_a_plan_that_went_on_no_stage_is_left(self, staff):
        decide(FIRST, staff)
        change = decide({"stages": stages(5, 25)}, staff)
        go_to_stage(1)
        undo(change, staff)
        assert (present().stages, present().stage, present().percentage) == ([], 0, 25)

    def test_what_was_must_still_be_possible(self, settings, staff):
        decide(FIRST, staff)
        change = roll_back(staff)
        settings.VIDEO_PLATFORMS = {name: each for name, each in settings.VIDEO_PLATFORMS.items() if name != "mock"}
        with pytest.raises(ValidationError, match="no platform 'mock'"):
            undo(change, staff)
        assert not present().switched_on


class TestRooms:
    def test_every_room_has_its_own_choice_again(self, staff, rooms):
        Room.objects.filter(name="r1").update(platform="")
        before = platforms()
        change = move(Room.objects.all(), "daily", staff, "all at once")
        assert (change.summary, change.note) == ("3 rooms moved to Daily.", "all at once")
        assert set(platforms().values()) == {"daily"}
        assert preview_undo(change).restores == [
            "r0 from Daily to Mock",
            "r1 from Daily to Automatic",
            "r2 from Daily to Mock",
        ]
        undone = undo(change, staff)
        assert platforms() == before
        assert (undone.summary, undone.undoes) == ("3 rooms moved back.", change)
        records = Room.history.filter(change=undone)
        assert {(record.left, record.history_user) for record in records} == {("daily", staff)}

    def test_rooms_that_others_changed_are_named_and_left(self, staff, owner, rooms):
        change = move(Room.objects.all(), "daily", staff)
        move(Room.objects.filter(name="r1"), "whereby", owner)
        Room.objects.get(name="r2").delete()
        undoing = preview_undo(change)
        assert undoing.restores == ["r0 from Daily to Mock"]
        first, second = undoing.changed_since
        assert first.startswith("r1 has Whereby since ")
        assert first.endswith("UTC, by owner.")
        assert second == "r2 was deleted meanwhile."
        undo(change, staff)
        assert platforms() == {"r0": "mock", "r1": "whereby"}

    def test_unless_they_are_to_go_back_too(self, staff, owner, rooms):
        change = move(Room.objects.all(), "daily", staff)
        move(Room.objects.filter(name="r1"), "whereby", owner)
        undo(change, staff, everything=True)
        assert set(platforms().values()) == {"mock"}

    def test_what_has_its_choice_already_is_no_decision(self, staff, rooms):
        assert move(Room.objects.all(), "mock", staff) is None
        assert Change.objects.count() == 0

    def test_nothing_is_taken_back_twice(self, staff, rooms):
        change = move(Room.objects.all(), "daily", staff)
        undo(change, staff)
        with pytest.raises(CannotUndo, match="taken back already"):
            undo(change, staff)

    def test_many_rooms_take_few_queries(self, staff, owner, django_assert_max_num_queries):
        Room.objects.bulk_create(Room(name=f"many-{number}", owner=owner) for number in range(60))
        with django_assert_max_num_queries(16):
            change = move(Room.objects.all(), "daily", staff)
        with django_assert_max_num_queries(18):
            undo(change, staff)
