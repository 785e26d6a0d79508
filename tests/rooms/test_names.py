"""What rooms are called: their titles, their addresses in any case, and the addresses that they had."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client

from rooms import names
from rooms.models import FormerName, Room
from tests.conftest import api_for, error, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("Weekly Team Meeting", "weekly-team-meeting"),
        ("  Café, größer & Straße ", "cafe-grosser-strasse"),
        ("Q3/2026: budget_plan!", "q3-2026-budget_plan"),
        ("Ünïcôde", "unicode"),
        ("_-_", ""),
        ("预算", ""),
        ("x" * 150, "x" * 100),
        ("a" * 99 + " b", "a" * 99),
    ],
)
def test_a_title_becomes_an_address(title, address):
    assert names.address_of(title) == address
    if address:
        names.url_safe(address)


@pytest.mark.parametrize("path", ["/STANDUP", "/Standup/"])
def test_a_room_is_found_in_any_case_and_led_to_its_own_address(room, path):
    answer = Client().get(f"{path}?from=mail")
    assert (answer.status_code, answer["Location"]) == (302, "/standup?from=mail")


def test_no_two_names_differ_in_case_alone(room, owner):
    api = api_for(owner)
    answer = api.post("/v1/rooms", {"name": "StandUp"}, format="json")
    assert (answer.status_code, answer.json()) == (400, error("Room name is not unique"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Room.objects.create(name="STANDUP", owner=owner)


def test_capital_letters_of_ones_own_name_can_be_changed(room, owner):
    room.name = "StandUp"
    room.save()
    assert Client().get("/standup")["Location"] == "/StandUp"
    assert not FormerName.objects.exists()


def test_the_address_of_before_leads_to_a_renamed_room(room, owner):
    rename(room, "daily")
    meeting_id = "6a7f8e9d-0000-4000-8000-000000000000"
    assert Client().get("/Standup")["Location"] == "/daily"
    assert Client().get(f"/standup/{meeting_id}")["Location"] == f"/daily/{meeting_id}"
    own = Client()
    own.force_login(owner)
    assert own.get("/rooms/standup")["Location"] == "/rooms/daily"
    rename(room, "morning")
    assert [Client().get(f"/{name}")["Location"] for name in ("standup", "daily")] == ["/morning"] * 2
    rename(room, "standup")
    assert Client().get("/standup").status_code == 200
    assert Client().get("/daily")["Location"] == "/standup"


def test_another_room_may_take_a_name_that_is_free(room, owner):
    rename(room, "daily")
    Room.objects.create(name="STANDUP", owner=owner)
    assert Client().get("/standup")["Location"] == "/STANDUP"
    assert not FormerName.objects.exists()
    rename(Room.objects.get(name="daily"), "other")
    assert Client().get("/standup")["Location"] == "/STANDUP"


def test_a_deleted_rooms_addresses_lead_nowhere(room):
    rename(room, "daily")
    room.delete()
    assert Client().get("/standup").status_code == 404


@pytest.mark.parametrize("name", ["standup", "STANDUP", "daily", "Daily"])
def test_programs_find_it_by_all_these_names(room, owner, name):
    rename(room, "daily")
    assert api_for(owner).get(f"/v1/rooms/name/{name}").json()["name"] == "daily"
    assert api_for(None).post(f"/v1/rooms/{name}/meeting", {}, format="json").status_code == 200
    assert api_for(None).get(f"/v1/rooms/{name}/meetings/active").status_code == 200
    assert api_for(owner).get(f"/v1/rooms/{name}/calendar-link").status_code == 200


def test_what_no_room_can_be_called_is_not_found(owner):
    assert api_for(owner).get("/v1/rooms/name/a%00b").status_code == 404


def test_a_title_is_read_and_changed_by_programs(room, owner):
    api = api_for(owner)
    answer = api.patch(f"/v1/rooms/{room.pk}", {"title": "Daily\u202e talk"}, format="json").json()
    assert (answer["name"], answer["title"]) == ("standup", "Daily talk")
    assert api.patch(f"/v1/rooms/{room.pk}", {"title": ""}, format="json").json()["title"] == ""
    assert api.patch(f"/v1/rooms/{room.pk}", {"title": "x" * 201}, format="json").status_code == 422


def test_rooms_of_before_that_look_alike_are_told_apart(owner):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX room_name_unique_in_any_case")
    Room.objects.bulk_create([Room(name=name, owner=owner) for name in ("Weekly", "weekly", "weekly-2", "WEEKLY")])
    import_module("rooms.migrations.0019_titles").rename_look_alikes(apps, None)
    found = list(Room.objects.values_list("name", flat=True))
    assert len({name.lower() for name in found}) == 4
    assert "weekly-2" in found


def rename(room, name):
    room.name = name
    room.save()


def test_whose_room_it_is_makes_no_difference_to_its_name(room):
    assert api_for(make_user("other")).post("/v1/rooms", {"name": "Standup"}, format="json").status_code == 400
