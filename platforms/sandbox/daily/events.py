"""Daily's webhooks, field for field: https://docs.daily.co/reference/rest-api/webhooks/events"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from platforms.sandbox.world.model import Call, Person, Recording, Room

SKEW_SECONDS = 0.004  # the two events of one connection differ by this in when it began
DEFAULT_INSTANCE = "c3df927c-f738-4471-a2b7-066fa7e95a6b"

Event = dict[str, Any]


def event(kind: str, event_id: str, payload: Mapping[str, Any], at: datetime) -> Event:
    return {"version": "1.0.0", "type": kind, "id": event_id, "payload": payload, "event_ts": at.timestamp()}


def person(
    room_name: str, session_id: str, name: str, user_id: str | None = None, owner: bool = False, until: Any = None
) -> dict[str, Any]:
    return {
        "room": room_name,
        "user_id": user_id,
        "user_name": name or None,
        "session_id": session_id,
        "will_eject_at": until,
        "owner": owner,
        "permissions": {"hasPresence": True, "canSend": True, "canReceive": {"base": True}, "canAdmin": owner},
    }


def joined(room: Room, who: Person) -> Event:
    payload = {**_person(room, who), "joined_at": who.joined_at.timestamp()}
    event_id = f"ptcpt-join-{who.session_id}-{_milliseconds(who.joined_at)}"
    return event("participant.joined", event_id, payload, who.joined_at)


def left(room: Room, who: Person) -> Event:
    at = who.left_at or who.joined_at
    joined_at = who.joined_at.timestamp() + SKEW_SECONDS
    payload = {**_person(room, who), "joined_at": joined_at, "duration": max(0.0, at.timestamp() - joined_at)}
    return event("participant.left", f"ptcpt-left-{who.session_id}-{_milliseconds(at)}", payload, at)


def _person(room: Room, who: Person) -> dict[str, Any]:
    """Who came without an id of their own has a generated one."""
    rules = room.rules
    until = rules.ends_at.timestamp() if rules.ends_at and rules.ejects_at_end else None
    return person(room.name, who.session_id, who.name, who.user_id or who.session_id, who.role == "host", until)


def call_started(room: Room, call: Call) -> Event:
    began = call.started_at
    payload = {"start_ts": began.timestamp(), "meeting_id": call.id, "room": room.name}
    return event("meeting.started", f"met-sta-{call.id}-{int(began.timestamp())}", payload, began)


def call_ended(room: Room, call: Call) -> Event:
    """`start_ts` is cut to whole seconds here, and only here."""
    ended = call.ended_at or call.started_at
    payload = {
        "start_ts": int(call.started_at.timestamp()),
        "end_ts": ended.timestamp(),
        "meeting_id": call.id,
        "room": room.name,
    }
    return event("meeting.ended", f"met-end-{call.id}-{int(ended.timestamp())}", payload, ended)


def recording_started(recording: Recording) -> Event:
    """It names no room. Its id is made of the instance and the second, so that it need not be unique."""
    instance, seconds = recording.instance_id or DEFAULT_INSTANCE, int(recording.started_at.timestamp())
    is_tracks = recording.kind == "raw-tracks"
    payload = {
        "action": f"start-{'raw-tracks' if is_tracks else 'cloud'}-recording",
        "recording_id": recording.id,
        "layout": {"preset": "raw-tracks" if is_tracks else "default"},
        "started_by": recording.started_by,
        "instance_id": instance,
        "start_ts": seconds,
    }
    return event("recording.started", f"rec-sta-{instance}-{seconds}", payload, recording.started_at)


def recording_ready(recording: Recording, s3_key: str, tracks: Sequence[Mapping[str, Any]] | None) -> Event:
    """There is no address in it."""
    at = recording.ready_at or recording.started_at
    payload: dict[str, Any] = {
        "type": recording.kind,
        "recording_id": recording.id,
        "room_name": recording.room.name,
        "start_ts": int(recording.started_at.timestamp()),
        "status": "finished",
        "duration": round(recording.seconds),
        "s3_key": s3_key,
    }
    if tracks is None:
        payload |= {"max_participants": recording.most, "share_token": "x"}
    else:
        payload |= {"tracks": tracks}
    instance = recording.instance_id or DEFAULT_INSTANCE
    return event("recording.ready-to-download", f"rec-rtd-{instance}-{int(at.timestamp())}", payload, at)


def recording_failed(recording: Recording) -> Event:
    """It has no recording_id, and its time is text."""
    at = recording.stopped_at or recording.started_at
    instance, seconds = recording.instance_id or DEFAULT_INSTANCE, int(at.timestamp())
    payload = {
        "action": "cloud-recording-error",
        "error_msg": recording.error,
        "instance_id": instance,
        "room_name": recording.room.name,
        "timestamp": str(seconds),
    }
    return event("recording.error", f"rec-err-{instance}-{seconds}", payload, at)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
