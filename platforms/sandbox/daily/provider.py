"""Daily.co as its REST API and webhooks show it: https://docs.daily.co/reference/rest-api"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms import signing
from platforms.sandbox.context import Context
from platforms.sandbox.daily import events, meetings, recordings, rooms, storage, tokens, webhooks
from platforms.sandbox.daily.errors import refused
from platforms.sandbox.daily.state import DailyState
from platforms.sandbox.provider import Provider
from platforms.sandbox.wire.api import Refused, inject_faults
from platforms.sandbox.world.model import Admission, File, NotAdmitted, Recording, Room, SandboxError

FAILURES = {500: "server-error", 503: "server-error", 429: "rate-limit-error"}


class Daily(Provider):
    name = "daily"
    label = "Daily"
    api_path = "/daily/v1"
    buckets = ("sandbox-daily",)
    sign = staticmethod(webhooks.sign)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.state = DailyState(context)

    def register(self, product: str, secret: str) -> None:
        """As if the product had registered its webhook before; it is not tried out. The secret is base64."""
        try:
            signing.decode_secret(secret)
        except ValueError as error:
            raise SandboxError(f"Daily cannot sign webhooks: {error}.") from error
        self.state.webhooks.clear()
        webhooks.add(self.state, f"{product}/v1/daily/webhook", secret, webhooks.KINDS, "exponential")

    def routes(self) -> Blueprint:
        api = Blueprint("daily", __name__, url_prefix="/daily/v1")
        api.before_request(self._guard)
        api.register_error_handler(Refused, Refused.response)
        for part in (rooms, tokens, meetings, recordings, webhooks):
            part.add_routes(api, self.state)
        for base in ("", "/"):
            api.add_url_rule(base, "domain", self._domain)
        everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        api.add_url_rule("/<anything:rest>", "nowhere", self._nowhere, methods=everything)
        return api

    def _guard(self) -> None:
        inject_faults(self.context.faults, lambda status: refused(status, FAILURES[status], "asked to fail"))
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not key:
            raise refused(400, "authorization-header-error", "missing or malformed authorization header")
        if key != self.context.api_key:
            raise refused(401, "authentication-error", "the api key is not valid")
        if self.state.windows[_limit()].spend():
            raise refused(429, "rate-limit-error", "too many requests")

    def _domain(self) -> Response:
        return jsonify(domain_name=self.state.domain, domain_id=self.state.domain_id, config={})

    def _nowhere(self, rest: str) -> Response:
        raise refused(404, "not-found", f"there is no {request.method} /{rest}")

    # Rooms

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """https://docs.daily.co/private-rooms-meeting-tokens"""
        room = self.context.world.room("daily", room_name)
        if room is None or room.closed:
            raise NotAdmitted("The meeting you're trying to join does not exist.", "no-room")
        rooms.require_open(room)
        claims = tokens.admitted(self.state, query["t"], room_name) if query.get("t") else {}
        config = room.provider["properties"]
        if not claims and room.provider["privacy"] == "private" and not config.get("enable_knocking"):
            raise NotAdmitted("You are not allowed to join this meeting.", "not-allowed")
        is_owner = bool(claims.get("o"))
        recording = claims.get("er") or room.rules.recording
        return Admission(
            room,
            name=str(claims.get("u", "")),
            role="host" if is_owner else "visitor",
            user_id=claims.get("ud"),
            may_record=recording != "none" and (is_owner or bool(claims.get("erui"))),
            starts_recording=bool(claims.get("sr")) and recording in {"cloud", "raw-tracks"},
            recording_limit=dict(claims.get("sro") or {}).get("maxDuration"),
        )

    # Webhooks

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        event = self._event(what, room, **facts)
        if event:
            for webhook in self.state.webhooks.values():
                self.context.courier.send(webhook.endpoint, event["type"], event)

    def _event(self, what: str, room: Room, **facts: Any) -> dict[str, Any] | None:
        match what:
            case "joined":
                return events.joined(room, facts["person"])
            case "left":
                return events.left(room, facts["person"])
            case "call_started":
                return events.call_started(room, facts["call"])
            case "call_ended":
                return events.call_ended(room, facts["call"])
            case "recording_started":
                return events.recording_started(facts["recording"])
            case "recording_ready":
                recording = facts["recording"]
                tracks = storage.tracks(recording) if recording.kind == "raw-tracks" else None
                return events.recording_ready(recording, storage.key(recording), tracks)
            case "recording_failed":
                return events.recording_failed(facts["recording"])
            case _:
                return None

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        storage.keep(self.context.storage, recording, files)


def _limit() -> str:
    asked = (request.method, request.endpoint)
    if asked in {("DELETE", "daily.delete_room"), ("GET", "daily.list_recordings")}:
        return "slow"
    return "starts" if request.endpoint == "daily.start_recording" else "most"


PROVIDER = Daily
