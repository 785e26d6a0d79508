"""Daily's rooms: https://docs.daily.co/reference/rest-api/rooms"""

import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.daily.errors import bad_json, invalid, refused
from platforms.sandbox.daily.state import DailyState
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.wire.api import json_body, number_asked, page_by_id
from platforms.sandbox.wire.validation import (
    an_array,
    an_object,
    boolean,
    integer,
    nested,
    one_of,
    problem,
    seconds_since_epoch,
    text,
)
from platforms.sandbox.world.model import NotAdmitted, Room, Rules
from platforms.sandbox.world.world import World

NAME = r"[A-Za-z0-9_-]{1,128}"
RECORDINGS = ("cloud", "cloud-audio-only", "local", "raw-tracks")
BUCKET = {
    "bucket_name": text(),
    "bucket_region": text(),
    "assume_role_arn": text(),
    "allow_api_access": boolean,
    "allow_streaming_from_bucket": boolean,
}
TRUE_BY_DEFAULT = {"enable_screenshare"}
PROPERTIES = {
    **dict.fromkeys(("nbf", "exp"), seconds_since_epoch),
    "eject_at_room_exp": boolean,
    "eject_after_elapsed": integer(),
    "max_participants": integer(1, 100_000),
    "enable_recording": one_of(*RECORDINGS),
    "recordings_bucket": nested(BUCKET, required=("bucket_name", "bucket_region", "assume_role_arn")),
    "recordings_template": text(1024, r"[0-9A-Za-z./_{}-]*\{epoch_time\}[0-9A-Za-z./_{}-]*"),
    **dict.fromkeys(("enable_chat", "enable_screenshare", "enable_knocking", "enable_prejoin_ui"), boolean),
    **dict.fromkeys(("enable_people_ui", "start_video_off", "start_audio_off", "owner_only_broadcast"), boolean),
    **dict.fromkeys(("enforce_unique_user_ids", "enable_transcription_storage"), boolean),
    **dict.fromkeys(("geo", "lang", "transcription_template"), text()),
    "permissions": an_object,
    "meeting_join_hook": text(255),
    "transcription_bucket": an_object,
    "auto_transcription_settings": an_object,
}
ROOM = {"name": text(128, NAME), "privacy": one_of("public", "private"), "properties": an_object}
EJECTION = {"ids": an_array(text(), 100), "user_ids": an_array(text(), 100), "ban": boolean}


def add_routes(api: Blueprint, daily: DailyState) -> None:
    rooms = Rooms(daily)
    api.add_url_rule("/rooms", "list_rooms", rooms.index, methods=["GET"])
    api.add_url_rule("/rooms", "create_room", rooms.create, methods=["POST"])
    api.add_url_rule("/rooms/<name>", "get_room", rooms.get, methods=["GET"])
    api.add_url_rule("/rooms/<name>", "update_room", rooms.update, methods=["POST"])
    api.add_url_rule("/rooms/<name>", "delete_room", rooms.delete, methods=["DELETE"])
    api.add_url_rule("/rooms/<name>/eject", "eject", rooms.eject, methods=["POST"])


