"""Deciding on the rollout: by whom, in which words, what is refused, and who is told that he is late."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import override_settings

from platforms.handler import get_available_platforms
from rooms.models import Change, Rollout, Room
from rooms.rollout.actions import go_to_stage, pause, resume, roll_back
from rooms.rollout.decide import Outdated, decide
from rooms.rollout.values import of_record, present
from rooms.rollout.words import environment_differs, told
from rooms.selection import current_policy

pytestmark = pytest.mark.django_db
FIRST = {"switched_on": True, "target_platform": "mock"}


@pytest.fixture(autouse=True)
def _variables(settings):
    settings.DAILY_MIGRATION_ROOM_IDS = []
    settings.VIDEO_PLATFORM_FAILOVER = ["whereby", "mock"]


def stages(*percentages):
    return [{"percentage": each, "minimum_hours": 0, "minimum_meetings": 0} for each in percentages]


def refused(edits, **kwargs):
    with pytest.raises(ValidationError) as error:
        decide(edits, **kwargs)
    return {name: " ".join(messages) for name, messages in error.value.message_dict.items()}


def test_the_first_decision_begins_with_what_the_variables_say(settings, staff, room):
    settings.DAILY_MIGRATION_ROOM_IDS = [str(room.pk), "00000000-0000-4000-8000-000000000000"]
    settings.DAILY_MIGRATION_PERCENTAGE = 5
    change = decide(FIRST, staff, "it is time")
    rollout = Rollout.objects.get()
    assert (rollout.percentage, rollout.default_platform, list(rollout.listed_rooms.all())) == (5, "whereby", [room])
    assert (rollout.decided_by, rollout.decided_at, rollout.version) == (staff, change.at, 1)
    assert change.summary == "Master switch from off to on; Target platform from Daily to Mock."
    assert told(change).endswith(
        "UTC, staff: Master switch from off to on; Target platform from Daily to Mock. (it is time)"
    )
    assert current_policy().percentage == 5


def test_the_history_holds_each_decision_once_and_whole(staff, room):
    decide(FIRST, staff)
    decide({"listed_rooms": frozenset([room.pk]), "percentage": 10}, staff, "go")
    newest, first, started = Rollout.history.all()
    assert (newest.history_user, newest.history_change_reason, newest.change.note) == (staff, "go", "go")
    assert of_record(newest) == present()
    assert (of_record(first).percentage, of_record(first).listed_rooms) == (0, frozenset())
    assert (of_record(started).switched_on, started.decided_at) == (False, None)


def test_what_is_so_already_is_no_decision(staff):
    assert decide({"switched_on": False}, staff) is None
    decide(FIRST, staff)
    assert decide(FIRST, staff) is None
    assert Change.objects.count() == 1


def test_the_second_of_two_is_told_what_the_first_changed(staff):
    decide(FIRST, staff)
    decide({"percentage": 10}, staff, "go", version=1)
    with pytest.raises(Outdated) as error:
        decide({"percentage": 20}, staff, version=1)
    (sentence,) = error.value.changes
    assert sentence.endswith("UTC, staff: Percentage from 0 to 10. (go)")
    assert present().percentage == 10


@pytest.mark.parametrize(
    ("edits", "field", "said"),
    [
        (
            {"target_platform": "skype"},
            "target_platform",
            f"There is no platform 'skype'. There are: {', '.join(get_available_platforms())}.",
        ),
        (
            {"target_platform": "daily", "percentage": 5},
            "target_platform",
            "Daily is not configured: set DAILY_API_KEY.",
        ),
        ({"default_platform": "daily"}, "default_platform", "Daily is not configured: set DAILY_API_KEY."),
        ({"failover_order": ["mock", "skype"]}, "failover_order", "There is no platform 'skype'."),
        ({"failover_order": ["mock", "mock"]}, "failover_order", "mock is named twice."),
        ({"percentage": 101}, "percentage", "A whole number from 0 to 100."),
        ({"percentage": 5, "stages": stages(10)}, "percentage", "The plan says 10 %."),
        ({"stages": stages(5, 25, 20)}, "stages", "Stage 3 has 20 % after 25 %."),
        ({"stages": stages(5, 5)}, "stages", "Stage 2 has 5 % after 5 %."),
        ({"stages": stages(0)}, "stages", "Stage 1: percentage is a whole number from 1 to 100."),
        ({"stages": [5]}, "stages", "A list of stages"),
        ({"stages": [{"percentage": 5, "minimum_hours": -1}]}, "stages", "Stage 1: minimum_hours"),
        ({"stages": [{"percentage": 5, "minimum_meetings": 1.5}]}, "stages", "Stage 1: minimum_meetings"),
        ({"stages": [{"percentage": 5, "hours": 1}]}, "stages", "Stage 1 has 'hours'"),
        ({"on_breach": "weep"}, "on_breach", "There are: pause, step-back."),
        ({"guards": []}, "guards", "Guards are an object"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(edits, field, said):
    assert said in refused({**FIRST, **edits})[field]
    assert Change.objects.count() == 0


def test_a_room_on_the_list_cannot_be_held_back(room):
    both = {"listed_rooms": frozenset([room.pk]), "held_back_rooms": frozenset([room.pk])}
    assert refused({**FIRST, **both}) == {
        "held_back_rooms": "On the list and held back at once: standup. Take each from one of them."
    }


def test_what_lacks_its_key_since_can_still_be_left(settings):
    decide({**FIRST, "percentage": 50})
    without = {name: value for name, value in settings.VIDEO_PLATFORMS.items() if name != "mock"}
    with override_settings(VIDEO_PLATFORMS=without):
        assert "There is no platform 'mock'." in refused({"percentage": 60})["target_platform"]
        decide({"percentage": 40})
        roll_back()
    assert (present().percentage, present().switched_on) == (40, False)


def test_a_plan_begins_with_what_is_reached_already():
    decide({**FIRST, "percentage": 30})
    decide({"stages": stages(5, 25, 100)})
    assert (present().stage, present().percentage) == (1, 25)
    assert "Take the plan away first" in refused({"percentage": 40})["percentage"]
    decide({"stages": stages(5, 25, 50, 100)})
    assert (present().stage, present().percentage) == (1, 25)
    decide({"stages": []})
    assert (present().stage, present().percentage, present().stage_began_at) == (0, 25, None)


def test_a_plan_is_paused_resumed_and_taken_through_its_stages(staff):
    with pytest.raises(ValidationError, match="has no plan"):
        pause()
    decide({**FIRST, "stages": stages(5, 25)})
    began = present().stage_began_at
    assert pause(staff, "it rains").summary.startswith("Paused from none to ")
    assert present().paused_because == "it rains"
    assert pause(staff, "again") is None
    assert resume().summary.startswith("Paused from ")
    assert (present().paused_at, present().paused_because) == (None, "")
    assert present().stage_began_at > began
    assert resume() is None
    assert go_to_stage(1).summary == "Percentage from 5 to 25; Stage from 1 to 2."
    assert go_to_stage(0, note="a breach", via="a guard").note == "a breach"
    assert present().percentage == 5
    with pytest.raises(ValidationError, match="2 stages"):
        go_to_stage(2)


def test_rolling_back_switches_off(staff):
    decide(FIRST, staff)
    assert roll_back(staff, "too slow").summary == "Master switch from on to off."
    assert roll_back(staff) is None
    assert not current_policy().switched_on


def test_lists_are_told_by_name_or_number(owner, room):
    rooms = [room.pk, *(Room.objects.create(name=f"r{n}", owner=owner).pk for n in range(4))]
    group = Group.objects.create(name="pilots")
    change = decide({**FIRST, "listed_rooms": frozenset(rooms), "groups": frozenset([group.pk])})
    assert "Rooms on the list: added 5; Groups that go first: added pilots." in change.summary
    assert "Rooms on the list: removed standup." in decide({"listed_rooms": frozenset(rooms[1:])}).summary


def test_a_variable_that_was_changed_since_says_so(settings, staff):
    decide({**FIRST, "percentage": 10}, staff)
    assert environment_differs(Rollout.objects.get()) == []
    settings.DAILY_MIGRATION_PERCENTAGE = 20
    (sentence,) = environment_differs(Rollout.objects.get())
    assert sentence.startswith(
        "DAILY_MIGRATION_PERCENTAGE was changed: the environment says 20, Admin decided 10 on 20"
    )
    assert sentence.endswith("UTC by staff.")
    decide({"percentage": 20})
    assert environment_differs(Rollout.objects.get()) == []
    assert current_policy().percentage == 20
