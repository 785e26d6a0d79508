"""LiveKit's rooms and the people in them: https://docs.livekit.io/reference/other/roomservice-api/"""

import secrets
from collections.abc import Callable
from typing import Any

from platforms.sandbox.livekit.events import event, person_message, room_message
from platforms.sandbox.livekit.state import LiveKitState, refused, sid_of
from platforms.sandbox.wire.validation import integer, problem, text
from platforms.sandbox.world.model import Room, Rules

EMPTY_SECONDS, DEPARTURE_SECONDS = 300, 20  # that a room stays with nobody in it, unless said otherwise
NAME = text(256)
CREATE = {
    "name": NAME,
    "metadata": text(64 * 1024),
    **dict.fromkeys(("empty_timeout", "departure_timeout", "max_participants"), integer()),
}
Fields = dict[str, Any]


class Rooms:
    def __init__(self, livekit: LiveKitState) -> None:
        self.livekit = livekit
        self.world = livekit.context.world

    def methods(self) -> dict[str, tuple[str, Callable[[Fields], Fields]]]:
        """By method, the grant that it needs, and what it does."""
        return {
            "CreateRoom": ("roomCreate", self.create),
            "ListRooms": ("roomList", self.index),
            "DeleteRoom": ("roomCreate", self.delete),
            "ListParticipants": ("roomAdmin", self.participants),
            "RemoveParticipant": ("roomAdmin", self.remove),
        }

    def create(self, wanted: Fields) -> Fields:
        """One of that name which is there is given what is asked for."""
        if wrong := problem(wanted, CREATE) or ("" if wanted.get("name") else "name is required"):
            raise refused("invalid_argument", wrong)
        with self.world.lock:
            room = self.livekit.room(wanted["name"]) or self._make(wanted["name"])
            room.provider |= {name: value for name, value in wanted.items() if name != "name" and value}
            room.rules.capacity = room.provider["max_participants"] or Rules.capacity
        return room_message(room)

    def _make(self, name: str) -> Room:
        room = self.world.make_room(
            "livekit",
            name,
            Rules(),
            sid=f"RM_{secrets.token_urlsafe(9)}",
            empty_timeout=EMPTY_SECONDS,
            departure_timeout=DEPARTURE_SECONDS,
            max_participants=0,
            metadata="",
            requests={},
        )
        if self.livekit.endpoint:
            told = event("room_started", room)
            self.livekit.context.courier.send(self.livekit.endpoint, "room_started", told)
        return room

    def index(self, wanted: Fields) -> Fields:
        names = wanted.get("names") or [room.name for room in self.world.rooms_of("livekit")]
        found = filter(None, map(self.livekit.room, names))
        return {"rooms": [room_message(room) for room in found]}

    def delete(self, wanted: Fields) -> Fields:
        self.world.forget(self.find(wanted))
        return {}

    def participants(self, wanted: Fields) -> Fields:
        room = self.livekit.room(str(wanted.get("room", "")))
        return {"participants": [person_message(person) for person in (room.people if room else [])]}

    def remove(self, wanted: Fields) -> Fields:
        room = self.find(wanted)
        person = next((one for one in room.people if wanted.get("identity") in {one.session_id, sid_of(one)}), None)
        if person is None:
            raise refused("not_found", "participant does not exist")
        self.world.leave(room, person.session_id, ejected=True)
        return {}

    def find(self, wanted: Fields) -> Room:
        room = self.livekit.room(str(wanted.get("room") or wanted.get("room_name") or ""))
        if room is None:
            raise refused("not_found", "requested room does not exist")
        return room
