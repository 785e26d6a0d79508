"""When a call, which providers name a session or a meeting, begins and ends by the rules of its room."""

import uuid
from datetime import UTC, datetime, timedelta

from platforms.sandbox.world.model import Call, Room


def begin(room: Room, time_scale: float) -> Call | None:
    """The call that begins now; None when it is not time for one. Times of waiting are multiplied by `time_scale`."""
    present, rules = room.people, room.rules
    is_enough = len(present) >= rules.quorum or _is_over(room, rules.alone_starts, time_scale)
    if room.call or not present or not is_enough:
        return None
    call = Call(str(uuid.uuid4()), datetime.now(UTC), visits=present, most=len(present))
    room.calls.append(call)
    return call


def end(room: Room, time_scale: float) -> Call | None:
    """The call that ends now."""
    call, present, rules = room.call, len(room.people), room.rules
    is_over = not present or (present < rules.quorum and _is_over(room, rules.alone_ends, time_scale))
    if call is None or not is_over:
        return None
    call.ended_at = datetime.now(UTC)
    return call


def _is_over(room: Room, seconds: float | None, time_scale: float) -> bool:
    """Whether nobody has come or gone for so long."""
    still = datetime.now(UTC) - (room.changed_at or room.created_at)
    return seconds is not None and still >= timedelta(seconds=seconds * time_scale)
