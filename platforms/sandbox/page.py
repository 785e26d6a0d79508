"""The meeting page of every room, whatever platform it plays; and what the page asks while people are in."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from platforms.sandbox.scene import Admission, NotAdmitted, RoomClosed, RoomFull, SandboxError
from platforms.sandbox.seats import NoSuchSeat, Seat, Seats
from platforms.sandbox.server import Sandbox

PROVIDERS = {"daily": "Daily", "whereby": "Whereby", "mock": "the mock platform"}
NEWS_AFTER = 2.0  # seconds after which there is an answer even without news
LOOK_AGAIN = 0.3  # seconds; who waits before the door is not known to the world
NAME_LIMIT = 100  # characters
CHUNK_LIMIT = 4_000_000  # bytes
AGE_LIMIT = 24 * 3600.0  # seconds
# Everything comes from here, and the product, wherever it runs, may put the page into a frame.
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; object-src 'none'"


def routes(sandbox: Sandbox) -> Blueprint:
    page = Page(sandbox)
    sandbox.chores.append(page.seats.review)
    blueprint = Blueprint("page", __name__)
    address = f"/<any({','.join(PROVIDERS)}):platform>/<room_name>"
    blueprint.add_url_rule(address, view_func=page.show)
    for name, view, methods in page.views():
        blueprint.add_url_rule(f"{address}/api/{name}", name, view_func=view, methods=methods)
    blueprint.after_request(_headers)
    blueprint.register_error_handler(SandboxError, _refusal)
    return blueprint


class Page:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self.seats = Seats(sandbox.world)

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
        return render_template("meeting.html", facts=facts, provider=PROVIDERS[platform])

    def join(self, platform: str, room_name: str) -> ResponseReturnValue:
        asked = _body()
        query = asked.get("query")
        admission = self._admit(platform, room_name, query if isinstance(query, dict) else {})
        name = str(asked.get("name") or admission.name).strip()[:NAME_LIMIT]
        if not name:
            raise SandboxError("Please say your name.")
        seat = self.seats.take(admission, name)
        return jsonify({"seat": seat.key, **self._state(seat)})

    def news(self, platform: str, room_name: str) -> ResponseReturnValue:
        """What holds now, as soon as it differs from what was `seen`, and at the latest after a moment."""
        seat = self.seats.find(request.args.get("seat", ""))
        until = time.monotonic() + NEWS_AFTER
        with self.seats.asking(seat):
            version = self._world.version
            while (state := self._state(seat))["seen"] == request.args.get("seen"):
                left = until - time.monotonic()
                if left <= 0:
                    break
                version = self._world.wait_for_change(version, min(left, LOOK_AGAIN))
        return jsonify(state)

    def leave(self, platform: str, room_name: str) -> ResponseReturnValue:
        self.seats.leave(self.seats.find(request.args.get("seat", "")))
        return Response(status=204)

    def decide(self, platform: str, room_name: str) -> ResponseReturnValue:
        """Let somebody in who waits, or not."""
        seat, asked = self._seat_in_room(), _body()
        if not seat.is_host:
            raise SandboxError("Only hosts let people in.")
        self.seats.decide(_whole(asked, "number"), seat.room, asked.get("admit") is True)
        return Response(status=204)

    def recording(self, platform: str, room_name: str) -> ResponseReturnValue:
        seat = self._seat_in_room()
        if _body().get("on") is True:
            self.seats.start_recording(seat)
        else:
            self.seats.stop_recording(seat)
        return Response(status=204)

    def audio(self, platform: str, room_name: str) -> ResponseReturnValue:
        """The next chunk of what this tab's microphone hears; what came already does no harm."""
        seat = self.seats.find(request.args.get("seat", ""))
        if (request.content_length or 0) > CHUNK_LIMIT:
            return Response(status=413)
        segment, number = _whole(request.args, "segment"), _whole(request.args, "number")
        age = min(max(0, _whole(request.args, "age")) / 1000, AGE_LIMIT)
        known, count = self.seats.add_audio(
            seat, request.args.get("recording", ""), segment, number, age, request.get_data()
        )
        return jsonify({"count": count}), 200 if known else 409

    def audio_end(self, platform: str, room_name: str) -> ResponseReturnValue:
        self.seats.finish_audio(self.seats.find(request.args.get("seat", "")), request.args.get("recording", ""))
        return Response(status=204)

    def _admit(self, platform: str, room_name: str, query: Mapping[str, Any]) -> Admission:
        return self._sandbox.providers[platform].admit(room_name, {key: str(value) for key, value in query.items()})

    def _seat_in_room(self) -> Seat:
        seat = self.seats.find(request.args.get("seat", ""))
        if not seat.is_in:
            raise NoSuchSeat("This tab is not in the meeting.")
        return seat

    def _state(self, seat: Seat) -> dict[str, Any]:
        with self._world.lock:
            state = _state(seat, self.seats.waiting(seat.room) if seat.is_host else [])
        digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
        return {**state, "seen": digest[:16]}


def _state(seat: Seat, waiting: list[Seat]) -> dict[str, Any]:
    room, person = seat.room, seat.person
    return {
        "state": _standing(seat),
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
            for one in (room.people if seat.is_in else [])
        ],
        "recordings": [
            {"id": one.id, "kind": one.kind, "instance": one.instance_id, "by": one.started_by}
            for one in room.recordings
            if one.is_active and one.kind != "local"
        ],
        "mayRecord": seat.may_record,
        "isPrompted": seat.may_record and room.rules.trigger == "prompt",
        "waiting": [{"number": one.number, "name": one.name} for one in waiting],
    }


def _standing(seat: Seat) -> str:
    """waiting, refused, in, or out: whoever is out has been sent out, as their own leaving ends the seat."""
    if seat.refused:
        return "refused"
    if seat.person is None:
        return "out" if seat.room.closed else "waiting"
    return "in" if seat.is_in else "out"


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
        case NoSuchSeat():
            reason, status = "no-seat", 404
    return jsonify({"error": str(error), "reason": reason}), status


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
