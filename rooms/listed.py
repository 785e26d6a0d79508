"""The rooms that the API lists for somebody, read by few statements that are written once."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Subquery

from platforms.listing import Kept, Listing
from platforms.models import Revision
from platforms.statements import Asked, ask
from rooms.models import Room
from rooms.models.room import CO_OWNERS

NOBODY = frozenset[int]()
UNSHOWN = ["calendar_secret", "recording_retention_days", "updated_at"]


def _of_person(user_id: int) -> Listing[Room]:
    """With whether they are one of its co-owners, and the present revision of what staff decided."""
    shared_with = Room.co_owners.through.objects.filter(room=OuterRef("pk"), user=user_id)
    revision = Revision.objects.filter(pk=Revision.ONLY).values("token")
    rooms = Room.objects.defer(*UNSHOWN).annotate(is_shared_with=Exists(shared_with), revision=Subquery(revision))
    return rooms.listed_for_person(user_id)


_OF_PERSON = Kept(_of_person, user_id=lambda: (get_user_model()._meta.pk, -7))


def listed_for(user: Any) -> Listing[Room]:
    """As `RoomQuerySet.listed_for`; `read_listed` is to be told of those that are shown."""
    return _OF_PERSON.of(user_id=user.pk) if user.is_authenticated else Room.objects.listed_for(user)


def read_listed(rooms: Sequence[Any], user: Any) -> str | None:
    """Let rooms know who runs them with their owners, as far as it matters to this person; the present revision.

    None where that did not come with them.
    """
    if not user.is_authenticated or not rooms:
        return None
    person = frozenset([user.pk])
    for room in rooms:
        room.co_owner_ids = person if room.is_shared_with else NOBODY
    return rooms[0].revision or ""


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
