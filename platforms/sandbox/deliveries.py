"""Webhooks about people in a room, written and signed as each provider does it.

https://docs.daily.co/reference/rest-api/webhooks and https://docs.whereby.com/reference/whereby-webhooks
"""

import base64
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from platforms import signing

PLATFORMS = ("daily", "whereby")
SKEW = 0.004  # seconds; Daily's two events of one connection differ by this in when it began


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

    def headers(self, secret: str) -> dict[str, str]:
        if self.platform == "daily":
            milliseconds = str(time.time_ns() // 1_000_000)
            signature = signing.sign_base64(secret, milliseconds.encode() + b"." + self.body)
            return {"X-Webhook-Timestamp": milliseconds, "X-Webhook-Signature": signature}
        seconds = str(int(time.time()))
        return {"Whereby-Signature": f"t={seconds},v1={signing.sign_hex(secret, seconds.encode() + b'.' + self.body)}"}


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
        joined_at = visit.joined_at.timestamp() + SKEW
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
    event = {"version": "1.0.0", "type": kind, "id": f"{event_id}-{int(at.timestamp())}", "payload": payload}
    return Delivery("daily", _compact({**event, "event_ts": at.timestamp() + 0.3}))


def _daily_person(room_name: str, visit: Visit) -> dict[str, Any]:
    return {
        "room": room_name,
        "user_id": None,
        "user_name": visit.name or None,
        "session_id": visit.session_id,
        "will_eject_at": None,
        "owner": False,
        "permissions": {"hasPresence": True, "canSend": True, "canReceive": {"base": True}, "canAdmin": False},
    }


def _whereby(kind: str, at: datetime, **data: Any) -> Delivery:
    event = {"id": uuid.uuid4().hex * 2, "apiVersion": "1.0", "createdAt": _iso(at), "type": kind}
    return Delivery("whereby", _compact({**event, "data": {"subdomain": "acme", "roomSessionId": None, **data}}))


def _whereby_person(room_name: str, visit: Visit, present: int, role: str) -> dict[str, Any]:
    return {
        "roomName": f"/{room_name}",
        "participantId": visit.session_id,
        "displayName": visit.name,
        "roleName": role,
        "numClients": present,
        "numClientsByRoleName": {"visitor": present} if present else {},
        "isDialIn": False,
        "metadata": None,
        "externalId": None,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _compact(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
