"""What Daily's events say, and its records in the same words."""

import re
from datetime import UTC, datetime
from typing import Any

from platforms import events
from platforms.backends.daily.account import KEY_LIMIT, URL_LIMIT, Fields
from platforms.payloads import LONGEST_DURATION_SECONDS, after, first_moment, integer, mapping, moment, number, text

# <recording's start>-<session>-<medium>-<track's start>, in milliseconds, where a track's key ends
TRACK_NAME = re.compile(r"(\d{13})-([0-9a-fA-F-]{36})-([a-z]+-[a-z]+)-(\d{13})(?:\.\w+)?$")
# What a recording is called that was started without a name, in every room: it would be taken for any of those.
RESERVED_INSTANCE = "c3df927c-f738-4471-a2b7-066fa7e95a6b"

# Events, by https://docs.daily.co/reference/rest-api/webhooks/events. Beside the real shapes those of early drafts are
# read: `data` for `payload`, `ts` or `timestamp` for `event_ts`, a room or a person as an object of its own.
# Daily's word -> ours, the time at which it happened, and what it must say to be of use.
VOCABULARY: dict[str, tuple[type[events.Event], str, tuple[str, ...]]] = {
    "meeting.started": (events.MeetingStarted, "started_at", ("room_name",)),
    "meeting.ended": (events.MeetingEnded, "ended_at", ("room_name",)),
    "participant.joined": (events.ParticipantJoined, "joined_at", ("room_name", "session_id")),
    "participant.left": (events.ParticipantLeft, "left_at", ("room_name", "session_id")),
    "recording.started": (events.RecordingStarted, "started_at", ("recording_id",)),
    "recording.ready-to-download": (events.RecordingReady, "sent_at", ("recording_or_room",)),
    "recording.error": (events.RecordingFailed, "failed_at", ("recording_room_or_instance",)),
}
# The rest of what Daily sends, by the first part of its word.
IGNORED = {
    "waiting-participant": "People in the lobby are not in the meeting.",
    "transcript": "Daily's own transcripts are not used.",
    "streaming": "Live streams are not followed.",
    "batch-processor": "Daily's own processing is not used.",
    "dialin": "People on the telephone are participants and reported as such.",
    "dialout": "People on the telephone are participants and reported as such.",
}


def payload_of(event: Fields) -> dict[str, Any]:
    payload = mapping(event.get("payload")) or mapping(event.get("data"))
    return {**mapping(payload.get("participant")), **mapping(payload.get("recording")), **payload}


def room_of(payload: Fields) -> str:
    return text(payload, "room_name", "room") or text(mapping(payload.get("room")), "name")


def session_of(payload: Fields) -> str:
    """One connection of one person, or what Daily calls a meeting: one stretch of time with people in the room."""
    return text(payload, "session_id", "participant_id", "meeting_id", "id")


def recording_of(payload: Fields) -> str:
    return text(payload, "recording_id", "id")


def facts_of(event: Fields, payload: Fields) -> dict[str, Any]:
    """All that an event may say, under the names of `platforms.events`."""
    room_name, recording_id, tracks = room_of(payload), recording_of(payload), tracks_of(payload)
    recording_type = text(payload, "type") or ("raw-tracks" if tracks else "cloud")
    joined_at, user_id = moment(payload.get("joined_at")), text(payload, "user_id")
    return {
        "raw": event,
        "sent_at": first_moment(event, "event_ts", "ts", "timestamp") or datetime.now(UTC),
        "room_name": room_name,
        "session_id": session_of(payload),
        "user_id": None if user_id in {"", "hipaa"} else user_id,  # under HIPAA the word stands for what is no UUID
        "user_name": text(payload, "user_name") or None,
        "joined_at": joined_at,
        "left_at": after(joined_at, payload.get("duration")),
        "started_at": first_moment(payload, "start_ts", "start_time"),
        "ended_at": moment(payload.get("end_ts")),
        "recording_id": recording_id,
        "recording_or_room": recording_id or room_name,
        "recording_room_or_instance": recording_id or room_name or text(payload, "instance_id"),
        "recording_type": recording_type,
        "instance_id": _own_instance(payload),
        "started_by": text(payload, "started_by"),
        "s3_key": s3_key_of(payload),
        "tracks": tracks if recording_type == "raw-tracks" else None,
        "download_url": text(payload, "download_url", "download_link", limit=URL_LIMIT),
        "duration": number(payload.get("duration")),
        "failed_at": moment(payload.get("timestamp")),
        "error": text(payload, "error_msg", "error"),
    }


def _own_instance(payload: Fields) -> str:
    """The id under which a recording was asked for; the one of all others tells nothing."""
    instance_id = text(payload, "instance_id")
    return "" if instance_id.lower() == RESERVED_INSTANCE else instance_id


def s3_key_of(source: Fields) -> str:
    return text(source, "s3_key", "s3key", "s3Key", limit=KEY_LIMIT)


def tracks_of(payload: Fields) -> list[events.Track] | None:
    """None when the files are not listed; empty when there are none."""
    tracks = payload.get("tracks")
    if not isinstance(tracks, list):
        return None
    return [
        events.Track(s3_key=s3_key_of(track), size=integer(track.get("size")), **_named_in(s3_key_of(track), track))
        for track in map(mapping, tracks)
        if s3_key_of(track)
    ]


def _named_in(key: str, track: Fields) -> dict[str, Any]:
    """What a track's key says beside its entry: whose it is, of what, and when it began."""
    name = TRACK_NAME.search(key)
    if name is None:
        return {"kind": text(track, "type")}
    began, session_id, kind, track_began = name.groups()
    milliseconds = max(0, int(track_began) - int(began))
    offset = milliseconds / 1000 if milliseconds <= LONGEST_DURATION_SECONDS * 1000 else 0.0
    return {"kind": kind, "session_id": session_id, "offset": offset}
