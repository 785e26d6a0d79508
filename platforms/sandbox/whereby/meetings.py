"""Whereby's meetings: https://docs.whereby.com/reference/whereby-rest-api-reference/meetings"""

import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.whereby.events import iso
from platforms.sandbox.whereby.lists import invalid, listed, moment_of, refused
from platforms.sandbox.whereby.state import WherebyState
from platforms.sandbox.wire.api import json_body
from platforms.sandbox.wire.validation import an_array, an_object, anything, boolean, nested, one_of, problem, text
from platforms.sandbox.world.model import Room, Rules

PAGE = 50
SESSION_LINGERS_SECONDS = 10.0  # in which fewer than two people do not end a session yet
LASTS = timedelta(hours=24)  # after its end a room is deleted
MODES = {"normal": 4, "group": 200}  # people
ADDRESSES = ("hostRoomUrl", "viewerRoomUrl")
DESTINATION = {
    "provider": one_of("s3", "whereby"),
    "authenticationType": one_of("accessKey", "roleBased"),
    "bucket": text(),
    "accessKeyId": text(),
    "accessKeySecret": text(),
    "fileFormat": one_of("mp4", "mkv"),
    "oidcRoleArn": text(),
}
RECORDING_KEYS = ("type", "destination", "startTrigger")
TRIGGERS = ("none", "prompt", "automatic", "automatic-2nd-participant")


def a_moment(name: str, value: Any) -> str:
    return "" if moment_of(value) else f"{name} must be a date-time"


def a_destination(name: str, value: Any) -> str:
    return "" if value is None else nested(DESTINATION, required=("provider",))(name, value)


def a_trigger(name: str, value: Any) -> str:
    return "" if value is None else one_of(*TRIGGERS)(name, value)


RECORDING = {"type": one_of("none", "local", "cloud"), "destination": a_destination, "startTrigger": a_trigger}
MEETING = {
    "endDate": a_moment,
    "startDate": anything,  # deprecated, and of no effect
    "isLocked": boolean,
    "roomMode": one_of(*MODES),
    "roomNamePrefix": text(),
    "roomNamePattern": one_of("uuid", "human-short"),
    "templateType": one_of("viewerMode"),
    "recording": nested(RECORDING, required=RECORDING_KEYS),
    "liveTranscription": an_object,
    "streaming": an_object,
    "fields": an_array(one_of(*ADDRESSES)),
}


def add_routes(api: Blueprint, whereby: WherebyState) -> None:
    meetings = Meetings(whereby)
    api.add_url_rule("/meetings", "create_meeting", meetings.create, methods=["POST"])
    api.add_url_rule("/meetings", "list_meetings", meetings.index, methods=["GET"])
    api.add_url_rule("/meetings/<meeting_id>", "get_meeting", meetings.get, methods=["GET"])
    api.add_url_rule("/meetings/<meeting_id>", "delete_meeting", meetings.delete, methods=["DELETE"])


class Meetings:
    def __init__(self, whereby: WherebyState) -> None:
        self.world = whereby.context.world
        self.addresses = whereby.context.addresses

    def create(self) -> tuple[Response, int]:
        wanted = json_body(invalid)
        if wrong := problem(wanted, MEETING):
            raise invalid(wrong)
        end_date = moment_of(wanted.get("endDate"))
        if end_date is None or end_date < datetime.now(UTC):
            raise invalid("endDate must be now or later")
        room = self.world.make_room(
            "whereby",
            _name(wanted),
            rules_of(wanted, end_date),
            id=str(10_000_000 + secrets.randbelow(90_000_000)),
            end_date=end_date.astimezone(UTC),
            room_key=secrets.token_urlsafe(32),
            viewer_key=secrets.token_urlsafe(32),
            recording=wanted.get("recording"),
            bots=[],
        )
        return jsonify(self._object(room, wanted.get("fields", []))), 201

    def get(self, meeting_id: str) -> Response:
        room = self._find(meeting_id)
        if room is None:
            raise refused(404, "Meeting not found")
        return jsonify(self._object(room, _fields_asked()))

    def delete(self, meeting_id: str) -> Response:
        """Sends everyone out. Idempotent."""
        if room := self._find(meeting_id):
            self.world.close(room)
        return Response(status=204)

    def index(self) -> Response:
        rooms = [room for room in self.world.rooms_of("whereby") if not room.closed]
        fields = _fields_asked()
        return listed(rooms, lambda room: self._object(room, fields), PAGE)

    def _find(self, meeting_id: str) -> Room | None:
        rooms = self.world.rooms_of("whereby")
        return next((room for room in rooms if room.provider["id"] == meeting_id and not room.closed), None)

    def _object(self, room: Room, fields: list[str]) -> dict[str, Any]:
        url = self.addresses.room("whereby", room.name)
        keys = {"hostRoomUrl": room.provider["room_key"], "viewerRoomUrl": room.provider["viewer_key"]}
        return {
            "meetingId": room.provider["id"],
            "roomName": f"/{room.name}",
            "roomUrl": url,
            "startDate": iso(room.created_at),
            "endDate": iso(room.provider["end_date"]),
            **{field: f"{url}?{urlencode({'roomKey': keys[field]})}" for field in fields},
        }


def _fields_asked() -> list[str]:
    """Joined by commas."""
    fields = [field for field in request.args.get("fields", "").split(",") if field]
    if wrong := MEETING["fields"]("fields", fields):
        raise invalid(wrong)
    return fields


def _name(wanted: Mapping[str, Any]) -> str:
    """The prefix, lowered and without white space, and right behind it a part of Whereby's own."""
    prefix = "".join(wanted.get("roomNamePrefix", "").lower().split())
    if wrong := text(39, "[a-z0-9-]*")("roomNamePrefix", prefix):
        raise invalid(wrong)
    is_short = wanted.get("roomNamePattern") == "human-short"
    return prefix + (secrets.token_hex(3) if is_short else str(uuid.uuid4()))


def rules_of(wanted: Mapping[str, Any], end_date: datetime) -> Rules:
    """A session needs two people. Nobody is sent out at the end date."""
    recording = wanted.get("recording") or {}
    is_viewer_mode = wanted.get("templateType") == "viewerMode"
    return Rules(
        recording=recording.get("type", "none"),
        trigger=recording.get("startTrigger") or "none",
        quorum=2,
        alone_ends=SESSION_LINGERS_SECONDS,
        ends_at=end_date + LASTS,
        ejects_at_end=True,
        capacity=MODES["group" if is_viewer_mode else wanted.get("roomMode", "normal")],
        is_locked=wanted.get("isLocked", False) or is_viewer_mode,
    )
