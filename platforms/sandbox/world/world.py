"""What goes on in the sandbox's rooms: who is in, which call it is, what is recorded. In memory, under one lock.

Providers make rooms with the `Rules` that hold there, and listen; the meeting page lets people in and out and brings
their sound. Nothing here knows HTTP, webhooks or files.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platforms.sandbox.world import calls
from platforms.sandbox.world.model import (
    AUTOMATIC,
    AlreadyRecording,
    NobodyThere,
    Person,
    Recording,
    Room,
    RoomClosed,
    RoomFull,
    Rules,
    Segment,
)


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
        self._listeners: list[Callable[..., None]] = []

    def listen(self, callback: Callable[..., None]) -> None:
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
            begun = calls.begin(room, self.time_scale)
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
        if begun := calls.begin(room, self.time_scale):
            self._tell("call_started", room, call=begun)
        elif ended := calls.end(room, self.time_scale):
            self._tell("call_ended", room, call=ended)
        for recording in room.recordings:
            if recording.is_active and recording.limit and recording.seconds >= recording.limit:
                self.stop_recording(recording)

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
            self.touch()

    def finish_audio(self, recording: Recording, session_id: str) -> None:
        """This person's browser has sent all that it had."""
        with self.lock:
            recording.complete.add(session_id)
            self.touch()

    def ready(self, recording: Recording) -> None:
        with self.lock:
            recording.state, recording.ready_at = "ready", datetime.now(UTC)
            self._tell("recording_ready", recording.room, recording=recording)

    def fail(self, recording: Recording, error: str) -> None:
        with self.lock:
            recording.state, recording.error = "failed", error
            recording.stopped_at = recording.stopped_at or datetime.now(UTC)
            self._tell("recording_failed", recording.room, recording=recording)

    def find_recording(self, platform: str, recording_id: str) -> Recording | None:
        return next((one for one in self.recordings_of(platform) if one.id == recording_id), None)

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
        self.touch()

    def touch(self) -> None:
        """Have those who wait for a change look again."""
        with self._changed:
            self.version += 1
            self._changed.notify_all()
