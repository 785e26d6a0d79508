"""Jitsi's webhooks, field for field: https://developer.8x8.com/jaas/docs/webhooks-payload"""

import base64
import time
import uuid
from datetime import datetime
from typing import Any

from platforms import signing
from platforms.sandbox.jaas.tokens import APP_ID
from platforms.sandbox.world.model import Call, Person, Recording, Room

Event = dict[str, Any]
HOST = "sandbox.8x8.vc"


def sign(secret: str, body: bytes) -> dict[str, str]:
    seconds = str(int(time.time()))
    digest = bytes.fromhex(signing.sign_hex(secret, seconds.encode() + b"." + body))
    return {"X-Jaas-Signature": f"t={seconds},v1={base64.b64encode(digest).decode()}"}


def event(kind: str, room: Room, at: datetime, data: Event, call: Call | None) -> Event:
    return {
        "idempotencyKey": str(uuid.uuid4()),
        "customerId": "sandbox",
        "appId": APP_ID,
        "eventType": kind,
        "sessionId": call.id if call else "",
        "timestamp": milliseconds(at),
        "fqn": f"{APP_ID}/{room.name}",
        "data": data,
    }


def of_room(room: Room) -> Event:
    return {"conference": f"{room.name}@conference.{APP_ID}.{HOST}", "isBreakout": False}


def of_person(person: Person) -> Event:
    return {
        "moderator": "true" if person.role == "host" else "false",
        "name": person.name,
        "group": APP_ID,
        "id": person.user_id or "",
        "participantJid": f"{person.session_id}@{HOST}",
        "participantId": person.session_id,
        "isBreakout": False,
    }


def of_upload(recording: Recording, link: str) -> Event:
    stopped = recording.stopped_at or recording.started_at
    people = [person for person in recording.room.visits if person.joined_at <= stopped]
    return {
        "participants": [{"name": person.name, "id": person.user_id or ""} for person in people],
        "preAuthenticatedLink": link,
        "share": True,
        "initiatorId": recording.started_by,
        "durationSec": round(recording.seconds),
        "startTimestamp": milliseconds(recording.started_at),
        "endTimestamp": milliseconds(stopped),
        "recordingSessionId": recording.id,
    }


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
