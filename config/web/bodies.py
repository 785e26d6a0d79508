"""Bodies of requests as they come: at a least pace, of a bounded size, and not in memory where they are long."""

import asyncio
import io
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import IO, Any, cast

GRACE_SECONDS = 10.0  # that any body may take
LEAST_BYTES_PER_SECOND = 16 * 1024  # of what takes longer
IN_MEMORY_BYTES = 64 * 1024  # the rest of a body waits in a file
MOST_HELD_BYTES = 256 * 1024**2  # of bodies that have not been answered, in this process
SKIP_SECONDS = 2.0  # for which what is not wanted is read all the same
SKIP_LIMIT_BYTES = 64 * 1024**2

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Gone(Exception):
    """The client has closed the connection."""


class TooSlow(Exception):
    pass


class TooLong(Exception):
    pass


class NoRoom(Exception):
    """Bodies that are being read take all the room there is for them."""


class Arrival:
    """The parts of a body, one after the other. `received` is their length so far, in bytes."""

    def __init__(self, receive: Receive, length: int | None) -> None:
        """`length` is what the client says, None when it sends chunks."""
        self._receive = receive
        self._started = time.monotonic()
        self._length = length
        self.received = 0
        self.is_over = length == 0

    async def next_part(self) -> bytes:
        """Empty at the end. Raises TooSlow and Gone."""
        if self.is_over:
            return b""
        try:
            async with asyncio.timeout(self._seconds_left()):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow from None
        if message["type"] != "http.request":
            raise Gone
        part: bytes = message.get("body", b"")
        self.received += len(part)
        self.is_over = self.received == self._length or not message.get("more_body", False)
        return part or await self.next_part()

    async def skip(self) -> None:
        """Read on for a moment: a client that is sending sees no answer before it has sent what it has."""
        with suppress(TimeoutError, TooSlow, Gone):
            async with asyncio.timeout(SKIP_SECONDS):
                while self.received < SKIP_LIMIT_BYTES and await self.next_part():
                    pass

    def _seconds_left(self) -> float:
        return GRACE_SECONDS + self.received / LEAST_BYTES_PER_SECOND - (time.monotonic() - self._started)


class Room:
    """What bodies may take together: one that is long must not keep out others for ever, nor fill the disk."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        if size > self._left:
            raise NoRoom
        self._left -= size

    def give_back(self, size: int) -> None:
        self._left += size


room = Room(MOST_HELD_BYTES)


class Body:
    """A body that has come as a whole, `length` bytes in `file`."""

    def __init__(self, length: int = 0) -> None:
        self.length = length
        self.file: IO[bytes] = io.BytesIO()
        self._room = 0

    @classmethod
    async def read(cls, arrival: Arrival, length: int | None, limit: int) -> "Body":
        """`length` is what the client says. Raises TooLong, TooSlow, Gone and NoRoom."""
        if length is not None and length > limit:
            raise TooLong
        body = cls()
        try:
            while part := await arrival.next_part():
                body._add(part, limit)
        except BaseException:
            body.close()
            raise
        body.file.seek(0)
        return body

    def close(self) -> None:
        room.give_back(self._room)
        self._room = 0
        self.file.close()

    def _add(self, part: bytes, limit: int) -> None:
        if self.length + len(part) > limit:
            raise TooLong
        room.take(len(part))
        self._room += len(part)
        self.length += len(part)
        try:
            if self.length > IN_MEMORY_BYTES and isinstance(self.file, io.BytesIO):
                self._move_to_disk()
            self.file.write(part)
        except OSError as error:
            raise NoRoom from error

    def _move_to_disk(self) -> None:
        held = cast(io.BytesIO, self.file)
        self.file = cast(IO[bytes], tempfile.TemporaryFile())  # noqa: SIM115  (closed with the body)
        self.file.write(held.getbuffer())


class LateBody(io.RawIOBase):
    """A body that is read while it comes, by the thread of a view that wants it: that of an upload."""

    def __init__(self, arrival: Arrival, loop: asyncio.AbstractEventLoop) -> None:
        self._arrival = arrival
        self._loop = loop
        self._rest = memoryview(b"")
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(self._wait_for_more())
        given = self._rest[: len(buffer)]
        buffer[: len(given)] = given
        self._rest = self._rest[len(given) :]
        return len(given)

    def _wait_for_more(self) -> bytes:
        if self.failure is None:
            try:
                return asyncio.run_coroutine_threadsafe(self._arrival.next_part(), self._loop).result()
            except (TooSlow, Gone) as error:
                self.failure = error
        raise OSError("The body did not come.")  # Django calls such a body unreadable
