"""What goes on in the sandbox's rooms: who is in, which call it is, what is recorded. In memory, under one lock.

Providers make rooms with the `Rules` that hold there, and listen; the meeting page lets people in and out and brings
their sound. Nothing here knows HTTP, webhooks or files.
"""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
    kept: dict[str, Any] = field(default_factory=dict)  # what the provider notes of it

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


Listener = Callable[..., None]


class World:
    """`time_scale` shortens all times of waiting, for tests: 0.01 makes a second of a hundred."""

    def __init__(self, folder: Path, time_scale: float = 1.0) -> None:
        self.folder = folder
        self.time_scale = time_scale
        self.lock = threading.RLock()
        self.rooms: dict[tuple[str, str], Room] = {}
        self.history: list[Room] = []  # all that there ever were, oldest first
        self.version = 0  # one more with everything that happens
        self._changed = threading.Condition(self.lock)
        self._listeners: list[Listener] = []

    def listen(self, callback: Listener) -> None:
        """Call `callback(what, room, **facts)` in the order in which things happen; it must not block.

        joined and left have `person`; call_started and call_ended have `call`; recording_started, recording_stopped,
        recording_ready and recording_failed have `recording`; closed has nothing more.
        """
        self._listeners.append(callback)

    def wait_for_change(self, seen: int, seconds: float) -> int:
        """Wait until more has happened than the version that was seen, for so long at most; the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != seen, seconds)
            return self.version

    # Rooms

    def make_room(self, platform: str, name: str, rules: Rules, **provider: Any) -> Room:
        with self.lock:
            room = Room(platform, name, rules, datetime.now(UTC), provider=provider)
            self.rooms[platform, name] = room
            self.history.append(room)
            return room

    def room(self, platform: str, name: str) -> Room | None:
        return self.rooms.get((platform, name))

    def rooms_of(self, platform: str) -> list[Room]:
        """Newest first."""
        with self.lock:
            return [room for room in reversed(self.rooms.values()) if room.platform == platform]

    def close(self, room: Room) -> None:
        """Send everyone out; nobody gets in again."""
        with self.lock:
            room.closed = True
            for person in room.people:
                self.leave(room, person.session_id, ejected=True)
            self._tell("closed", room)

    def forget(self, room: Room) -> None:
        """Close the room and let its name be used again."""
        with self.lock:
            self.close(room)
            self.rooms.pop((room.platform, room.name), None)

    # People

    def join(
        self, room: Room, name: str, role: str = "visitor", user_id: str | None = None, session_id: str | None = None
    ) -> Person:
        """Raises RoomClosed and RoomFull. With the `session_id` of somebody who is in, that one."""
        with self.lock:
            self._require_open(room)
            if session_id and (already := room.person(session_id)):
                return already
            if len(room.people) >= room.rules.capacity:
                raise RoomFull("The room is full.")
            person = Person(session_id or str(uuid.uuid4()), name, role, user_id, datetime.now(UTC))
            room.visits.append(person)
            room.changed_at = person.joined_at
            self._count(room, person)
            begun = self._begin_call(room)
            self._tell("joined", room, person=person)
            if begun:
                self._tell("call_started", room, call=begun)
            self._start_automatically(room, person)
            return person

    def leave(self, room: Room, session_id: str, ejected: bool = False) -> Person | None:
        """None for somebody who is not in. The last to leave stops the recordings."""
        with self.lock:
            person = room.person(session_id)
            if person is None:
                return None
            person.left_at = room.changed_at = datetime.now(UTC)
            person.ejected = ejected
            self._tell("left", room, person=person)
            if not room.people:
                for recording in room.recordings:
                    self.stop_recording(recording)
            self._review(room)
            return person

    def _require_open(self, room: Room) -> None:
        now, rules = datetime.now(UTC), room.rules
        if room.closed or self.rooms.get((room.platform, room.name)) is not room:
            raise RoomClosed("This meeting has ended.")
        if rules.ends_at and rules.ends_at <= now:
            raise RoomClosed("This meeting has ended.")
        if rules.opens_at and rules.opens_at > now:
            raise RoomClosed("This meeting has not begun yet.")

    def _count(self, room: Room, person: Person) -> None:
        present = len(room.people)
        if call := room.call:
            call.visits.append(person)
            call.most = max(call.most, present)
        for recording in room.recordings:
            if recording.is_active:
                recording.most = max(recording.most, present)

    # Calls

    def review(self) -> None:
        """What time alone brings about; called every moment by the server."""
        with self.lock:
            for room in list(self.rooms.values()):
                self._eject_when_over(room)
                self._review(room)

    def _eject_when_over(self, room: Room) -> None:
        rules = room.rules
        if rules.ejects_at_end and rules.ends_at and rules.ends_at <= datetime.now(UTC):
            for person in room.people:
                self.leave(room, person.session_id, ejected=True)

    def _review(self, room: Room) -> None:
        if begun := self._begin_call(room):
            self._tell("call_started", room, call=begun)
        elif ended := self._end_call(room):
            self._tell("call_ended", room, call=ended)
        for recording in room.recordings:
            if recording.is_active and recording.limit and recording.seconds >= recording.limit:
                self.stop_recording(recording)

    def _begin_call(self, room: Room) -> Call | None:
        present = room.people
        is_enough = len(present) >= room.rules.quorum or self._is_over(room, room.rules.alone_starts)
        if room.call or not present or not is_enough:
            return None
        call = Call(str(uuid.uuid4()), datetime.now(UTC), visits=present, most=len(present))
        room.calls.append(call)
        return call

    def _end_call(self, room: Room) -> Call | None:
        call, present = room.call, len(room.people)
        is_over = not present or (present < room.rules.quorum and self._is_over(room, room.rules.alone_ends))
        if call is None or not is_over:
            return None
        call.ended_at = datetime.now(UTC)
        return call

    def _is_over(self, room: Room, seconds: float | None) -> bool:
        """Whether nobody has come or gone for so long."""
        still = datetime.now(UTC) - (room.changed_at or room.created_at)
        return seconds is not None and still >= timedelta(seconds=seconds * self.time_scale)

    # Recordings

    def start_recording(
        self, room: Room, kind: str = "cloud", started_by: str = "", instance_id: str = "", limit: float | None = None
    ) -> Recording:
        """Raises NobodyThere, and AlreadyRecording where that instance is recording."""
        with self.lock:
            if not room.people:
                raise NobodyThere("Nobody is in the room.")
            if any(one.is_active and one.instance_id == instance_id for one in room.recordings):
                raise AlreadyRecording("The meeting is being recorded already.")
            identity = str(uuid.uuid4())
            recording = Recording(
                id=identity,
                room=room,
                kind=kind,
                started_by=started_by,
                instance_id=instance_id,
                started_at=datetime.now(UTC),
                most=len(room.people),
                limit=limit,
                call=room.call,
                folder=self.folder / identity,
            )
            room.recordings.append(recording)
            self._tell("recording_started", room, recording=recording)
            return recording

    def stop_recording(self, recording: Recording) -> None:
        with self.lock:
            if not recording.is_active:
                return
            recording.state, recording.stopped_at = "processing", datetime.now(UTC)
            recording.call = recording.call or (recording.room.calls[-1] if recording.room.calls else None)
            self._tell("recording_stopped", recording.room, recording=recording)

    def add_audio(self, recording: Recording, session_id: str, segment: int, began_at: datetime, chunk: bytes) -> None:
        """The next piece of one microphone's sound; taken in also for a moment after the recording was stopped."""
        with self.lock:
            segments = recording.audio.setdefault(session_id, {})
            segments.setdefault(segment, Segment(began_at)).data.extend(chunk)
            self._happened()

    def finish_audio(self, recording: Recording, session_id: str) -> None:
        """This person's browser has sent all that it had."""
        with self.lock:
            recording.complete.add(session_id)
            self._happened()

    def ready(self, recording: Recording) -> None:
        with self.lock:
            recording.state, recording.ready_at = "ready", datetime.now(UTC)
            self._tell("recording_ready", recording.room, recording=recording)

    def fail(self, recording: Recording, error: str) -> None:
        with self.lock:
            recording.state, recording.error = "failed", error
            recording.stopped_at = recording.stopped_at or datetime.now(UTC)
            self._tell("recording_failed", recording.room, recording=recording)

    def recordings_of(self, platform: str) -> list[Recording]:
        """Newest first, also those of rooms that are gone."""
        with self.lock:
            found = [one for room in self.history if room.platform == platform for one in room.recordings]
            return sorted(found, key=lambda one: one.started_at, reverse=True)

    def _start_automatically(self, room: Room, person: Person) -> None:
        wanted = AUTOMATIC.get(room.rules.trigger)
        is_recorded = room.rules.recording.startswith(("cloud", "raw-tracks"))
        if is_recorded and wanted and len(room.people) >= wanted and room.recording is None:
            self.start_recording(room, room.rules.recording, person.session_id)

    def _tell(self, what: str, room: Room, **facts: Any) -> None:
        for listener in self._listeners:
            listener(what, room, **facts)
        self._happened()

    def _happened(self) -> None:
        self.version += 1
        self._changed.notify_all()
