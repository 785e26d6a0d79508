"""LiveKit's messages, field for field, and its webhooks, which are made of them.

https://github.com/livekit/protocol/tree/main/protobufs (livekit_models, livekit_egress and livekit_webhook)
"""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from platforms.sandbox.livekit.state import camel, egress_id_of, nanoseconds, sid_of
from platforms.sandbox.world.model import File, Person, Recording, Room

Message = dict[str, Any]
STATES = {
    "recording": "EGRESS_ACTIVE",
    "processing": "EGRESS_ENDING",
    "ready": "EGRESS_COMPLETE",
    "failed": "EGRESS_FAILED",
}


def event(kind: str, room: Room, at: datetime | None = None, **about: Message) -> Message:
    """Of a recording, only its own message says which room it is of."""
    told_at = at or datetime.now(UTC)
    about = about if "egress_info" in about else {"room": room_message(room), **about}
    identity = f"EV_{secrets.token_urlsafe(9)}"
    return {"event": kind, **camel(about), "id": identity, "createdAt": str(int(told_at.timestamp()))}


def room_message(room: Room) -> Message:
    return {
        "sid": room.provider["sid"],
        "name": room.name,
        "empty_timeout": room.provider["empty_timeout"],
        "departure_timeout": room.provider["departure_timeout"],
        "max_participants": room.provider["max_participants"],
        "creation_time": str(int(room.created_at.timestamp())),
        "creation_time_ms": _milliseconds(room.created_at),
        "metadata": room.provider["metadata"],
        "num_participants": len(room.people),
        "active_recording": room.recording is not None,
    }


def person_message(person: Person) -> Message:
    return {
        "sid": sid_of(person),
        "identity": person.session_id,
        "state": "ACTIVE" if person.left_at is None else "DISCONNECTED",
        "metadata": json.dumps({"user_id": person.user_id} if person.user_id else {}),
        "joined_at": str(int(person.joined_at.timestamp())),
        "joined_at_ms": _milliseconds(person.joined_at),
        "name": person.name,
        "version": 2,
        "permission": dict.fromkeys(("can_subscribe", "can_publish", "can_publish_data"), True),
        "is_publisher": True,
        "kind": "STANDARD",
        "disconnect_reason": _reason(person),
    }


def egress_message(recording: Recording) -> Message:
    return {
        "egress_id": egress_id_of(recording),
        "room_id": recording.room.provider["sid"],
        "room_name": recording.room.name,
        "source_type": "EGRESS_SOURCE_TYPE_WEB",
        "status": STATES[recording.state],
        "started_at": nanoseconds(recording.started_at),
        "ended_at": nanoseconds(recording.ready_at),
        "updated_at": nanoseconds(recording.stopped_at or recording.started_at),
        "room_composite": recording.room.provider["requests"][recording.instance_id],
        "file_results": [_file_message(recording, file) for file in recording.notes.get("put", [])],
        "error": recording.error,
    }


def _file_message(recording: Recording, file: File) -> Message:
    name = path_of(recording)
    bucket = upload_of(recording)["bucket"]
    return {
        "filename": name,
        "started_at": nanoseconds(recording.started_at),
        "ended_at": nanoseconds(recording.stopped_at),
        "duration": str(round(file.duration * 1_000_000) * 1000),
        "size": str(file.size),
        "location": f"https://{bucket}.s3.amazonaws.com/{name}",
    }


def path_of(recording: Recording) -> str:
    return str(_output_of(recording)["filepath"])


def upload_of(recording: Recording) -> Message:
    return dict(_output_of(recording)["s3"])


def _output_of(recording: Recording) -> Message:
    request: Message = recording.room.provider["requests"][recording.instance_id]
    output: Message = request["file_outputs"][0]
    return output


def _reason(person: Person) -> str:
    if person.left_at is None:
        return "UNKNOWN_REASON"
    return "ROOM_DELETED" if person.ejected else "CLIENT_INITIATED"


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
