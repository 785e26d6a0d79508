"""Who has which meeting page open: a connection is one tab, from knocking or joining until it leaves or vanishes."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from platforms.sandbox.world.model import Admission, AlreadyRecording, NobodyThere, Person, Room, SandboxError
from platforms.sandbox.world.world import World

CONNECTION_TIMEOUT_SECONDS = 5.0  # without a sign of life; the tab then counts as gone
NOT_RECORDED = {"none", "local"}  # by the provider, that is


class NoSuchConnection(SandboxError):
    pass


@dataclass
class Connection:
    """`person` is None while its holder waits to be let in; `key` is what only this tab knows."""

    key: str
    number: int
    admission: Admission
    name: str
    person: Person | None = None
    refused: bool = False
    asking: int = 0  # requests that wait for news
    seen: float = field(default_factory=time.monotonic)
    received: dict[tuple[str, int], int] = field(default_factory=dict)  # chunks, by recording and segment

    @property
    def room(self) -> Room:
        return self.admission.room

    @property
    def is_host(self) -> bool:
        return self.admission.role == "host"

    @property
    def is_in(self) -> bool:
        return self.person is not None and self.person.left_at is None

    @property
    def is_waiting(self) -> bool:
        return self.person is None and not self.refused

    @property
    def may_record(self) -> bool:
        return self.admission.may_record and self.room.rules.recording not in NOT_RECORDED


class Connections:
    def __init__(self, world: World) -> None:
        self._world = world
        self._connections: dict[str, Connection] = {}
        self._count = 0
        self._lock = threading.Lock()

    def open(self, admission: Admission, name: str) -> Connection:
        """In the room, or before it where a host must let people in. Raises RoomClosed and RoomFull."""
        with self._lock:
            self._count += 1
            connection = Connection(secrets.token_urlsafe(16), self._count, admission, name)
        if connection.is_host or not connection.room.rules.is_locked:
            self._let_in(connection)
        self._connections[connection.key] = connection
        return connection

    def find(self, key: str) -> Connection:
        try:
            connection = self._connections[key]
        except KeyError:
            raise NoSuchConnection("This tab is not in the meeting.") from None
        connection.seen = time.monotonic()
        return connection

    @contextmanager
    def asking(self, connection: Connection) -> Iterator[None]:
        """While a tab waits for news it is there."""
        connection.asking += 1
        try:
            yield
        finally:
            connection.asking -= 1
            connection.seen = time.monotonic()

    def waiting(self, room: Room) -> list[Connection]:
        return [one for one in list(self._connections.values()) if one.room is room and one.is_waiting]

    def decide(self, number: int, room: Room, admit: bool) -> None:
        """About somebody who waits. Raises NoSuchConnection, RoomClosed and RoomFull."""
        connection = next((one for one in self.waiting(room) if one.number == number), None)
        if connection is None:
            raise NoSuchConnection("Nobody of that number is waiting.")
        if admit:
            self._let_in(connection)
        connection.refused = not admit

    def leave(self, connection: Connection) -> None:
        self._connections.pop(connection.key, None)
        if connection.person:
            for recording in connection.room.recordings:
                self._world.finish_audio(recording, connection.person.session_id)
            self._world.leave(connection.room, connection.person.session_id)

    def review(self) -> None:
        """Take those out who have vanished; called every moment."""
        timeout = max(1.0, CONNECTION_TIMEOUT_SECONDS * self._world.time_scale)
        for connection in list(self._connections.values()):
            if not connection.asking and time.monotonic() - connection.seen > timeout:
                self.leave(connection)

    # Recordings

    def start_recording(self, connection: Connection) -> None:
        """Raises SandboxError."""
        if not (connection.may_record and connection.is_in):
            raise SandboxError("You may not start a recording here.")
        self._record(connection)

    def stop_recording(self, connection: Connection) -> None:
        """Raises SandboxError."""
        if not connection.may_record:
            raise SandboxError("You may not stop the recording.")
        for recording in connection.room.recordings:
            self._world.stop_recording(recording)

    def add_audio(
        self, connection: Connection, recording_id: str, segment: int, number: int, age: float, chunk: bytes
    ) -> tuple[bool, int]:
        """Whether the chunk was the next one or known already, and how many chunks there are now.

        `age` tells how many seconds ago the segment began. Raises SandboxError when it comes too late.
        """
        recording = next((one for one in connection.room.recordings if one.id == recording_id), None)
        if recording is None or connection.person is None or recording.state not in {"recording", "processing"}:
            raise SandboxError("This recording is over.")
        with self._world.lock:
            key = (recording_id, segment)
            expected = connection.received.get(key, 0)
            if number == expected:
                began_at = datetime.now(UTC) - timedelta(seconds=age)
                self._world.add_audio(recording, connection.person.session_id, segment, began_at, chunk)
                connection.received[key] = expected = number + 1
            return number < expected, expected

    def finish_audio(self, connection: Connection, recording_id: str) -> None:
        for recording in connection.room.recordings:
            if recording.id == recording_id and connection.person:
                self._world.finish_audio(recording, connection.person.session_id)

    def _let_in(self, connection: Connection) -> None:
        admission = connection.admission
        connection.person = self._world.join(connection.room, connection.name, admission.role, admission.user_id)
        if admission.starts_recording:
            with suppress(AlreadyRecording, NobodyThere):
                self._record(connection)

    def _record(self, connection: Connection) -> None:
        session_id = connection.person.session_id if connection.person else ""
        self._world.start_recording(
            connection.room, connection.room.rules.recording, session_id, limit=connection.admission.recording_limit
        )
