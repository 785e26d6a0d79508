"""What providers report, in one vocabulary. Datetimes are aware; `raw` is the provider's own payload, untouched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """`occurred_at` is the provider's time; `room_name` and `meeting_id` are the provider's own, "" when not said."""

    platform: str
    occurred_at: datetime
    room_name: str = ""
    meeting_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ParticipantJoined(Event):
    """`session_id` names one connection of one person. `present` is how many people are in now, where it is said.

    A bot (recorder, streamer, captioner) is a participant that is not a person and is never counted.
    """

    session_id: str
    user_id: str | None = None
    user_name: str | None = None
    is_bot: bool = False
    joined_at: datetime
    present: int | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipantLeft(Event):
    session_id: str
    user_id: str | None = None
    user_name: str | None = None
    is_bot: bool = False
    joined_at: datetime | None = None
    left_at: datetime
    present: int | None = None


@dataclass(frozen=True, kw_only=True)
class MeetingStarted(Event):
    """People are in the room; `session_id` is the provider's name for this stretch of time."""

    session_id: str = ""


@dataclass(frozen=True, kw_only=True)
class MeetingEnded(Event):
    session_id: str = ""


@dataclass(frozen=True)
class Track:
    """One file of a recording that has one per person and medium.

    `kind` is cam-audio, screen-video and the like, or what is said of it; `session_id` the person's, "" when not said.
    """

    kind: str
    s3_key: str
    size: int | None = None  # bytes
    session_id: str = ""
    offset: float = 0.0  # seconds from the recording's start to the track's


@dataclass(frozen=True, kw_only=True)
class RecordingStarted(Event):
    """`started_by` is the session of the person who began it, in the page or by coming in."""

    recording_id: str
    instance_id: str = ""
    started_by: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RecordingReady(Event):
    """`tracks` is None for a single file and empty for a recording in which nobody was heard."""

    recording_id: str = ""
    recording_type: str = ""
    s3_key: str = ""
    tracks: Sequence[Track] | None = None
    download_url: str = field(default="", repr=False)
    started_at: datetime | None = None
    duration: float | None = None  # seconds


@dataclass(frozen=True, kw_only=True)
class RecordingFailed(Event):
    recording_id: str = ""
    instance_id: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored(Event):
    """An authentic event that changes nothing here; `reason` says why."""

    reason: str
