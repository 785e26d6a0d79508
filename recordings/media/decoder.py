"""What a bounded child does with a file that somebody gave: it looks into it, or makes samples of it.

The file stays with the worker, which is asked for each piece; see `decoding`. It knows nothing of Django.
"""

import io
import json
import struct
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from recordings.media.contents import first_timestamp, look_into
from recordings.media.info import NotMedia
from recordings.media.voice import count_streams, voice

if TYPE_CHECKING:
    from platforms.bounded.host import Channel

READ, FOUND = b"R", b"F"  # a question for a piece of the file, and the piece
PLACE = struct.Struct("!QI")  # where it begins, and how long it is at the most
SAMPLES, SILENCE = b"P", b"S"
SECONDS = struct.Struct("!d")
ANSWER, REFUSED = b"A", b"N"
BATCH_BYTES = 64 * 1024  # of samples, that are sent at a time


def serve(channel: "Channel") -> None:
    question = json.loads(channel.receive()[1])
    file = cast(BinaryIO, WorkersFile(channel, question.pop("size")))
    try:
        answer = _answer(channel, file, **question)
    except NotMedia as error:
        channel.send(REFUSED, str(error).encode())
    else:
        channel.send(ANSWER, json.dumps(answer).encode())


def _answer(channel: "Channel", file: BinaryIO, ask: str, **arguments: Any) -> Any:
    match ask:
        case "contents":
            return asdict(look_into(file))
        case "start":
            return first_timestamp(file)
        case "streams":
            return count_streams(file)
    return _send_voice(channel, voice(file, **arguments))


def _send_voice(channel: "Channel", pieces: Iterable[bytes | float]) -> None:
    waiting = bytearray()
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                waiting += piece
            else:
                _flush(channel, waiting)
                channel.send(SILENCE, SECONDS.pack(piece))
            if len(waiting) >= BATCH_BYTES:
                _flush(channel, waiting)
    finally:
        _flush(channel, waiting)  # what was read before damage is heard


def _flush(channel: "Channel", waiting: bytearray) -> None:
    if waiting:
        channel.send(SAMPLES, bytes(waiting))
        waiting.clear()


class WorkersFile(io.RawIOBase):
    """The worker's file, of which it says how long it is."""

    def __init__(self, channel: "Channel", size: int) -> None:
        self._channel = channel
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("a place before the beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        count = min(size if size >= 0 else self._size, max(0, self._size - self._position))
        if not count:
            return b""
        self._channel.send(READ, PLACE.pack(self._position, count))
        _, found = self._channel.receive()
        self._position += len(found)
        return found
