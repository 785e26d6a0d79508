"""What was answered is not kept in memory until garbage is collected."""

import gc
import weakref

import pytest
from django.test import RequestFactory

from rooms.api.views import RoomByName


@pytest.fixture
def _no_collecting():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("room", "_no_collecting")
def test_an_answer_is_gone_once_it_was_sent():
    response = RoomByName.as_view()(RequestFactory().get("/v1/rooms/name/standup"), room_name="standup").render()
    assert response.status_code == 200
    answer = weakref.ref(response)
    del response
    assert answer() is None
