"""The address of a calendar that Admin takes is one that the API takes."""

import pytest

from rooms.models import Room
from tests.conftest import api_for

INSIDE = [
    "http://169.254.169.254/",
    "http://127.0.0.1:6379/",
    "http://localhost/x",
    "ftp://example.com/",
    "http://[::1]/",
]


def form(room, **changes):
    fields = {"name": room.name, "owner": room.owner_id, "platform": room.platform, "room_mode": room.room_mode}
    fields |= {"recording_type": room.recording_type, "recording_trigger": room.recording_trigger}
    return {**fields, "ics_fetch_interval": room.ics_fetch_interval, **changes}


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused_as_by_the_api(client, staff, room, address):
    client.force_login(staff)
    page = client.post(f"/admin/rooms/room/{room.pk}/change/", form(room, ics_url=address))
    assert page.status_code == 200
    assert 'id="id_ics_url_error"' in page.content.decode()
    assert api_for(staff).patch(f"/v1/rooms/{room.pk}", {"ics_url": address}).status_code == 422
    assert not Room.objects.filter(ics_url__isnull=False).exists()


def test_one_that_is_stored_keeps_nobody_from_saving_the_rest(client, staff, room):
    Room.objects.update(ics_url=INSIDE[0])
    client.force_login(staff)
    page = client.post(f"/admin/rooms/room/{room.pk}/change/", form(room, ics_url="", is_locked="on"))
    assert page.status_code == 302
    assert Room.objects.get().is_locked
