"""Whereby's refusals, its lists with cursors, and who is counted as a client."""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, jsonify, request

from platforms.sandbox.wire.api import Refused, number_asked
from platforms.sandbox.world.model import Person, Room

Item = TypeVar("Item")


def refused(status: int, error: str) -> Refused:
    """Of refusals only the 429 is specified."""
    return Refused(status, {"error": error})


def invalid(error: str) -> Refused:
    return refused(400, error)


def listed(items: Sequence[Item], show: Callable[[Item], dict[str, Any]], limit: int) -> Response:
    """One page; the cursor is null on the last one. `limit` is the size of a page unless the request says another."""
    size = number_asked("limit", limit, 1, 100, invalid)
    start = _start(request.args.get("cursor", ""))
    following = start + size
    cursor = base64.urlsafe_b64encode(str(following).encode()).decode() if following < len(items) else None
    return jsonify(results=[show(item) for item in items[start:following]], cursor=cursor)


def _start(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except ValueError as error:
        raise invalid("The cursor is not valid.") from error


def in_order(shown: list[dict[str, Any]], fields: Sequence[str]) -> list[dict[str, Any]]:
    """By the request's sortBy, as `field:asc` or `field:desc`."""
    wanted = request.args.get("sortBy", "")
    field, _, direction = wanted.partition(":")
    if not wanted:
        return shown
    if field not in fields or direction not in {"asc", "desc"}:
        raise invalid("sortBy is not valid.")
    return sorted(shown, key=lambda item: (item[field] is not None, item[field]), reverse=direction == "desc")


def moment_of(text: object) -> datetime | None:
    """An ISO 8601 time, in UTC where it does not say another zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def clients(room: Room) -> list[Person]:
    """Everybody who is or was in, the recorders too."""
    return sorted([*room.visits, *room.provider["bots"]], key=lambda person: person.joined_at)
