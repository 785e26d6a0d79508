"""The mock platform's rooms: each is there as soon as somebody opens its address."""

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms import signing
from platforms.sandbox.context import Context
from platforms.sandbox.provider import Provider
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.wire.api import Refused, inject_faults
from platforms.sandbox.wire.webhooks import Endpoint
from platforms.sandbox.world.model import AUTOMATIC, Admission, File, NotAdmitted, Recording, Room, Rules, SandboxError

PAUSES = (1.0, 2.0)  # seconds between the attempts of a webhook
LINK_SECONDS = 3600
SMALL = 4  # people
KINDS = {
    "joined": "participant.joined",
    "left": "participant.left",
    "call_started": "meeting.started",
    "call_ended": "meeting.ended",
    "recording_started": "recording.started",
    "recording_ready": "recording.ready",
    "recording_failed": "recording.failed",
}


class Mock(Provider):
    name = "mock"
    label = "Mock"
    api_path = "/mock"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.world = context.world
        self.faults = context.faults
        self.endpoint: Endpoint | None = None
        self.started_at = time.time()

    def register(self, product: str, secret: str) -> None:
        self.endpoint = Endpoint("mock", f"{product}/v1/mock/webhook", secret, self.sign, PAUSES)

    @staticmethod
    def sign(secret: str, body: bytes) -> dict[str, str]:
        return {"X-Mock-Signature": signing.sign_hex(secret, body)}

    def routes(self) -> Blueprint:
        api = Blueprint("mock", __name__, url_prefix="/mock")
        api.register_error_handler(Refused, Refused.response)
        api.add_url_rule("/<name>/presence", "presence", self._presence, methods=["GET"])
        api.add_url_rule("/<name>/room", "room", self._room, methods=["GET"])
        api.add_url_rule("/recordings", "recordings", self._recordings, methods=["GET"])
        api.add_url_rule("/recordings/<recording_id>", "recording", self._recording, methods=["GET"])
        api.add_url_rule("/recordings/<recording_id>", "delete", self._delete, methods=["DELETE"])
        api.add_url_rule("/<anything:name>", "close", self._close, methods=["DELETE"])
        return api

    def _presence(self, name: str) -> Response:
        inject_faults(self.faults, _failure)
        room = self.world.room("mock", name)
        return jsonify([_present(person) for person in (room.people if room else [])])

    def _room(self, name: str) -> Response:
        """`made` is when the product made the name up, in Unix milliseconds; what is older than this is forgotten."""
        inject_faults(self.faults, _failure)
        room = self.world.room("mock", name)
        made = request.args.get("made", "")
        is_there = not room.closed if room else made.isdecimal() and int(made) / 1000 >= self.started_at
        if not is_there:
            raise Refused(404, {"error": "There is no such room."})
        return jsonify({"name": name})

    def _close(self, name: str) -> Response:
        """Also one that nobody has opened yet, so that nobody does."""
        inject_faults(self.faults, _failure)
        name = name.strip("/")
        with self.world.lock:
            self.world.close(self.world.room("mock", name) or self.world.make_room("mock", name, Rules()))
        return Response(status=204)

    def _recordings(self) -> Response:
        inject_faults(self.faults, _failure)
        found = [recording for recording in self.world.recordings_of("mock") if "file" in recording.notes]
        return jsonify([_listed(recording) for recording in found])

    def _recording(self, recording_id: str) -> Response:
        inject_faults(self.faults, _failure)
        recording = self.world.find_recording("mock", recording_id)
        if recording is None or "file" not in recording.notes:
            raise Refused(404, {"error": "There is no such recording."})
        return jsonify({**_listed(recording), "download_url": self._link(recording)})

    def _delete(self, recording_id: str) -> Response:
        inject_faults(self.faults, _failure)
        if recording := self.world.find_recording("mock", recording_id):
            recording.notes.pop("file", None)
        return Response(status=204)

    def _link(self, recording: Recording) -> str:
        seconds = -1 if self.faults.use_up("expired_links") else LINK_SECONDS
        return self.context.links.make("mock", recording.id, seconds)[0]

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """`host` lets in as host whatever it holds: there is nothing to guard."""
        with self.world.lock:
            room = self.world.room("mock", room_name) or self.world.make_room("mock", room_name, _rules(query))
        if room.closed:
            raise NotAdmitted("This meeting has ended.", "no-room")
        is_host = bool(query.get("host"))
        may_record = room.rules.recording == "cloud"
        return Admission(room, query.get("name", ""), "host" if is_host else "visitor", None, may_record)

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        if what in KINDS and self.endpoint:
            self.context.courier.send(self.endpoint, KINDS[what], self._event(what, room, **facts))

    def _event(self, what: str, room: Room, **facts: Any) -> dict[str, Any]:
        common = {"id": str(uuid.uuid4()), "type": KINDS[what], "room_name": room.name, "meeting_id": ""}
        if person := facts.get("person"):
            about = {"session_id": person.session_id, "user_id": person.user_id, "user_name": person.name}
            return {**common, **about, "at": _seconds(person.left_at if what == "left" else person.joined_at)}
        if call := facts.get("call"):
            at = call.ended_at if what == "call_ended" else call.started_at
            return {**common, "session_id": call.id, "at": _seconds(at)}
        return {**common, **self._of_recording(what, facts["recording"])}

    def _of_recording(self, what: str, recording: Recording) -> dict[str, Any]:
        at = recording.started_at if what == "recording_started" else recording.stopped_at or recording.started_at
        told: dict[str, Any] = {
            "recording_id": recording.id,
            "started_at": _seconds(recording.started_at),
            "at": _seconds(at),
        }
        if what == "recording_ready":
            told |= {"duration": round(recording.seconds, 3), "download_url": self._link(recording)}
        if what == "recording_failed":
            told |= {"error": recording.error}
        return told

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        if not files:
            raise SandboxError("There was nothing to record.")
        recording.notes["file"] = files[0]


def _rules(query: Mapping[str, str]) -> Rules:
    recording = query.get("recording", "none")
    trigger = query.get("trigger", "none")
    return Rules(
        recording=recording if recording in {"none", "local", "cloud"} else "none",
        trigger=trigger if trigger in {"none", "prompt", *AUTOMATIC} else "none",
        is_locked=query.get("locked") == "true",
        capacity=SMALL if query.get("small") == "true" else Rules.capacity,
    )


def _present(person: Any) -> dict[str, Any]:
    return {
        "session_id": person.session_id,
        "name": person.name,
        "user_id": person.user_id,
        "joined_at": iso(person.joined_at),
    }


def _listed(recording: Recording) -> dict[str, Any]:
    return {
        "recording_id": recording.id,
        "room_name": recording.room.name,
        "started_at": _seconds(recording.started_at),
        "duration": round(recording.seconds, 3),
    }


def _failure(status: int) -> Refused:
    return Refused(status, {"error": "asked to fail"})


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


PROVIDER = Mock
