"""Files that somebody gave, decoded in a bounded child: one that is made to hurt takes no worker along."""

import io
import json
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

from platforms.bounded.children import Cause, Child, ChildEnded, Host, Limits
from platforms.exceptions import PlatformUnavailable
from recordings.media import decoder
from recordings.media.info import NotMedia, Unreadable

MEGABYTE = 1024 * 1024
# Of CPU time: an hour of speech takes six seconds of a common machine's and two megabytes at the least. What it takes
# to read gigabytes of pictures is little beside it.
LEAST_SECONDS = 60
SECONDS_PER_MEGABYTE = 20
MOST_SECONDS = 3600
WAIT_FACTOR = 5  # of a machine that has other things to do: so much longer may be waited
MEMORY_BYTES = 1024 * MEGABYTE  # a few pictures of 8K, and the index of a day of video
MOST_READ_BYTES = MEGABYTE  # of the file, at a time

REASONS = {
    Cause.TOO_LONG: "Reading it takes too long for a file of its size.",
    Cause.TOO_MUCH_MEMORY: "Reading it takes too much memory.",
    Cause.CRASHED: "It is made in a way that makes the program crash that reads it.",
}
LOST = "The process that was reading the media was ended from outside."

host = Host(decoder.__name__)


def ask(file: BinaryIO, what: str) -> Any:
    """Raises NotMedia, and PlatformUnavailable where trying again may help; what reading the file raises passes."""
    with closing(_messages(file, {"ask": what})) as messages:
        _, answer = next(messages)
        return json.loads(answer)


def voice(file: BinaryIO, number: int, rate: int, offset: float, longest: float) -> Iterator[bytes | float]:
    """The samples of a stream, and the seconds of silence between them. Raises as `ask`."""
    question = {"ask": "voice", "number": number, "rate": rate, "offset": offset, "longest": longest}
    with closing(_messages(file, question)) as messages:
        for kind, content in messages:
            if kind == decoder.SAMPLES:
                yield content
            elif kind == decoder.SILENCE:
                yield decoder.SECONDS.unpack(content)[0]


def limits_for(size: int) -> Limits:
    """For reading a file of so many bytes."""
    seconds = min(MOST_SECONDS, LEAST_SECONDS + size * SECONDS_PER_MEGABYTE // MEGABYTE)
    return Limits(seconds, seconds * WAIT_FACTOR, MEMORY_BYTES)


def _messages(file: BinaryIO, question: dict[str, Any]) -> Generator[tuple[bytes, bytes], None, None]:
    """What a child says of the file, up to its answer."""
    size = file.seek(0, io.SEEK_END)
    with _failures(), host.child(limits_for(size)) as child:
        child.send(b"Q", json.dumps({**question, "size": size}).encode())
        kind = b""
        while kind != decoder.ANSWER:
            kind, content = child.receive()
            if kind == decoder.READ:
                _give(child, file, *decoder.PLACE.unpack(content))
            elif kind == decoder.REFUSED:
                raise NotMedia(content.decode())
            else:
                yield kind, content


def _give(child: Child, file: BinaryIO, position: int, count: int) -> None:
    file.seek(position)
    child.send(decoder.FOUND, file.read(min(count, MOST_READ_BYTES)))


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except ChildEnded as error:
        if error.cause == Cause.LOST:
            raise PlatformUnavailable(LOST) from error
        raise Unreadable(REASONS[error.cause]) from error
