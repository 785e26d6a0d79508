"""Telling rooms' receivers that staff moved the rooms to another platform."""

from collections.abc import Sequence
from typing import Any

from rooms.models import Room
from rooms.webhooks.events import emit


def tell(moves: Sequence[Any]) -> None:
    """Of records of rooms' history; null stands for automatic."""
    by_room = {move.id: move for move in moves}
    for room in Room.objects.filter(pk__in=by_room, webhook_url__gt=""):
        move = by_room[room.pk]
        platform = {"left": move.left or None, "chosen": move.platform or None, "at": move.history_date}
        emit(room, "rollout.platform_changed", lambda platform=platform: {"platform": platform})  # type: ignore[misc]
