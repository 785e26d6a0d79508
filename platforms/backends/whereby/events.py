"""What Whereby's events say.

https://docs.whereby.com/meeting-content-and-quality/insights-suite-and-api/webhooks
"""

from collections.abc import Callable, Mapping
from typing import Any

from platforms.backends.whereby.account import KEY_LIMIT_BYTES
from platforms.events import (
    Event,
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingReady,
)
from platforms.payloads import integer, mapping, text

MOST_PEOPLE = 10_000  # a larger count is not to be believed
BOT_ROLES = frozenset({"recorder", "streamer", "captioner", "assistant"})


def _joined(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    if not text(data, "participantId"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantJoined(joined_at=common["occurred_at"], **_participant(data), **common)


def _left(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    if not text(data, "participantId"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantLeft(left_at=common["occurred_at"], **_participant(data), **common)


def _session_started(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return MeetingStarted(session_id=text(data, "roomSessionId"), **common)


def _session_ended(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    return MeetingEnded(session_id=text(data, "roomSessionId"), **common)


def _recording_finished(data: Mapping[str, Any], common: dict[str, Any]) -> Event:
    """A hint: the file's name is known, its bucket is not."""
    status = text(data, "status")
    if status not in {"", "completed"}:
        return Ignored(reason=f"The recording's status is {status!r}.", **common)
    return RecordingReady(
        recording_id=text(data, "recordingId"),
        recording_type="cloud",
        s3_key=text(data, "filename", limit=KEY_LIMIT_BYTES),
        **common,
    )


PARSERS: dict[str, Callable[[Mapping[str, Any], dict[str, Any]], Event]] = {
    "room.client.joined": _joined,
    "room.client.left": _left,
    "room.session.started": _session_started,
    "room.session.ended": _session_ended,
    "recording.finished": _recording_finished,
}
IGNORED = {
    "room.client.knocked": "Who knocks is not in yet.",
    "room.client.knockCancelled": "Who knocked was not in.",
    "transcription.started": "Whereby's own transcripts are not used.",
    "transcription.finished": "Whereby's own transcripts are not used.",
    "transcription.failed": "Whereby's own transcripts are not used.",
    "assistant.requested": "Whereby's assistants are not used.",
}


def _participant(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "session_id": text(data, "participantId"),
        "user_id": text(data, "externalId") or None,
        "user_name": text(data, "displayName") or None,
        "is_bot": text(data, "roleName") in BOT_ROLES,
        "present": _people(data),
    }


def _people(data: Mapping[str, Any]) -> int | None:
    """How many are in after the event, without bots. Whether numClients counts bots is not documented.

    So both ways of counting are tried, and the larger holds: people must not be taken for gone.
    """
    by_role = {role: integer(count) or 0 for role, count in mapping(data.get("numClientsByRoleName")).items()}
    bots = sum(by_role.get(role, 0) for role in BOT_ROLES)
    everyone = integer(data.get("numClients"))
    if everyone is None and not by_role:
        return None
    people = max(sum(by_role.values()) - bots, (everyone or 0) - bots, 0)
    return people if people <= MOST_PEOPLE else None
