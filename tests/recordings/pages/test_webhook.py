"""What a room's owner is told of its webhook on the first page."""

import pytest
from django.utils import timezone

from rooms.models import Room, Webhook
from tests.conftest import api_for

SAID = "Its webhook was switched off. Nothing could be delivered for five days."


@pytest.fixture
def switched_off(room):
    Room.objects.update(webhook_url="https://hooks.example.com/in-4c1d", is_shared=True)
    return Webhook.objects.create(
        room=room, off_since=timezone.now(), off_reason="Nothing could be delivered for five days."
    )


def page(user):
    answer = api_for(user).get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_owner_is_told_that_it_was_switched_off_and_why(switched_off, owner):
    assert SAID in page(owner)
    Webhook.objects.update(off_since=None)
    assert "webhook" not in page(owner)


def test_others_are_not(switched_off, colleague):
    assert "standup" in page(colleague)
    assert "webhook" not in page(colleague)


def test_nothing_is_said_of_a_room_that_has_none_any_more(switched_off, owner):
    Room.objects.update(webhook_url=None)
    assert "webhook" not in page(owner)
