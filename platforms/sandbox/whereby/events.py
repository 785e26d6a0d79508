"""Whereby's webhooks, field for field: https://docs.whereby.com/reference/whereby-webhooks"""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from platforms import signing

Event = dict[str, Any]


def sign(secret: str, body: bytes) -> dict[str, str]:
    seconds = str(int(time.time()))
    return {"Whereby-Signature": f"t={seconds},v1={signing.sign_hex(secret, seconds.encode() + b'.' + body)}"}


def event(kind: str, at: datetime, data: Mapping[str, Any]) -> Event:
    return {"id": secrets.token_hex(32), "apiVersion": "1.0", "createdAt": iso(at), "type": kind, "data": data}


def common(meeting_id: str, room_name: str, subdomain: str, session_id: str | None) -> dict[str, Any]:
    return {"meetingId": meeting_id, "roomName": room_name, "subdomain": subdomain, "roomSessionId": session_id}


def client(
    participant_id: str, name: str, role: str, by_role: Mapping[str, int], external_id: str | None = None
) -> dict[str, Any]:
    """What is told of somebody who comes or goes; `by_role` counts all who are in after that."""
    return {
        "displayName": name,
        "participantId": participant_id,
        "metadata": None,
        "externalId": external_id,
        "roleName": role,
        "numClients": sum(by_role.values()),
        "numClientsByRoleName": dict(by_role),
        "isDialIn": False,
    }


def recording_finished(filename: str, recording_id: str, room_name: str, at: datetime) -> Event:
    data = {"filename": filename, "recordingId": recording_id, "roomName": room_name, "status": "completed"}
    return event("recording.finished", at, data)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
