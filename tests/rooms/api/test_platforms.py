"""GET /v1/platforms: which there are, what they can do, and whether new meetings open on them."""

import pytest
from django.contrib.auth.models import Permission

from platforms.handler import get_available_platforms
from platforms.health import states
from tests.conftest import api_for, make_user

pytestmark = pytest.mark.django_db


def listed(user):
    return {platform["name"]: platform for platform in api_for(user).get("/v1/platforms").json()}


def test_it_says_what_each_can_do_and_whether_it_is_usable(owner):
    platforms = listed(owner)
    assert list(platforms) == get_available_platforms()
    mock = platforms["mock"]
    assert {name: mock[name] for name in ("label", "usable", "cordoned", "failing", "reason")} == {
        "label": "Mock",
        "usable": True,
        "cordoned": False,
        "failing": False,
        "reason": "",
    }
    assert mock["capabilities"]["supports_locking"] is True
    assert mock["capabilities"]["recording_types"] == ["cloud", "local", "none"]
    assert platforms["daily"]["usable"] is False


def test_a_cordon_is_seen_by_all_and_its_reason_by_staff_with_a_permission(owner, staff):
    states.cordon("mock", by=staff, reason="It is slow")
    mock = listed(owner)["mock"]
    assert (mock["usable"], mock["cordoned"], mock["reason"]) == (False, True, "")
    assert listed(staff)["mock"]["reason"] == "Mock is cordoned by staff: It is slow."


@pytest.mark.parametrize(
    ("permission", "sees"), [(None, False), ("operate", True), ("view_platformstate", True), ("view_room", True)]
)
def test_who_is_told_why(permission, sees):
    person = make_user("ada", is_staff=True)
    if permission:
        person.user_permissions.add(Permission.objects.get(codename=permission))
    assert bool(listed(person)["daily"]["reason"]) is sees


def test_the_permission_means_nothing_without_being_staff(owner):
    owner.user_permissions.add(Permission.objects.get(codename="operate"))
    assert listed(owner)["daily"]["reason"] == ""


def test_it_is_for_reading_only_and_for_people_who_are_signed_in(owner, settings):
    assert api_for(owner).post("/v1/platforms", {}).status_code == 405
    assert api_for().get("/v1/platforms").status_code == 401
    settings.PUBLIC_MODE = True
    assert api_for().get("/v1/platforms").status_code == 200


def test_it_costs_one_query_however_many_there_are(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(states.standings()) == len(get_available_platforms())
