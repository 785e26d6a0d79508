"""The meeting page of every room, whatever platform it plays; and what the page asks while people are in."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from platforms.sandbox.provider import Provider
from platforms.sandbox.world.connections import Connection, Connections, NoSuchConnection
from platforms.sandbox.world.model import Admission, NotAdmitted, RoomClosed, RoomFull, SandboxError
from platforms.sandbox.world.world import World

NEWS_AFTER_SECONDS = 2.0  # after which there is an answer even without news
LOOK_AGAIN_SECONDS = 0.3  # who waits to be let in is not known to the world
NAME_LIMIT = 100  # characters
CHUNK_LIMIT_BYTES = 4_000_000
AGE_LIMIT_SECONDS = 24 * 3600.0
# Everything comes from here, and the product, wherever it runs, may put the page into a frame.
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; object-src 'none'"


def routes(providers: Mapping[str, Provider], world: World, connections: Connections) -> Blueprint:
    page = Page(providers, world, connections)
    blueprint = Blueprint("page", __name__)
    address = f"/<any({','.join(providers)}):platform>/<room_name>"
    blueprint.add_url_rule(address, view_func=page.show)
    for name, view, methods in page.views():
        blueprint.add_url_rule(f"{address}/api/{name}", name, view_func=view, methods=methods)
    blueprint.after_request(_headers)
    blueprint.register_error_handler(SandboxError, _refusal)
    return blueprint


class Page:
    def __init__(self, providers: Mapping[str, Provider], world: World, connections: Connections) -> None:
        self._providers = providers
        self._world = world
        self.connections = connections

    def views(self) -> list[tuple[str, Callable[..., ResponseReturnValue], list[str]]]:
        return [
            ("join", self.join, ["POST"]),
            ("news", self.news, ["GET"]),
            ("leave", self.leave, ["POST"]),
            ("decide", self.decide, ["POST"]),
            ("recording", self.recording, ["POST"]),
            ("audio", self.audio, ["POST"]),
            ("audio-end", self.audio_end, ["POST"]),
        ]

    def show(self, platform: str, room_name: str) -> ResponseReturnValue:
        """A refusal is shown by the same page, and not by a status: the page tells whoever frames it."""
        facts: dict[str, Any] = {"platform": platform, "room": room_name}
        try:
            admission = self._admit(platform, room_name, request.args)
        except NotAdmitted as error:
            facts["refusal"] = {"reason": error.reason, "message": str(error)}
        else:
            facts["name"] = admission.name or request.args.get("displayName") or request.args.get("name", "")
        return render_template("meeting.html", facts=facts, provider=self._providers[platform].label)

    def join(self, platform: str, room_name: str) -> ResponseReturnValue:
        asked = _body()
        query = asked.get("query")
        admission = self._admit(platform, room_name, query if isinstance(query, dict) else {})
        name = str(asked.get("name") or admission.name).strip()[:NAME_LIMIT]
        if not name:
            raise SandboxError("Please say your name.")
        connection = self.connections.open(admission, name)
        return jsonify({"connection": connection.key, **self._state(connection)})

    def news(self, platform: str, room_name: str) -> ResponseReturnValue:
        """What holds now, as soon as it differs from what was `seen`, and at the latest after a moment."""
        connection = self.connections.find(request.args.get("connection", ""))
        until = time.monotonic() + NEWS_AFTER_SECONDS
        with self.connections.asking(connection):
            version = self._world.version
            while (state := self._state(connection))["seen"] == request.args.get("seen"):
                left = until - time.monotonic()
                if left <= 0:
                    break
                version = self._world.wait_for_change(version, min(left, LOOK_AGAIN_SECONDS))
        return jsonify(state)

    def leave(self, platform: str, room_name: str) -> ResponseReturnValue:
        self.connections.leave(self.connections.find(request.args.get("connection", "")))
        return Response(status=204)

    def decide(self, platform: str, room_name: str) -> ResponseReturnValue:
        """Let somebody in who waits, or not."""
        connection, asked = self._connection_in_room(), _body()
        if not connection.is_host:
            raise SandboxError("Only hosts let people in.")
        self.connections.decide(_whole(asked, "number"), connection.room, asked.get("admit") is True)
        return Response(status=204)

    def recording(self, platform: str, room_name: str) -> ResponseReturnValue:
        connection = self._connection_in_room()
        if _body().get("on") is True:
            self.connections.start_recording(connection)
        else:
            self.connections.stop_recording(connection)
        return Response(status=204)

    def audio(self, platform: str, room_name: str) -> ResponseReturnValue:
        """The next chunk of what this tab's microphone hears; what came already does no harm."""
        connection = self.connections.find(request.args.get("connection", ""))
        if (request.content_length or 0) > CHUNK_LIMIT_BYTES:
            return Response(status=413)
        segment, number = _whole(request.args, "segment"), _whole(request.args, "number")
        age = min(max(0, _whole(request.args, "age")) / 1000, AGE_LIMIT_SECONDS)
        known, count = self.connections.add_audio(
            connection, request.args.get("recording", ""), segment, number, age, request.get_data()
        )
        return jsonify({"count": count}), 200 if known else 409

    def audio_end(self, platform: str, room_name: str) -> ResponseReturnValue:
        connection = self.connections.find(request.args.get("connection", ""))
        self.connections.finish_audio(connection, request.args.get("recording", ""))
        return Response(status=204)

    def _admit(self, platform: str, room_name: str, query: Mapping[str, Any]) -> Admission:
        return self._providers[platform].admit(room_name, {key: str(value) for key, value in query.items()})

    def _connection_in_room(self) -> Connection:
        connection = self.connections.find(request.args.get("connection", ""))
        if not connection.is_in:
            raise NoSuchConnection("This tab is not in the meeting.")
        return connection

    def _state(self, connection: Connection) -> dict[str, Any]:
        with self._world.lock:
            state = _state(connection, self.connections.waiting(connection.room) if connection.is_host else [])
        digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
        return {**state, "seen": digest[:16]}


