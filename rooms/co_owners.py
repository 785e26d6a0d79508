"""Who runs a room together with its owner: so many at most, whichever way they come to it."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from rooms.models import Room

MOST = 50


def full() -> str:
    """Why nobody else can be one."""
    return gettext("A room has at most %(count)s co-owners.") % {"count": MOST}


def add(room: Room, user: Any) -> bool:
    """False where the room has as many as it may have."""
    with transaction.atomic():
        Room.objects.select_for_update().get(pk=room.pk)  # so that of two who come at once the second is counted
        others = room.co_owners.exclude(pk=user.pk)
        if others.count() >= MOST:
            return False
        room.co_owners.add(user)
    return True


def is_full(room: Room) -> bool:
    """With those who are invited to it and have not answered yet."""
    invited = room.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())
    return room.co_owners.count() + invited.count() >= MOST
