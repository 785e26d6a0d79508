"""What Jitsi's events say: https://developer.8x8.com/jaas/docs/webhooks-payload

Who goes from the main room to a breakout room leaves the one and joins the other, and stays in the meeting.
"""

from collections.abc import Callable, Mapping
from typing import Any

from platforms.events import (
    Event,
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingReady,
    RecordingStarted,
)
from platforms.payloads import key_of, moment, number, text

Fields = Mapping[str, Any]
URL_LIMIT = 2000  # characters
BREAKOUT = "It is about a breakout room; whoever is there is counted already."
MOVED = "They went to another room of the same meeting."


def _joined(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    if _is_breakout(data):
        return Ignored(reason=BREAKOUT, **common)
    if not text(data, "participantId", "participantJid"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantJoined(joined_at=common["occurred_at"], **_participant(data), **common)


def _left(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    if text(data, "disconnectReason") == "switch_room":
        return Ignored(reason=MOVED, **common)
    if not text(data, "participantId", "participantJid"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantLeft(left_at=common["occurred_at"], **_participant(data), **common)


def _room_created(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    if _is_breakout(data):
        return Ignored(reason=BREAKOUT, **common)
    return MeetingStarted(session_id=text(event, "sessionId"), **common)


def _room_destroyed(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    if _is_breakout(data):
        return Ignored(reason=BREAKOUT, **common)
    return MeetingEnded(session_id=text(event, "sessionId"), **common)


def _recording_started(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    """It does not say which one: the call's id and the time stand for it, which nothing else is asked by."""
    name = key_of(text(event, "sessionId"), str(event.get("timestamp")))
    return RecordingStarted(recording_id=name, started_at=common["occurred_at"], **common)


def _recording_uploaded(event: Fields, data: Fields, common: dict[str, Any]) -> Event:
    """The link lasts for a day. Recordings of one session in one call are told apart by their start."""
    started = text(data, "startTimestamp")
    recording_id = text(data, "recordingSessionId") or key_of(text(event, "sessionId"), started)
    return RecordingReady(
        recording_id=recording_id,
        recording_type="cloud",
        download_url=text(data, "preAuthenticatedLink", limit=URL_LIMIT),
        started_at=moment(data.get("startTimestamp")),
        duration=number(data.get("durationSec")),
        **common,
    )


PARSERS: dict[str, Callable[[Fields, Fields, dict[str, Any]], Event]] = {
    "ROOM_CREATED": _room_created,
    "ROOM_DESTROYED": _room_destroyed,
    "PARTICIPANT_JOINED": _joined,
    "PARTICIPANT_LEFT": _left,
    "RECORDING_STARTED": _recording_started,
    "RECORDING_UPLOADED": _recording_uploaded,
}
IGNORED = {
    "RECORDING_ENDED": "The recording becomes known when it is uploaded.",
    "PARTICIPANT_JOINED_LOBBY": "Who waits is not in yet.",
    "PARTICIPANT_LEFT_LOBBY": "Who waited was not in.",
    "TRANSCRIPTION_UPLOADED": "Jitsi's own transcripts are not used.",
    "CHAT_UPLOADED": "Jitsi's chats are not kept.",
}


def _is_breakout(data: Fields) -> bool:
    return data.get("isBreakout") in (True, "true")


def _participant(data: Fields) -> dict[str, Any]:
    return {
        "session_id": text(data, "participantId", "participantJid"),
        "user_id": text(data, "id") or None,
        "user_name": text(data, "name") or None,
    }
