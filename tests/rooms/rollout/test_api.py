"""GET and PATCH /v1/rollout."""

import pytest
from django.contrib.auth.models import Group, Permission

from platforms.handler import get_available_platforms
from rooms.models import Change, Rollout, Room
from rooms.rollout.decide import decide
from tests.conftest import api_for, make_user
from tests.rooms.rollout.test_decide import FIRST, stages

pytestmark = pytest.mark.django_db


def decider(*names):
    user = make_user("decider", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names or ["change_rollout"]))
    return user


@pytest.fixture
def api():
    return api_for(decider())


@pytest.fixture(autouse=True)
def _failover(settings):
    settings.VIDEO_PLATFORM_FAILOVER = ["mock"]


def patch(api, status=200, **values):
    answer = api.patch("/v1/rollout", values)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_while_nobody_decided_the_variables_are_told(api, settings):
    settings.DAILY_MIGRATION_PERCENTAGE = 5
    said = api.get("/v1/rollout").json()
    assert (said["percentage"], said["default_platform"], said["target_platform"]) == (5, "whereby", "daily")
    assert (said["decided_at"], said["decided_by"], said["version"]) == (None, None, 0)


def test_only_what_is_sent_changes(api, room):
    group = Group.objects.create(name="pilots")
    said = patch(api, switched_on=True, target_platform="mock", note="it is time")
    assert (said["switched_on"], said["decided_by"], said["version"]) == (True, "decider", 1)
    said = patch(api, listed_rooms=[str(room.pk)], groups=["pilots"], stages=[{"percentage": 5}])
    assert (said["switched_on"], said["listed_rooms"], said["groups"]) == (True, [str(room.pk)], ["pilots"])
    assert (said["stages"], said["percentage"], said["stage"]) == ([{"percentage": 5}], 5, 0)
    assert list(Rollout.objects.get().groups.all()) == [group]
    assert Change.objects.last().note == "it is time"


def test_how_the_plan_stands_is_told(api, settings):
    whereby = {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "whereby": whereby}
    assert patch(api, switched_on=True, target_platform="mock")["plan"] is None
    said = patch(api, stages=[{"percentage": 5, "minimum_meetings": 20}, {"percentage": 100}])["plan"]
    assert (said["stage"], said["of"], said["percentage"], said["meetings"]) == (1, 2, 5, 0)
    assert said["sentence"].startswith("Stage 1 of 2, 5 %: 0 of 20 meetings. Waits for 20 more meetings and ")
    assert said["guards"][0] == {
        "name": "failed-openings",
        "label": "Openings that fail",
        "outcome": "not-enough-yet",
        "sentence": "Openings that fail: none on Mock, none on Whereby in the same time; "
        "not enough yet, 20 on Mock are needed.",
    }


def test_what_was_read_and_is_sent_back_changes_nothing(api, room):
    assert patch(api, **api.get("/v1/rollout").json())["decided_at"] is None
    decide({**FIRST, "listed_rooms": frozenset([room.pk]), "stages": stages(5, 25)})
    read = api.get("/v1/rollout").json()
    assert {**patch(api, **read), "plan": "as of later"} == {**read, "plan": "as of later"}
    assert Change.objects.count() == 1
    assert patch(api, **{**read, "stages": stages(50)})["percentage"] == 50


def test_the_second_of_two_is_told_what_the_first_changed(api, staff):
    version = api.get("/v1/rollout").json()["version"]
    decide({**FIRST, "percentage": 10}, staff, "first")
    detail = patch(api, 409, version=version, percentage=20)["detail"]
    assert detail.startswith("The rollout was changed meanwhile: 20")
    assert detail.endswith("Percentage from 0 to 10. (first)")
    assert Rollout.objects.get().percentage == 10


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"target_platform": "daily"}, "target_platform", "Daily is not configured: set DAILY_API_KEY."),
        (
            {"target_platform": "skype"},
            "target_platform",
            f"There is no such platform; there are: {', '.join(get_available_platforms())}.",
        ),
        ({"percentage": 101}, "percentage", "Ensure this value is less than or equal to 100."),
        ({"percentage": 1.5}, "percentage", "A valid integer is required."),
        ({"stages": stages(50, 25)}, "stages", "Stage 2 has 25 % after 50 %."),
        ({"stages": "5,25"}, "stages", "A list of stages"),
        ({"stages": None}, "stages", "This field may not be null."),
        ({"listed_rooms": ["00000000-0000-4000-8000-000000000000"]}, "listed_rooms", "There is no room 00000000"),
        ({"listed_rooms": ["standup"]}, "listed_rooms", "Must be a valid UUID."),
        ({"groups": ["nobodies"]}, "groups", "There is no group 'nobodies'."),
        ({"failover_order": ["mock", "mock"]}, "failover_order", "mock is there twice. Name each once."),
        ({"guards": {"weather": {}}}, "guards", "There is no guard weather"),
        ({"on_breach": "weep"}, "on_breach", "is not a valid choice"),
        ({"note": "x" * 1001}, "note", "no more than 1000"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(api, values, field, said):
    decide({"switched_on": True, "target_platform": "mock"})
    (problem,) = patch(api, 422, **values)["detail"]
    assert problem["loc"][:2] == ["body", field]
    assert said in problem["msg"]
    assert Change.objects.count() == 1


def test_a_room_twice_or_on_both_lists_is_refused(api, room):
    key = str(room.pk)
    (problem,) = patch(api, 422, listed_rooms=[key, key])["detail"]
    assert problem["msg"] == f"{key} is there twice. Name each once."
    (problem,) = patch(api, 422, target_platform="mock", listed_rooms=[key], held_back_rooms=[key])["detail"]
    assert problem["msg"].startswith("On the list and held back at once: standup.")


def test_who_may_look_at_rooms_sees_it_and_cannot_change_it():
    api = api_for(decider("view_room"))
    assert api.get("/v1/rollout").status_code == 200
    assert api.patch("/v1/rollout", {"switched_on": True}).status_code == 403


def test_a_permission_without_being_staff_opens_nothing():
    user = decider("view_rollout", "change_rollout")
    user.is_staff = False
    user.save()
    assert {api_for(user).get("/v1/rollout").status_code, api_for(user).patch("/v1/rollout", {}).status_code} == {403}


class TestRooms:
    """null is automatic, and an automatic room stays so when what it opens on is sent back."""

    @pytest.fixture
    def automatic(self, owner):
        return Room.objects.create(name="automatic", owner=owner)

    def test_an_automatic_room_stays_automatic(self, owner, automatic, settings):
        decide({**FIRST, "percentage": 100, "default_platform": "mock"})
        api = api_for(owner)
        read = api.get(f"/v1/rooms/{automatic.pk}").json()
        assert (read["platform"], read["platform_is_automatic"]) == ("mock", True)
        sent = {name: read[name] for name in ("name", "platform", "is_locked", "never_elsewhere")}
        assert api.patch(f"/v1/rooms/{automatic.pk}", sent).json()["platform_is_automatic"]
        assert Room.history.filter(moved=True).count() == 0

    def test_null_is_automatic(self, owner, room):
        said = api_for(owner).patch(f"/v1/rooms/{room.pk}", {"platform": None, "never_elsewhere": True}).json()
        assert (said["platform_is_automatic"], said["never_elsewhere"]) == (True, True)
