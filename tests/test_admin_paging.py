"""Lists in Admin count rows up to a bound, and say so beyond it."""

import pytest

from platforms import listing
from rooms.models import Room

ROOMS = "/admin/rooms/room/"


@pytest.fixture
def look(client, staff, owner, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 150)
    monkeypatch.setattr("platforms.admin.input.COUNTED", 150)
    client.force_login(staff)

    def look(rooms, query=""):
        Room.objects.bulk_create(Room(name=f"room-{number:03}", owner=owner) for number in range(rooms))
        return client.get(f"{ROOMS}{query}")

    return look


def test_more_rows_than_are_counted_are_said_to_be_more(look):
    answer = look(160)
    html = answer.content.decode()
    assert "more than 150 rooms" in html
    assert "Select all rooms, also those that are not counted" in html
    assert answer.context["cl"].paginator.num_pages == 2


def test_fewer_are_counted_exactly(look):
    html = look(120).content.decode()
    assert "120 rooms" in html
    assert "more than" not in html
    assert "Select all 120 rooms" in html


def test_a_search_that_finds_more_says_so_as_well(look):
    assert "More than 150 found." in look(160, "?q=room").content.decode()


def test_an_action_for_all_takes_in_those_that_are_not_counted(look, client):
    look(160)
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": str(Room.objects.first().pk)}
    assert b"160" in client.post(ROOMS, chosen).content
