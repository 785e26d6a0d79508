"""The rooms that the API lists for somebody, read by few statements that are written once."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model

from platforms.listing import Kept, Listing
from platforms.statements import Asked, ask
from rooms.models import Room
from rooms.models.room import CO_OWNERS

UNSHOWN = ["calendar_secret", "recording_retention_days", "updated_at"]
_OF_PERSON = Kept(
    lambda user_id: Room.objects.defer(*UNSHOWN).listed_for_person(user_id),
    user_id=lambda: (get_user_model()._meta.pk, -7),
)


def listed_for(user: Any) -> Listing[Room]:
    """As `RoomQuerySet.listed_for`. Who runs them with their owners is not known before `read_co_owners`."""
    return _OF_PERSON.of(user_id=user.pk) if user.is_authenticated else Room.objects.listed_for(user)


def read_co_owners(rooms: Sequence[Room], user: Any, *also: Asked) -> list[list[Any]]:
    """Of all rooms at once, as far as it matters to this person: in their own rooms they may do everything.

    What `also` give is read with it.
    """
    person = user.pk
    others = {room.id: room for room in rooms if room.owner_id != person}
    if not others or not user.is_authenticated:
        return ask(*also)
    pairs, *answers = ask(CO_OWNERS.asked(list(others)), *also)
    found = defaultdict(set)
    for pair in pairs:
        found[pair.room_id].add(pair.user_id)
    for pk, room in others.items():
        room.co_owner_ids = frozenset(found[pk])
    return answers
