"""LiveKit as its server API and webhooks show it: https://docs.livekit.io/reference/

It is a server whose `room.auto_create` is off: a room that was closed stays closed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.context import Context
from platforms.sandbox.livekit import egress, events, rooms, tokens
from platforms.sandbox.livekit.state import LiveKitState, refused
from platforms.sandbox.provider import Provider
from platforms.sandbox.wire.api import Refused, inject_faults, json_body
from platforms.sandbox.wire.webhooks import Endpoint
from platforms.sandbox.world.model import Admission, File, NotAdmitted, Recording, Room

FAILURES = {500: "internal", 503: "unavailable", 429: "resource_exhausted"}
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds between the attempts of a webhook
KINDS = {
    "joined": "participant_joined",
    "left": "participant_left",
    "closed": "room_finished",
    "recording_started": "egress_started",
    "recording_stopped": "egress_updated",
    "recording_ready": "egress_ended",
    "recording_failed": "egress_ended",
}


class LiveKit(Provider):
    name = "livekit"
    label = "LiveKit"
    api_path = "/livekit"
    buckets = queued_buckets = ("sandbox-livekit",)
    sign = staticmethod(tokens.sign_webhook)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.state = LiveKitState(context)
        services = {
            "RoomService": rooms.Rooms(self.state).methods(),
            "Egress": egress.Egress(self.state).methods(),
        }
        self.methods = {f"{service}/{name}": one for service, some in services.items() for name, one in some.items()}

    def register(self, product: str, secret: str) -> None:
        headers = {"Content-Type": "application/webhook+json"}
        url = f"{product}/v1/livekit/webhook"
        self.state.endpoint = Endpoint(
            "livekit", url, secret, self.sign, PAUSES, retries_refusals=False, headers=headers
        )

    def routes(self) -> Blueprint:
        api = Blueprint("livekit", __name__, url_prefix="/livekit/twirp")
        api.register_error_handler(Refused, Refused.response)
        api.add_url_rule("/livekit.<service>/<method>", "call", self._call, methods=["POST"])
        return api

    def _call(self, service: str, method: str) -> Response:
        inject_faults(self.context.faults, lambda status: refused(FAILURES[status], "asked to fail"))
        grant, perform = self.methods.get(f"{service}/{method}", ("", None))
        if perform is None:
            raise refused("bad_route", f"no handler for path {request.path}")
        wanted = json_body(lambda problem: refused("invalid_argument", problem))
        self._require(grant, wanted)
        return jsonify(perform(wanted))

    def _require(self, grant: str, wanted: Mapping[str, Any]) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise refused("unauthenticated", "no authorization header was sent")
        try:
            video = tokens.claims_of(token).get("video", {})
        except tokens.BadToken as error:
            raise refused("unauthenticated", str(error)) from error
        is_for_room = grant != "roomAdmin" or video.get("room") == wanted.get("room")
        if video.get(grant) is not True or not is_for_room:
            raise refused("permission_denied", "permissions denied")

    # Rooms

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        room = self.state.room(room_name)
        if room is None or room.closed:
            raise NotAdmitted("This room does not exist, or was closed.", "no-room")
        try:
            claims = tokens.claims_of(query.get("access_token", ""))
        except tokens.BadToken as error:
            raise NotAdmitted(
                "The token is not valid, or not any more.", "exp-token" if error.has_expired else "not-allowed"
            ) from error
        video = claims.get("video", {})
        if video.get("roomJoin") is not True or video.get("room") != room_name:
            raise NotAdmitted("The token is for another room.", "not-allowed")
        user_id = json.loads(claims.get("metadata") or "{}").get("user_id")
        return Admission(room, str(claims.get("name", "")), user_id=user_id)

    # Webhooks

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        if what in KINDS and self.state.endpoint:
            self.context.courier.send(self.state.endpoint, KINDS[what], self._event(what, room, **facts))

    def _event(self, what: str, room: Room, **facts: Any) -> dict[str, Any]:
        if person := facts.get("person"):
            at = person.left_at if what == "left" else person.joined_at
            return events.event(KINDS[what], room, at, participant=events.person_message(person))
        if recording := facts.get("recording"):
            return events.event(KINDS[what], room, egress_info=events.egress_message(recording))
        return events.event(KINDS[what], room)

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        egress.keep(self.context.storage, recording, files)


PROVIDER = LiveKit
