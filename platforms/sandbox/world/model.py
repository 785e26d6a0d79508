"""What there is in the sandbox: rooms, the people in them, their calls and recordings; and why something cannot be."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

AUTOMATIC = {"automatic": 1, "automatic-2nd-participant": 2}  # so many people start a recording


class SandboxError(Exception):
    """What was asked cannot be; the text says why, for people."""


class AlreadyRecording(SandboxError):
    pass


class NobodyThere(SandboxError):
    pass


class RoomClosed(SandboxError):
    pass


class RoomFull(SandboxError):
    pass


class NotAdmitted(SandboxError):
    """`reason` is a word for programs: no-room, exp-room, nbf-room, exp-token, nbf-token, not-allowed."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Rules:
    """How a provider runs a room. Times of waiting are in seconds."""

    recording: str = "none"  # none, local, cloud, cloud-audio-only or raw-tracks
    trigger: str = "none"  # none, prompt, automatic or automatic-2nd-participant
    quorum: int = 1  # so many people make a call
    alone_starts: float | None = None  # one person alone for so long makes a call too
    alone_ends: float | None = None  # fewer than the quorum for so long end it; None: it ends when nobody is in
    opens_at: datetime | None = None
    ends_at: datetime | None = None
    ejects_at_end: bool = False
    capacity: int = 200
    is_locked: bool = False


@dataclass
class Person:
    """One connection of one person to a room."""

    session_id: str
    name: str
    role: str  # visitor or host
    user_id: str | None
    joined_at: datetime
    left_at: datetime | None = None
    ejected: bool = False


@dataclass(frozen=True)
class Admission:
    """What a room's address, with its query, entitles its holder to; made by the provider's `admit`."""

    room: "Room"
    name: str = ""  # to be shown, where the address says it
    role: str = "visitor"  # visitor or host
    user_id: str | None = None
    may_record: bool = False
    starts_recording: bool = False  # as soon as this person is in
    recording_limit: float | None = None  # seconds, of the recording that starts so


@dataclass
class Call:
    """A stretch of time in which people were in a room: a session, a meeting."""

    id: str
    started_at: datetime
    ended_at: datetime | None = None
    visits: list[Person] = field(default_factory=list)
    most: int = 0  # people at once


@dataclass
class Segment:
    """What one microphone sent from one moment on, as the browser encoded it."""

    began_at: datetime
    data: bytearray = field(default_factory=bytearray)


class File(Protocol):
    """One file that came of a recording: all voices in one ("mix"), or one person's ("audio")."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def session_id(self) -> str: ...
    @property
    def offset(self) -> float: ...  # seconds from the recording's start
    @property
    def duration(self) -> float: ...  # seconds
    @property
    def size(self) -> int: ...


@dataclass
class Recording:
    """`state` is recording, processing, ready, failed or canceled."""

    id: str
    room: "Room"
    kind: str
    started_by: str
    instance_id: str
    started_at: datetime
    most: int  # people at once
    stopped_at: datetime | None = None
    ready_at: datetime | None = None
    state: str = "recording"
    error: str = ""
    limit: float | None = None  # seconds, after which it stops by itself
    call: Call | None = None
    audio: dict[str, dict[int, Segment]] = field(default_factory=dict)  # by session, by segment
    complete: set[str] = field(default_factory=set)  # sessions that have sent all that they had
    files: list[File] = field(default_factory=list)
    folder: Path | None = None  # for the recorder's files
    notes: dict[str, Any] = field(default_factory=dict)  # what the provider notes of it

    @property
    def is_active(self) -> bool:
        return self.state == "recording"

    @property
    def seconds(self) -> float:
        return ((self.stopped_at or datetime.now(UTC)) - self.started_at).total_seconds()


@dataclass
class Room:
    platform: str
    name: str  # as in its address, without a slash
    rules: Rules
    created_at: datetime
    closed: bool = False
    visits: list[Person] = field(default_factory=list)  # everybody who ever was in
    calls: list[Call] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    provider: dict[str, Any] = field(default_factory=dict)  # what the provider keeps of it
    changed_at: datetime | None = None  # when somebody came or went last

    @property
    def people(self) -> list[Person]:
        """Who is in now, in the order in which they came."""
        return [person for person in self.visits if person.left_at is None]

    @property
    def call(self) -> Call | None:
        return self.calls[-1] if self.calls and self.calls[-1].ended_at is None else None

    @property
    def recording(self) -> Recording | None:
        """The one that goes on now."""
        return next((recording for recording in self.recordings if recording.is_active), None)

    def person(self, session_id: str) -> Person | None:
        return next((person for person in self.people if person.session_id == session_id), None)
