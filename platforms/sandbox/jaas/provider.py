"""Jitsi as a Service as its tokens, its call and its webhooks show it; it has no API that a server could call."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, send_file

from platforms.sandbox.context import Context
from platforms.sandbox.jaas import events, tokens
from platforms.sandbox.provider import Provider
from platforms.sandbox.wire.webhooks import Endpoint
from platforms.sandbox.world.model import Admission, File, NotAdmitted, Recording, Room, Rules, SandboxError

PAUSES = (1.0, 2.0, 4.0)  # seconds between the attempts of a webhook; how many there are is not documented
LINK_SECONDS = 24 * 3600


class Jaas(Provider):
    name = "jaas"
    label = "Jitsi as a Service"
    api_path = "/jaas"
    scripts = ("/jaas/external_api.js",)
    sign = staticmethod(events.sign)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.endpoint: Endpoint | None = None

    def register(self, product: str, secret: str) -> None:
        self.endpoint = Endpoint("jaas", f"{product}/v1/jaas/webhook", secret, self.sign, PAUSES)

    def routes(self) -> Blueprint:
        deployment = Blueprint("jaas", __name__, url_prefix="/jaas")
        deployment.add_url_rule("/external_api.js", "external_api", _external_api)
        return deployment

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """A room is there as soon as somebody comes with a token for it."""
        if not query.get("jwt"):
            raise NotAdmitted("Nobody joins without a token.", "not-allowed")
        context = tokens.admitted(query["jwt"], room_name)
        user, features = dict(context.get("user") or {}), dict(context.get("features") or {})
        with self.context.world.lock:
            world = self.context.world
            room = world.room("jaas", room_name) or world.make_room("jaas", room_name, Rules(recording="cloud"))
        is_moderator = user.get("moderator") == "true"
        may_record = is_moderator and features.get("recording") == "true"
        if may_record and query.get("suggestRecording") == "true":
            room.rules.trigger = "prompt"
        role = "host" if is_moderator else "visitor"
        return Admission(room, str(user.get("name", "")), role, user.get("id"), may_record)

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        told = self._told(what, room, **facts)
        if told and self.endpoint:
            kind, at, data = told
            call = facts.get("call") or (room.calls[-1] if room.calls else None)
            self.context.courier.send(self.endpoint, kind, events.event(kind, room, at, data, call))

    def _told(self, what: str, room: Room, **facts: Any) -> tuple[str, datetime, dict[str, Any]] | None:
        person, call, recording = facts.get("person"), facts.get("call"), facts.get("recording")
        match what:
            case "joined" if person:
                return "PARTICIPANT_JOINED", person.joined_at, events.of_person(person)
            case "left" if person:
                reason = {"disconnectReason": "kicked" if person.ejected else "left"}
                return "PARTICIPANT_LEFT", person.left_at, events.of_person(person) | reason
            case "call_started" if call:
                return "ROOM_CREATED", call.started_at, events.of_room(room)
            case "call_ended" if call:
                return "ROOM_DESTROYED", call.ended_at, events.of_room(room)
            case "recording_started" if recording:
                return "RECORDING_STARTED", recording.started_at, events.of_room(room)
            case "recording_stopped" if recording:
                return "RECORDING_ENDED", recording.stopped_at, events.of_room(room)
            case "recording_ready" if recording:
                return "RECORDING_UPLOADED", recording.ready_at, events.of_upload(recording, self._link(recording))
        return None

    def _link(self, recording: Recording) -> str:
        seconds = -1 if self.context.faults.use_up("expired_links") else LINK_SECONDS
        return self.context.links.make("jaas", recording.id, seconds)[0]

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        if not files:
            raise SandboxError("There was nothing to record.")
        recording.notes["file"] = files[0]


def _external_api() -> Response:
    """The deployment's script, which others' pages load."""
    return send_file(Path(__file__).parent / "external_api.js", mimetype="text/javascript", max_age=0)


PROVIDER = Jaas
