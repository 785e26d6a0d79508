"""Who sits before which meeting page: a seat is one tab, from knocking or joining until it leaves or vanishes."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from platforms.sandbox.scene import Admission, AlreadyRecording, NobodyThere, Person, Room, SandboxError
from platforms.sandbox.world import World

PATIENCE = 5.0  # seconds without a sign of life after which a tab counts as gone
NOT_RECORDED = {"none", "local"}  # by the provider, that is


class NoSuchSeat(SandboxError):
    pass


@dataclass
class Seat:
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


class Seats:
    def __init__(self, world: World) -> None:
        self._world = world
        self._seats: dict[str, Seat] = {}
        self._count = 0
        self._lock = threading.Lock()

    def take(self, admission: Admission, name: str) -> Seat:
        """In the room, or before it where a host must let people in. Raises RoomClosed and RoomFull."""
        with self._lock:
            self._count += 1
            seat = Seat(secrets.token_urlsafe(16), self._count, admission, name)
        if seat.is_host or not seat.room.rules.is_locked:
            self._let_in(seat)
        self._seats[seat.key] = seat
        return seat

    def find(self, key: str) -> Seat:
        try:
            seat = self._seats[key]
        except KeyError:
            raise NoSuchSeat("This tab is not in the meeting.") from None
        seat.seen = time.monotonic()
        return seat

    @contextmanager
    def asking(self, seat: Seat) -> Iterator[None]:
        """While a tab waits for news it is there."""
        seat.asking += 1
        try:
            yield
        finally:
            seat.asking -= 1
            seat.seen = time.monotonic()

    def waiting(self, room: Room) -> list[Seat]:
        return [seat for seat in list(self._seats.values()) if seat.room is room and seat.is_waiting]

    def decide(self, number: int, room: Room, admit: bool) -> None:
        """About somebody who waits. Raises NoSuchSeat, RoomClosed and RoomFull."""
        seat = next((seat for seat in self.waiting(room) if seat.number == number), None)
        if seat is None:
            raise NoSuchSeat("Nobody of that number is waiting.")
        if admit:
            self._let_in(seat)
        seat.refused = not admit

    def leave(self, seat: Seat) -> None:
        self._seats.pop(seat.key, None)
        if seat.person:
            for recording in seat.room.recordings:
                self._world.finish_audio(recording, seat.person.session_id)
            self._world.leave(seat.room, seat.person.session_id)

    def review(self) -> None:
        """Take those out who have vanished; called every moment."""
        patience = max(1.0, PATIENCE * self._world.time_scale)
        for seat in list(self._seats.values()):
            if not seat.asking and time.monotonic() - seat.seen > patience:
                self.leave(seat)

    # Recordings

    def start_recording(self, seat: Seat) -> None:
        """Raises SandboxError."""
        if not (seat.may_record and seat.is_in):
            raise SandboxError("You may not start a recording here.")
        self._record(seat)

    def stop_recording(self, seat: Seat) -> None:
        """Raises SandboxError."""
        if not seat.may_record:
            raise SandboxError("You may not stop the recording.")
        for recording in seat.room.recordings:
            self._world.stop_recording(recording)

    def add_audio(
        self, seat: Seat, recording_id: str, segment: int, number: int, age: float, chunk: bytes
    ) -> tuple[bool, int]:
        """Whether the chunk was the next one or known already, and how many chunks there are now.

        `age` tells how many seconds ago the segment began. Raises SandboxError when it comes too late.
        """
        recording = next((one for one in seat.room.recordings if one.id == recording_id), None)
        if recording is None or seat.person is None or recording.state not in {"recording", "processing"}:
            raise SandboxError("This recording is over.")
        with self._world.lock:
            key = (recording_id, segment)
            expected = seat.received.get(key, 0)
            if number == expected:
                began_at = datetime.now(UTC) - timedelta(seconds=age)
                self._world.add_audio(recording, seat.person.session_id, segment, began_at, chunk)
                seat.received[key] = expected = number + 1
            return number < expected, expected

    def finish_audio(self, seat: Seat, recording_id: str) -> None:
        for recording in seat.room.recordings:
            if recording.id == recording_id and seat.person:
                self._world.finish_audio(recording, seat.person.session_id)

    def _let_in(self, seat: Seat) -> None:
        admission = seat.admission
        seat.person = self._world.join(seat.room, seat.name, admission.role, admission.user_id)
        if admission.starts_recording:
            with suppress(AlreadyRecording, NobodyThere):
                self._record(seat)

    def _record(self, seat: Seat) -> None:
        session_id = seat.person.session_id if seat.person else ""
        self._world.start_recording(
            seat.room, seat.room.rules.recording, session_id, limit=seat.admission.recording_limit
        )