class Rooms:
    def __init__(self, daily: DailyState) -> None:
        self.context = daily.context
        self.world = daily.context.world

    def create(self) -> Response:
        wanted = json_body(bad_json)
        if wrong := problem(wanted, ROOM) or problem(wanted.get("properties", {}), PROPERTIES):
            raise invalid(wrong)
        name, properties = wanted.get("name") or secrets.token_urlsafe(15), wanted.get("properties", {})
        privacy = wanted.get("privacy", "public")
        self._require_bucket(properties)
        with self.world.lock:
            if self.world.room("daily", name):
                raise invalid(f"a room named {name} already exists")
            room = self.world.make_room(
                "daily",
                name,
                rules_of(privacy, properties),
                id=str(uuid.uuid4()),
                privacy=privacy,
                properties=properties,
            )
        return self._shown(room)

    def get(self, name: str) -> Response:
        return self._shown(live_room(self.world, name))

    def update(self, name: str) -> Response:
        """null sets a property back to its default."""
        room, wanted = live_room(self.world, name), json_body(bad_json)
        table = {key: check for key, check in ROOM.items() if key != "name"}
        if wrong := problem(wanted, table) or problem(wanted.get("properties", {}), PROPERTIES, nullable=True):
            raise invalid(wrong)
        self._require_bucket(wanted.get("properties", {}))
        changed = {**room.provider["properties"], **wanted.get("properties", {})}
        with self.world.lock:
            room.provider["properties"] = {key: value for key, value in changed.items() if value is not None}
            room.provider["privacy"] = wanted.get("privacy", room.provider["privacy"])
            room.rules = rules_of(room.provider["privacy"], room.provider["properties"])
        return self._shown(room)

    def delete(self, name: str) -> Response:
        room = self.world.room("daily", name)
        if room is None:
            raise refused(404, "not-found", f"room {name} not found")
        has_expired = is_expired(room)
        self.world.forget(room)
        if has_expired:
            raise refused(404, "not-found", f"room {name} not found", deleted=True)
        return jsonify(deleted=True, name=name)

    def index(self) -> Response:
        rooms = [room for room in self.world.rooms_of("daily") if not is_expired(room)]
        limit = number_asked("limit", 100, 1, 100, invalid)
        after, before = request.args.get("starting_after"), request.args.get("ending_before")
        page = page_by_id(rooms, lambda room: str(room.provider["id"]), limit, after, before)
        return jsonify(total_count=len(rooms), data=[self._object(room) for room in page])

    def eject(self, name: str) -> Response:
        room, wanted = live_room(self.world, name), json_body(bad_json)
        if wrong := problem(wanted, EJECTION):
            raise invalid(wrong)
        chosen = [
            person.session_id
            for person in room.people
            if person.session_id in wanted.get("ids", ()) or person.user_id in wanted.get("user_ids", ())
        ]
        for session_id in chosen:
            self.world.leave(room, session_id, ejected=True)
        return jsonify(ejectedIds=chosen)

    def _require_bucket(self, properties: Mapping[str, Any]) -> None:
        """A file is written there for a test meanwhile."""
        bucket, storage = properties.get("recordings_bucket"), self.context.storage
        if bucket and storage and not storage.has_bucket(bucket["bucket_name"]):
            raise invalid("unable to upload test file to bucket")

    def _shown(self, room: Room) -> Response:
        return jsonify(self._object(room))

    def _object(self, room: Room) -> dict[str, Any]:
        return {
            "id": room.provider["id"],
            "name": room.name,
            "api_created": True,
            "privacy": room.provider["privacy"],
            "url": self.context.addresses.room("daily", room.name),
            "created_at": iso(room.created_at),
            "config": unlike_defaults(room.provider["properties"]),
        }


def unlike_defaults(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not (name in TRUE_BY_DEFAULT)}


def rules_of(privacy: str, properties: Mapping[str, Any]) -> Rules:
    """A meeting needs two people, or one alone for 30 s; it ends when one has been alone for ten minutes.

    https://docs.daily.co/reference/rest-api/meetings
    """
    return Rules(
        recording=properties.get("enable_recording", "none"),
        quorum=2,
        alone_starts=30,
        alone_ends=600,
        opens_at=_moment(properties.get("nbf")),
        ends_at=_moment(properties.get("exp")),
        ejects_at_end=properties.get("eject_at_room_exp", False),
        capacity=properties.get("max_participants", 200),
        is_locked=privacy == "private",
    )


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def live_room(world: World, name: str) -> Room:
    """Raises a 404 for one that is not there or has expired."""
    room = world.room("daily", name)
    if room is None or is_expired(room):
        raise refused(404, "not-found", f"room {name} not found")
    return room


def is_expired(room: Room) -> bool:
    return bool(room.rules.ends_at and room.rules.ends_at <= datetime.now(UTC))


def require_open(room: Room) -> None:
    """Raises NotAdmitted before and after the room's time."""
    if is_expired(room):
        raise NotAdmitted("The meeting you're trying to join has ended.", "exp-room")
    if room.rules.opens_at and room.rules.opens_at > datetime.now(UTC):
        raise NotAdmitted("The meeting you're trying to join has not started yet.", "nbf-room")
