"""Events of people whom a drill makes up, signed as each provider does it.

https://docs.daily.co/reference/rest-api/webhooks and https://docs.whereby.com/reference/whereby-webhooks
"""

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from platforms.sandbox.daily import events as daily_events
from platforms.sandbox.daily.events import SKEW_SECONDS
from platforms.sandbox.registry import find_providers
from platforms.sandbox.whereby import events as whereby_events
from platforms.sandbox.wire.webhooks import as_body

PLATFORMS = ("daily", "whereby")


@dataclass(frozen=True)
class Visit:
    """One connection of one person."""

    session_id: str
    joined_at: datetime
    name: str = ""


@dataclass(frozen=True)
class Delivery:
    """An event on its way. It is signed anew each time that it is sent."""

    platform: str
    body: bytes

    @property
    def path(self) -> str:
        return f"/v1/{self.platform}/webhook"

    def headers(self, secret: str) -> Mapping[str, str]:
        return find_providers()[self.platform].sign(secret, self.body)


def new_secret() -> str:
    """Base64, which Daily asks for; to the other it is a text like any other."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def joined(platform: str, room_name: str, visit: Visit, present: int, role: str = "visitor") -> Delivery:
    """`present` is how many people are in now; one provider tells it, the other does not."""
    if platform == "daily":
        payload = {**_daily_person(room_name, visit), "joined_at": visit.joined_at.timestamp()}
        return _daily("participant.joined", f"ptcpt-join-{visit.session_id}", payload, visit.joined_at)
    return _whereby("room.client.joined", visit.joined_at, **_whereby_person(room_name, visit, present, role))


def left(platform: str, room_name: str, visit: Visit, at: datetime, present: int, role: str = "visitor") -> Delivery:
    if platform == "daily":
        joined_at = visit.joined_at.timestamp() + SKEW_SECONDS
        payload = {**_daily_person(room_name, visit), "joined_at": joined_at, "duration": at.timestamp() - joined_at}
        return _daily("participant.left", f"ptcpt-left-{visit.session_id}", payload, at)
    return _whereby("room.client.left", at, **_whereby_person(room_name, visit, present, role))


def call(platform: str, room_name: str, at: datetime, started: bool) -> Delivery:
    """The start or the end of a call; who came or went, it does not say."""
    kind = "started" if started else "ended"
    if platform == "daily":
        payload = {"start_ts": at.timestamp(), "meeting_id": str(uuid.uuid4()), "room": room_name}
        if not started:
            payload["end_ts"] = at.timestamp()
        return _daily(f"meeting.{kind}", f"met-{kind[:3]}-{payload['meeting_id']}", payload, at)
    return _whereby(f"room.session.{kind}", at, roomName=f"/{room_name}")


def _daily(kind: str, event_id: str, payload: Mapping[str, Any], at: datetime) -> Delivery:
    told_at = at + timedelta(seconds=0.3)
    return delivery("daily", daily_events.event(kind, f"{event_id}-{int(at.timestamp())}", payload, told_at))


def _daily_person(room_name: str, visit: Visit) -> dict[str, Any]:
    return daily_events.person(room_name, visit.session_id, visit.name)


def _whereby(kind: str, at: datetime, **data: Any) -> Delivery:
    return delivery("whereby", whereby_events.event(kind, at, {"subdomain": "acme", "roomSessionId": None, **data}))


def _whereby_person(room_name: str, visit: Visit, present: int, role: str) -> dict[str, Any]:
    by_role = {"visitor": present} if present else {}
    return {"roomName": f"/{room_name}", **whereby_events.client(visit.session_id, visit.name, role, by_role)}


def delivery(platform: str, event: Mapping[str, Any]) -> Delivery:
    return Delivery(platform, as_body(event))
