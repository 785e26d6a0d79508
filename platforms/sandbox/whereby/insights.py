"""Who was in Whereby's rooms: https://docs.whereby.com/reference/whereby-rest-api-reference/insights"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.whereby.events import iso
from platforms.sandbox.whereby.lists import clients, in_order, invalid, listed, moment_of
from platforms.sandbox.whereby.state import WherebyState
from platforms.sandbox.world.model import Call, Person, Room

PAGE = 10
SAMPLE_MS = 2000
TOTALS = (("Participant", ("visitor", "host")), ("Recorder", ("recorder",)), ("Streamer", ("streamer",)))


def add_routes(api: Blueprint, whereby: WherebyState) -> None:
    insights = Insights(whereby)
    for path, name, view in (
        ("rooms", "rooms", insights.rooms),
        ("room-sessions", "sessions", insights.sessions),
        ("participants", "participants", insights.participants),
        ("participant", "participant", insights.participant),
    ):
        api.add_url_rule(f"/insights/{path}", name, view, methods=["GET"])


class Insights:
    def __init__(self, whereby: WherebyState) -> None:
        self.world = whereby.context.world

    def rooms(self) -> Response:
        shown = [_room(room) for room in self._rooms() if _is_meant(room)]
        return listed(in_order(shown, ("roomName", "createdAt")), lambda item: item, PAGE)

    def sessions(self) -> Response:
        """Stretches with two people or more; `endedAt` is null while one goes on."""
        name, session_id = request.args.get("roomName", ""), request.args.get("roomSessionId")
        if not name.startswith("/"):
            raise invalid("roomName is required, with a leading slash.")
        shown = [
            _session(room, call)
            for room in self._rooms()
            if room.name == name[1:]
            for call in reversed(room.calls)
            if session_id in {None, call.id}
        ]
        return listed(in_order(shown, ("startedAt", "endedAt")), lambda item: item, PAGE)

    def participants(self) -> Response:
        session_id, external_id = request.args.get("roomSessionId"), request.args.get("externalId")
        if not session_id and not external_id:
            raise invalid("roomSessionId or externalId is required.")
        shown = [
            _participant(call, person)
            for room, call in self._calls()
            if session_id in {None, call.id}
            for person in _during(room, call)
            if external_id in {None, person.user_id}
        ]
        return listed(in_order(shown, ("joinedAt", "leftAt", "displayName")), lambda item: item, PAGE)

    def participant(self) -> Response:
        session_id, participant_id = request.args.get("roomSessionId"), request.args.get("participantId")
        if not session_id or not participant_id:
            raise invalid("roomSessionId and participantId are required.")
        found = [
            {
                "displayName": person.name,
                "userRole": person.role,
                "userAgent": "sandbox",
                "timeStamp": iso(person.joined_at),
                "sampleRateMs": SAMPLE_MS,
                "samples": [],
                "events": [],
            }
            for room, call in self._calls()
            if call.id == session_id
            for person in _during(room, call)
            if person.session_id == participant_id
        ]
        return jsonify(found)

    def _rooms(self) -> list[Room]:
        with self.world.lock:
            return [room for room in reversed(self.world.history) if room.platform == "whereby"]

    def _calls(self) -> list[tuple[Room, Call]]:
        return [(room, call) for room in self._rooms() for call in reversed(room.calls)]


def _is_meant(room: Room) -> bool:
    asked, name = request.args, f"/{room.name}"
    begun, ended = (moment_of(asked.get(f"createdAt[{end}]")) for end in ("from", "to"))
    return (
        asked.get("roomName[exact]", name) == name
        and name.startswith(asked.get("roomName[startsWith]", ""))
        and asked.get("roomName[contains]", "") in name
        and (begun is None or room.created_at >= begun)
        and (ended is None or room.created_at <= ended)
    )


def _during(room: Room, call: Call) -> list[Person]:
    """Who was in while the session lasted."""
    return [
        person
        for person in clients(room)
        if (person.left_at is None or person.left_at > call.started_at)
        and (call.ended_at is None or person.joined_at <= call.ended_at)
    ]


def _room(room: Room) -> dict[str, Any]:
    calls = room.calls
    return {
        "roomName": f"/{room.name}",
        "createdAt": iso(room.created_at),
        "endAt": iso(room.provider["end_date"]),
        "firstSessionStartedAt": iso(calls[0].started_at) if calls else None,
        "lastSessionStartedAt": iso(calls[-1].started_at) if calls else None,
        **_totals(clients(room)),
        "totalSessions": len(calls),
    }


def _session(room: Room, call: Call) -> dict[str, Any]:
    return {
        "roomSessionId": call.id,
        "roomName": f"/{room.name}",
        "startedAt": iso(call.started_at),
        "endedAt": iso(call.ended_at) if call.ended_at else None,
        **_totals(_during(room, call)),
    }


def _totals(people: Sequence[Person]) -> dict[str, int]:
    found = {}
    for name, roles in TOTALS:
        mine = [person for person in people if person.role in roles]
        found[f"total{name}Minutes"] = round(sum(map(_seconds, mine)) / 60)
        found[f"totalUnique{name}s"] = len({person.session_id for person in mine})
    return found


def _seconds(person: Person) -> float:
    return ((person.left_at or datetime.now(UTC)) - person.joined_at).total_seconds()


def _participant(call: Call, person: Person) -> dict[str, Any]:
    return {
        "roomSessionId": call.id,
        "participantId": person.session_id,
        "deviceId": f"device-of-{person.session_id}",
        "userId": None,
        "roleName": person.role,
        "displayName": person.name,
        "joinedAt": iso(person.joined_at),
        "leftAt": iso(person.left_at) if person.left_at else None,
        "externalId": person.user_id,
    }