def _state(connection: Connection, waiting: list[Connection]) -> dict[str, Any]:
    room, person = connection.room, connection.person
    return {
        "state": _standing(connection),
        "closed": room.closed,
        "session": person.session_id if person else "",
        "people": [
            {
                "session": one.session_id,
                "name": one.name,
                "host": one.role == "host",
                "you": one is person,
                "user": one.user_id or "",
                "since": one.joined_at.timestamp(),
            }
            for one in (room.people if connection.is_in else [])
        ],
        "recordings": [
            {
                "id": one.id,
                "kind": one.kind,
                "instance": one.instance_id,
                "by": one.started_by,
                "since": one.started_at.timestamp(),
            }
            for one in room.recordings
            if one.is_active and one.kind != "local"
        ],
        "mayRecord": connection.may_record,
        "isPrompted": connection.may_record and room.rules.trigger == "prompt",
        "waiting": [{"number": one.number, "name": one.name} for one in waiting],
    }


def _standing(connection: Connection) -> str:
    """waiting, refused, in, or out: whoever is out has been sent out, as their own leaving ends the connection."""
    if connection.refused:
        return "refused"
    if connection.person is None:
        return "out" if connection.room.closed else "waiting"
    return "in" if connection.is_in else "out"


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _whole(values: Mapping[str, Any], name: str) -> int:
    try:
        return int(values.get(name, ""))
    except ValueError:
        raise SandboxError(f"{name} is a whole number.") from None


def _refusal(error: Exception) -> ResponseReturnValue:
    reason, status = "", 400
    match error:
        case NotAdmitted():
            reason, status = error.reason, 403
        case RoomClosed():
            reason, status = "ended", 410
        case RoomFull():
            reason, status = "meeting-full", 403
        case NoSuchConnection():
            reason, status = "no-connection", 404
    return jsonify({"error": str(error), "reason": reason}), status


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
