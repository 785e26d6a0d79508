"""What LiveKit knows beside rooms and people, and how it names all of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from platforms.sandbox.context import Context
from platforms.sandbox.wire.api import Refused
from platforms.sandbox.wire.webhooks import Endpoint
from platforms.sandbox.world.model import Person, Recording, Room

# By https://twitchtv.github.io/twirp/docs/errors.html
STATUSES = {
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "resource_exhausted": 429,
    "internal": 500,
    "unavailable": 503,
}


@dataclass
class LiveKitState:
    context: Context
    endpoint: Endpoint | None = None

    def room(self, name: str) -> Room | None:
        """One that nobody came to, or that all have left, is closed when its time is over."""
        world = self.context.world
        room = world.room("livekit", name)
        if room and not room.people and datetime.now(UTC) >= _closes_at(room):
            world.forget(room)
            return None
        return room

    def recording(self, egress_id: str) -> Recording:
        found = self.context.world.recordings_of("livekit")
        return next((one for one in found if egress_id_of(one) == egress_id), None) or _no_egress()


def _no_egress() -> Recording:
    raise refused("not_found", "egress does not exist")


def _closes_at(room: Room) -> datetime:
    timeout = "departure_timeout" if room.visits else "empty_timeout"
    seconds: int = room.provider[timeout]
    return (room.changed_at or room.created_at) + timedelta(seconds=seconds)


def refused(code: str, message: str) -> Refused:
    return Refused(STATUSES[code], {"code": code, "msg": message})


def sid_of(person: Person) -> str:
    return f"PA_{_short(person.session_id)}"


def egress_id_of(recording: Recording) -> str:
    return f"EG_{_short(recording.id)}"


def _short(identity: str) -> str:
    return identity.replace("-", "")[:12]


def nanoseconds(moment: datetime | None) -> str:
    """64 bits are text in JSON."""
    return str(round(moment.timestamp() * 1_000_000) * 1000) if moment else "0"


def camel(value: Any) -> Any:
    """Names as in JSON, where the protocol has them with underscores; what is empty is left out."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_camel(name): camel(held) for name, held in value.items()}
    return {name: held for name, held in named.items() if held not in ("", "0", 0, None, [], {}, False)}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
