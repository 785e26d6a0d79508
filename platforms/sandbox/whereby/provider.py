"""Whereby as its REST API and webhooks show it: https://docs.whereby.com/reference/whereby-rest-api-reference"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from platforms.sandbox.context import Context
from platforms.sandbox.provider import Provider
from platforms.sandbox.whereby import events, insights, meetings, recordings, theme
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.whereby.lists import clients, refused
from platforms.sandbox.whereby.state import WherebyState
from platforms.sandbox.wire.api import Refused, inject_faults
from platforms.sandbox.wire.webhooks import Endpoint
from platforms.sandbox.world.model import Admission, File, NotAdmitted, Person, Recording, Room

# Points of a call, by https://docs.whereby.com/reference/whereby-rest-api-reference; what is not named costs 3.
COSTS = {"get_meeting": 1, "get_recording": 1, "sessions": 5, "participants": 5, "participant": 5, "rooms": 5}
PAUSES = (1.0, 2.0)  # seconds between the three attempts of a webhook
WEBHOOK_TIMEOUT_SECONDS = 5.0  # for the answer
AFTER_THE_END = timedelta(hours=1)  # webhooks and hosts' rights last so much longer than the meeting


class Whereby(Provider):
    name = "whereby"
    label = "Whereby"
    api_path = "/whereby/v1"
    buckets = queued_buckets = ("sandbox-whereby",)
    sign = staticmethod(events.sign)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.state = WherebyState(context)

    def register(self, product: str, secret: str) -> None:
        url = f"{product}/v1/whereby/webhook"
        self.state.endpoint = Endpoint(
            "whereby", url, secret, self.sign, PAUSES, timeout=WEBHOOK_TIMEOUT_SECONDS, retries_refusals=False
        )

    def routes(self) -> Blueprint:
        api = Blueprint("whereby", __name__, url_prefix="/whereby/v1")
        api.before_request(self._guard)
        api.register_error_handler(Refused, Refused.response)
        for part in (meetings, theme, insights, recordings):
            part.add_routes(api, self.state)
        everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        api.add_url_rule("/<anything:rest>", "nowhere", self._nowhere, methods=everything)
        return api

    def _guard(self) -> None:
        inject_faults(self.context.faults, self._failure)
        if request.headers.get("Authorization") != f"Bearer {self.context.api_key}":
            raise refused(401, "Unauthorized")
        points = COSTS.get((request.endpoint or "").removeprefix("whereby."), 3)
        if wait := self.state.budget.spend(points):
            raise self._too_much(wait)

    def _failure(self, status: int) -> Refused:
        return self._too_much(30.0) if status == HTTPStatus.TOO_MANY_REQUESTS else refused(status, "asked to fail")

    def _too_much(self, seconds: float) -> Refused:
        reset = datetime.now(UTC) + timedelta(seconds=seconds)
        headers = {
            "Retry-After": str(int(seconds) + 1),
            "X-RateLimit-Reset": iso(reset),
            "X-RateLimit-Limit": str(self.state.budget.points),
            "X-RateLimit-Remaining": str(self.state.budget.left),
        }
        return Refused(429, {"error": "Too many requests", "data": {"msLeft": int(seconds * 1000)}}, headers)

    def _nowhere(self, rest: str) -> Response:
        raise refused(404, f"There is no {request.method} /{rest}")

    # Rooms

    def admit(self, room_name: str, query: Mapping[str, str]) -> Admission:
        """The room's key lets in as host."""
        room = self.context.world.room("whereby", room_name)
        if room is None or room.closed:
            raise NotAdmitted("This room does not exist, or has ended.", "no-room")
        key, given = room.provider["room_key"], query.get("roomKey", "")
        is_host = secrets.compare_digest(key.encode(), given.encode()) and not _is_past(room, AFTER_THE_END)
        may_record = is_host and room.rules.recording == "cloud"
        role = "host" if is_host else "visitor"
        return Admission(room, query.get("displayName", ""), role, query.get("externalId"), may_record)

    # Webhooks: https://docs.whereby.com/reference/whereby-webhooks

    def tell(self, what: str, room: Room, **facts: Any) -> None:
        self._add_recorder(what, room, **facts)
        endpoint = self.state.endpoint
        for event in self._events(what, room, **facts):
            if endpoint and not _is_past(room, AFTER_THE_END):
                self.context.courier.send(endpoint, event["type"], event)

    def _add_recorder(self, what: str, room: Room, **facts: Any) -> None:
        """One who records is in the room as a client."""
        bots: list[Person] = room.provider["bots"]
        if what == "recording_started":
            recording: Recording = facts["recording"]
            bots.append(Person(recording.id, "Recorder", "recorder", None, recording.started_at))
        elif what == "recording_stopped":
            recording = facts["recording"]
            for bot in bots:
                bot.left_at = recording.stopped_at if bot.session_id == recording.id else bot.left_at

    def _events(self, what: str, room: Room, **facts: Any) -> list[dict[str, Any]]:
        match what:
            case "joined" | "left":
                return [self._client(what, room, facts["person"])]
            case "recording_started" | "recording_stopped":
                recording = facts["recording"]
                [bot] = [one for one in room.provider["bots"] if one.session_id == recording.id]
                return [self._client("joined" if what == "recording_started" else "left", room, bot)]
            case "call_started":
                return [self._session("started", room, facts["call"].started_at, facts["call"].id)]
            case "call_ended":
                return [self._session("ended", room, facts["call"].ended_at, facts["call"].id)]
            case "recording_ready":
                return [recordings.finished(facts["recording"])]
            case _:
                return []

    def _client(self, what: str, room: Room, person: Person) -> dict[str, Any]:
        at = person.left_at if what == "left" and person.left_at else person.joined_at
        call = room.call
        data = {
            **events.common(room.provider["id"], f"/{room.name}", self.state.subdomain, call.id if call else None),
            **events.client(person.session_id, person.name, person.role, _by_role(room), person.user_id),
        }
        return events.event(f"room.client.{what}", at, data)

    def _session(self, what: str, room: Room, at: datetime, session_id: str) -> dict[str, Any]:
        data = events.common(room.provider["id"], f"/{room.name}", self.state.subdomain, session_id)
        return events.event(f"room.session.{what}", at, data)

    def keep(self, recording: Recording, files: Sequence[File]) -> None:
        recordings.keep(self.context.storage, recording, files)


def _by_role(room: Room) -> dict[str, int]:
    roles = [person.role for person in clients(room) if person.left_at is None]
    return {role: roles.count(role) for role in dict.fromkeys(roles)}


def _is_past(room: Room, longer: timedelta) -> bool:
    end: datetime = room.provider["end_date"]
    return datetime.now(UTC) > end + longer


PROVIDER = Whereby
