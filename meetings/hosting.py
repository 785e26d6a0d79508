"""Who is the host of a room's meetings: ends them, starts their recording, and comes in by the host's address."""

from typing import Any

from meetings.models import Meeting
from rooms.models import Room
from rooms.permissions import staff_may_change


def may_host(user: Any, room: Room) -> bool:
    return room.is_run_by(user) or staff_may_change(user, Meeting)
