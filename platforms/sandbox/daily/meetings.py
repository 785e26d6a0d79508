"""Who is and was in Daily's rooms.

https://docs.daily.co/reference/rest-api/presence and https://docs.daily.co/reference/rest-api/meetings
"""

import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from platforms.sandbox.daily.errors import invalid, refused
from platforms.sandbox.daily.state import DailyState
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.wire.api import number_asked, page_by_id
from platforms.sandbox.world.model import Call, Person, Room

WRITTEN_AFTER_SECONDS = 10  # in the room before somebody is written down


def add_routes(api: Blueprint, daily: DailyState) -> None:
    meetings = Meetings(daily)
    api.add_url_rule("/rooms/<name>/presence", "room_presence", meetings.room_presence, methods=["GET"])
    api.add_url_rule("/presence", "presence", meetings.presence, methods=["GET"])
    api.add_url_rule("/meetings", "list_meetings", meetings.index, methods=["GET"])
    api.add_url_rule("/meetings/<meeting_id>", "get_meeting", meetings.get, methods=["GET"])
    api.add_url_rule("/meetings/<meeting_id>/participants", "participants", meetings.participants, methods=["GET"])


class Meetings:
    def __init__(self, daily: DailyState) -> None:
        self.world = daily.context.world
        self.faults = daily.context.faults
        self._seen: dict[str, Any] = {}
        self._seen_at = float("-inf")

    # Now

    def room_presence(self, name: str) -> Response:
        room = self.world.room("daily", name)
        if room is None:
            raise refused(404, "not-found", f"room {name} not found")
        wanted = request.args
        people = [
            person
            for person in room.people
            if wanted.get("userId") in {None, person.user_id} and wanted.get("userName") in {None, person.name}
        ]
        limit = number_asked("limit", 100, 1, 100, invalid)
        return jsonify(total_count=len(people), data=[_present(room, person) for person in people[:limit]])

    def presence(self) -> Response:
        """Up to 15 s old at the provider; here, as old as the controls say."""
        now = time.monotonic()
        if now - self._seen_at >= self.faults.stale_presence:
            rooms = self.world.rooms_of("daily")
            self._seen = {room.name: [_present(room, one) for one in room.people] for room in rooms if room.people}
            self._seen_at = now
        return jsonify(self._seen)

    # Then

    def index(self) -> Response:
        asked = request.args
        begun_from, begun_to = (_moment(asked.get(name)) for name in ("timeframe_start", "timeframe_end"))
        found = [
            (room, call)
            for room, call in self._all()
            if asked.get("room") in {None, room.name}
            and (begun_from is None or call.started_at >= begun_from)
            and (begun_to is None or call.started_at <= begun_to)
            and asked.get("ongoing") in {None, _word(call.ended_at is None)}
        ]
        limit = number_asked("limit", 100, 1, 100, invalid)
        after, before = asked.get("starting_after"), asked.get("ending_before")
        page = page_by_id(found, lambda item: item[1].id, limit, after, before)
        with_people = asked.get("no_participants") != "true"
        return jsonify(total_count=len(found), data=[self._object(*item, with_people) for item in page])

    def get(self, meeting_id: str) -> Response:
        return jsonify(self._object(*self._find(meeting_id), with_people=True))

    def participants(self, meeting_id: str) -> Response:
        """Pages end with a 404, not with an empty one."""
        _, call = self._find(meeting_id)
        limit = number_asked("limit", 100, 1, 100, invalid)
        people = self._written(call)
        after, before = request.args.get("joined_after"), request.args.get("joined_before")
        page = page_by_id(people, lambda person: person.session_id, limit, after, before)
        if not page:
            raise refused(404, "not-found", "there are no more participants")
        return jsonify(data=[_participant(person) for person in page])

    def _all(self) -> list[tuple[Room, Call]]:
        with self.world.lock:
            found = [(room, call) for room in self.world.history if room.platform == "daily" for call in room.calls]
            return sorted(found, key=lambda item: item[1].started_at, reverse=True)

    def _find(self, meeting_id: str) -> tuple[Room, Call]:
        found = next((item for item in self._all() if item[1].id == meeting_id), None)
        if found is None:
            raise refused(404, "not-found", f"meeting {meeting_id} not found")
        return found

    def _object(self, room: Room, call: Call, with_people: bool) -> dict[str, Any]:
        shown = {
            "id": call.id,
            "room": room.name,
            "start_time": int(call.started_at.timestamp()),
            "duration": _seconds(call.started_at, call.ended_at),
            "ongoing": call.ended_at is None,
            "max_participants": call.most,
        }
        people = [_participant(person) for person in self._written(call)]
        return {**shown, "participants": people} if with_people else shown

    def _written(self, call: Call) -> list[Person]:
        """Whoever was in for long enough; who came and went within seconds never shows up."""
        least = WRITTEN_AFTER_SECONDS * self.world.time_scale
        return [one for one in call.visits if (_end(one.left_at) - one.joined_at).total_seconds() >= least]


def _present(room: Room, person: Person) -> dict[str, Any]:
    call = room.call
    return {
        "room": room.name,
        "id": person.session_id,
        "userId": person.user_id,
        "userName": person.name or None,
        "mtgSessionId": call.id if call else None,
        "joinTime": iso(person.joined_at),
        "duration": _seconds(person.joined_at, None),
    }


def _participant(person: Person) -> dict[str, Any]:
    return {
        "user_id": person.user_id,
        "participant_id": person.session_id,
        "user_name": person.name or None,
        "join_time": int(person.joined_at.timestamp()),
        "duration": _seconds(person.joined_at, person.left_at),
    }


def _end(ended_at: datetime | None) -> datetime:
    return ended_at or datetime.now(UTC)


def _seconds(began: datetime, ended: datetime | None) -> int:
    return int((_end(ended) - began).total_seconds())


def _word(is_so: bool) -> str:
    return "true" if is_so else "false"


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if not text.isdigit():
        raise invalid("timeframes are seconds since the unix epoch")
    return datetime.fromtimestamp(int(text), UTC)
