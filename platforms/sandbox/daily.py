"""Daily.co as its REST API and webhooks show it: https://docs.daily.co/reference/rest-api"""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from platforms import signing
from platforms.sandbox import (
    daily_events,
    daily_keeping,
    daily_meetings,
    daily_recordings,
    daily_rooms,
    daily_tokens,
    daily_webhooks,
)
from platforms.sandbox.api import Refused, Window, misbehave
from platforms.sandbox.daily_errors import refused
from platforms.sandbox.daily_webhooks import Webhook
from platforms.sandbox.provider import Provider
from platforms.sandbox.scene import Admission, File, NotAdmitted, Recording, Room, SandboxError

if TYPE_CHECKING:
    from platforms.sandbox.server import Sandbox

# By https://docs.daily.co/reference/rest-api#rate-limits
MOST, SLOW, STARTS = (100, 5.0), (50, 30.0), (5, 5.0)
FAILURES = {500: "server-error", 503: "server-error", 429: "rate-limit-error"}


class Daily(Provider):
    name = "daily"
    domain = "sandbox"
    domain_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, "sandbox"))

    def __init__(self, sandbox: "Sandbox") -> None:
        super().__init__(sandbox)
        self.faults = sandbox.faults["daily"]
        self.courier = sandbox.couriers["daily"]
        self.api_key = sandbox.api_key
        self.webhooks: dict[str, Webhook] = {}
        self.windows = {"most": Window(*MOST), "slow": Window(*SLOW), "starts": Window(*STARTS)}

    def register(self, product: str, secret: str) -> None:
        """As if the product had registered its webhook before; it is not tried out. The secret is base64."""
        try:
            signing.decode_secret(secret)
        except ValueError as error:
            raise SandboxError(f"Daily cannot sign webhooks: {error}.") from error
        self.webhooks.clear()
        daily_webhooks.add(self, f"{product}/v1/daily/webhook", secret, daily_webhooks.KINDS, "exponential")

    def routes(self) -> Blueprint:
        api = Blueprint("daily", __name__, url_prefix="/daily/v1")
        api.before_request(self._guard)
        api.register_error_handler(Refused, Refused.response)
        for part in (daily_rooms, daily_tokens, daily_meetings, daily_recordings, daily_webhooks):
            part.add_routes(api, self)
        for base in ("", "/"):
            api.add_url_rule(base, "domain", self._domain)
        everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        api.add_url_rule("/<anything:rest>", "nowhere", self._nowhere, methods=everything)
        return api

    def _guard(self) -> None:
        misbehave(self.faults, lambda status: refused(status, FAILURES[status], "asked to fail"))
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not key:
            raise refused(400, "authorization-header-error", "missing or malformed authorization header")
        if key != self.api_key:
            raise refused(401, "authentication-error", "the api key is not valid")
        if self.windows[_limit()].spend():
            raise refused(429, "rate-limit-error", "too many requests")

    def _domain(self) -> Response:
        return jsonify(domain_name=self.domain, domain_id=self.domain_id, config={})

    def _nowhere(self, rest: str) -> Response:
        raise refused(404, "not-found", f"there is no {request.method} /{rest}")

    # Rooms

    def live_room(self, name: str) -> Room:
        """Raises a 404 for one that is not there or has expired."""
        room = self.world.room("daily", name)
        if room is None or daily_rooms.is_expired(room):
            raise refused(404, "not-found", f"room {name} not found")
        return room

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """https://docs.daily.co/private-rooms-meeting-tokens"""
        room = self.world.room("daily", room_name)
        if room is None or room.closed:
            raise NotAdmitted("The meeting you're trying to join does not exist.", "no-room")
        daily_rooms.require_open(room)
        claims = daily_tokens.admitted(self, query["t"], room_name) if query.get("t") else {}
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
            for webhook in self.webhooks.values():
                self.courier.send(webhook.endpoint, event)

    def _event(self, what: str, room: Room, **facts: Any) -> dict[str, Any] | None:
        match what:
            case "joined":
                return daily_events.joined(room, facts["person"])
            case "left":
                return daily_events.left(room, facts["person"])
            case "call_started":
                return daily_events.call_started(room, facts["call"])
            case "call_ended":
                return daily_events.call_ended(room, facts["call"])
            case "recording_started":
                return daily_events.recording_started(facts["recording"])
            case "recording_ready":
                recording = facts["recording"]
                tracks = daily_keeping.tracks(recording) if recording.kind == "raw-tracks" else None
                return daily_events.recording_ready(recording, daily_keeping.key(recording), tracks)
            case "recording_failed":
                return daily_events.recording_failed(facts["recording"])
            case _:
                return None

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        daily_keeping.keep(self, recording, files)


def _limit() -> str:
    asked = (request.method, request.endpoint)
    if asked in {("DELETE", "daily.delete_room"), ("GET", "daily.list_recordings")}:
        return "slow"
    return "starts" if request.endpoint == "daily.start_recording" else "most"


def routes(sandbox: "Sandbox") -> Blueprint:
    provider = sandbox.providers["daily"]
    return provider.routes()
