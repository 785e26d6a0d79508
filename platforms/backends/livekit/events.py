"""What LiveKit's events say: https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/

The messages are those of https://github.com/livekit/protocol (livekit_webhook, livekit_models and livekit_egress).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from platforms.backends.livekit.account import Fields, field_of
from platforms.events import (
    Event,
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingFailed,
    RecordingReady,
    RecordingStarted,
)
from platforms.payloads import LONGEST_DURATION_SECONDS, integer, load, mapping, moment, number, objects, text

KEY_LIMIT = 1024  # characters of a key in a bucket
NANOSECONDS = 1e9
# Kinds and states are words, or numbers where a server is told to write them so. Who telephones (SIP) is a person.
BOTS = frozenset({"INGRESS", "EGRESS", "AGENT", "1", "2", "4"})
# <folder>/<room>/<start>-<id under which it was asked for>.mp4, by which `recordings` has it named
RECORDING_NAME = re.compile(
    r"(?P<room>[A-Za-z0-9_-]{1,128})/(?P<start>\d{8}T\d{6}Z)-(?P<instance>[0-9a-f-]{36})\.(?:mp4|ogg)"
)
COMPLETE = frozenset({"EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED", "3", "6"})
ABORTED = frozenset({"EGRESS_ABORTED", "5"})
# What an egress says that was stopped before it recorded anything, as one too many is.
STOPPED_EARLY = "Stop called before pipeline could start"


def parse(event: Fields, platform: str) -> Event:
    """What an event says; `Ignored` where it says nothing of use."""
    kind = text(event, "event")
    told = _moment(event, "created_at") or datetime.now(UTC)
    room, egress = mapping(event.get("room")), mapping(field_of(event, "egress_info"))
    common: dict[str, Any] = {
        "platform": platform,
        "occurred_at": told,
        "room_name": text(room, "name") or _text(egress, "room_name"),
        "meeting_id": text(room, "sid") or _text(egress, "room_id"),
        "raw": event,
    }
    reader = READERS.get(kind)
    if reader is None:
        return Ignored(reason=IGNORED.get(kind, "This type of event is not known."), **common)
    if not common["room_name"]:
        return Ignored(reason="It names no room.", **common)
    return reader(event, common)


def _room_started(event: Fields, common: dict[str, Any]) -> Event:
    """A room is begun with when it is made as well, before anybody comes."""
    room = mapping(event.get("room"))
    if not integer(field_of(room, "num_participants")):
        return Ignored(reason="Nobody is in the room yet.", **common)
    return MeetingStarted(session_id=text(room, "sid"), **common)


def _room_finished(event: Fields, common: dict[str, Any]) -> Event:
    return MeetingEnded(session_id=text(mapping(event.get("room")), "sid"), **common)


def _joined(event: Fields, common: dict[str, Any]) -> Event:
    who = mapping(event.get("participant"))
    if not text(who, "sid"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantJoined(joined_at=joined_at(who) or common["occurred_at"], **_person(who), **common)


def _left(event: Fields, common: dict[str, Any]) -> Event:
    who = mapping(event.get("participant"))
    if not text(who, "sid"):
        return Ignored(reason="It names no participant.", **common)
    return ParticipantLeft(joined_at=joined_at(who), left_at=common["occurred_at"], **_person(who), **common)


def _egress_started(event: Fields, common: dict[str, Any]) -> Event:
    egress = mapping(field_of(event, "egress_info"))
    if not _is_ours(egress):
        return Ignored(reason="It is no recording that was asked for here.", **common)
    return RecordingStarted(
        recording_id=_text(egress, "egress_id"),
        instance_id=instance_of(egress),
        started_at=_nanoseconds(egress, "started_at"),
        **common,
    )


def _egress_ended(event: Fields, common: dict[str, Any]) -> Event:
    egress = mapping(field_of(event, "egress_info"))
    if not _is_ours(egress):
        return Ignored(reason="It is no recording that was asked for here.", **common)
    if text(egress, "status") in COMPLETE and (file := file_of(egress)):
        return RecordingReady(
            recording_id=_text(egress, "egress_id"),
            recording_type="cloud",
            s3_key=text(file, "filename", limit=KEY_LIMIT),
            started_at=_nanoseconds(file, "started_at") or _nanoseconds(egress, "started_at"),
            duration=duration_of(file),
            **common,
        )
    error = text(egress, "error") or text(egress, "details")
    if text(egress, "status") in ABORTED and error == STOPPED_EARLY:
        return Ignored(reason="It was stopped before it recorded anything.", **common)
    return RecordingFailed(
        recording_id=_text(egress, "egress_id"), instance_id=instance_of(egress), error=error, **common
    )


READERS: Mapping[str, Callable[[Fields, dict[str, Any]], Event]] = {
    "room_started": _room_started,
    "room_finished": _room_finished,
    "participant_joined": _joined,
    "participant_left": _left,
    "participant_connection_aborted": _left,
    "egress_started": _egress_started,
    "egress_ended": _egress_ended,
}
IGNORED = {
    "egress_updated": "A recording that goes on is told of when it begins and when it ends.",
    "track_published": "Who shows or says something is in the room already.",
    "track_unpublished": "Who shows or says nothing any more is still in the room.",
    "ingress_started": "Streams into a room are not followed.",
    "ingress_ended": "Streams into a room are not followed.",
}


# People


def _person(who: Fields) -> dict[str, Any]:
    return {
        "session_id": text(who, "sid"),
        "user_id": user_of(who),
        "user_name": text(who, "name") or None,
        "is_bot": is_bot(who),
    }


def is_bot(who: Fields) -> bool:
    permission = mapping(who.get("permission"))
    return text(who, "kind") in BOTS or any(permission.get(name) is True for name in ("recorder", "agent"))


def user_of(who: Fields) -> str | None:
    """Whom the token that was made here named, in the metadata that the server passes on."""
    return text(load(text(who, "metadata", limit=KEY_LIMIT).encode()), "user_id") or None


def joined_at(who: Fields) -> datetime | None:
    return _moment(who, "joined_at_ms") or _moment(who, "joined_at")


# Recordings


def _is_ours(egress: Fields) -> bool:
    """Others may record the same room, for purposes of their own."""
    return bool(_text(egress, "egress_id") and instance_of(egress))


def instance_of(egress: Fields) -> str:
    """The id under which a recording was asked for, "" for one that was not asked for here."""
    request = mapping(field_of(egress, "room_composite"))
    asked = objects(field_of(request, "file_outputs"), "") or [mapping(request.get("file"))]
    paths = [text(one, "filepath", limit=KEY_LIMIT) for one in asked]
    file = file_of(egress)
    named = (find_name(path) for path in [*paths, text(file, "filename", limit=KEY_LIMIT)])
    return next((name["instance"] for name in named if name), "")


def find_name(key: str) -> re.Match[str] | None:
    """What the name of a recording's object says, in whatever folder."""
    return RECORDING_NAME.fullmatch("/".join(key.split("/")[-2:]))


def file_of(egress: Fields) -> dict[str, Any]:
    """The file that a recording is; empty while there is none."""
    files = objects(field_of(egress, "file_results"), "") or [mapping(egress.get("file"))]
    return next((file for file in files if text(file, "filename")), {})


def duration_of(file: Fields) -> float | None:
    nanoseconds = number(file.get("duration"))
    seconds = nanoseconds / NANOSECONDS if nanoseconds else None
    return seconds if seconds and 0 < seconds <= LONGEST_DURATION_SECONDS else None


def _nanoseconds(source: Fields, name: str) -> datetime | None:
    value = number(field_of(source, name))
    return moment(value / NANOSECONDS) if value else None


def _moment(source: Fields, name: str) -> datetime | None:
    return moment(field_of(source, name))


def _text(source: Fields, name: str) -> str:
    return text({name: field_of(source, name)}, name)
