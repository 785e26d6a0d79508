"""Audio files as plain samples on the recording's timeline, and back into MP3.

All of it is done in pieces, so that hours take no memory.
"""

import logging
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import BinaryIO

import av
from av.audio.stream import AudioStream

from recordings.media.decoding import ask, voice
from recordings.media.info import LONGEST_SECONDS, NotMedia, require_length
from recordings.media.mixer import mixed
from recordings.media.pcm import SAMPLE_BYTES, frame_of, silence

logger = logging.getLogger(__name__)

Opener = Callable[[], BinaryIO]

QUALITY = "7"  # LAME's: from 0, slow, to 9; for speech 7 is as good and takes two thirds of the time
MOST_STREAMS = 8  # of one file that are heard; each is a passage through the whole file


def zero_of(first: float, offset: float) -> float:
    """Where a file's own second zero lies in the recording, in seconds.

    `offset` is where its provider says that it begins, `first` is the first timestamp in it. The files of one recorder
    count from the start of the recording, those of another from zero: it is whichever the first timestamp is nearer to.
    """
    return offset if first < offset / 2 else 0.0


def zero_in(open_file: Opener, offset: float) -> float:
    """The same of a file that is looked into. Raises NotMedia."""
    if offset <= 0:
        return offset
    with open_file() as file:
        return zero_of(ask(file, "start"), offset)


class Reading:
    """The audio of one file, on the timeline of a recording in which the file's second zero lies at `offset` seconds.

    What it has learnt is there once it was read: `end` is where its audio ends in the recording, in seconds; `damage`
    says why it could be read no further, and `unheard` how many of its streams were too many. It is read for `longest`
    seconds at most.
    """

    def __init__(self, open_file: Opener, offset: float = 0.0, longest: float = LONGEST_SECONDS) -> None:
        self._open = open_file
        self._offset = offset
        self._longest = longest
        self.end = 0.0
        self.has_sound = False
        self.damage = ""
        self.unheard = 0

    def readable(self, rate: int) -> Iterator[bytes]:
        """Its samples, as far as it can be read: damage ends them, and what was read before it stays."""
        position = 0  # samples
        try:
            for piece in self.samples(rate):
                position += len(piece) // SAMPLE_BYTES
                self.end = position / rate
                yield piece
        except (NotMedia, FileNotFoundError) as error:
            self.damage = str(error) if isinstance(error, NotMedia) else "The file is not there any more."
            logger.warning("audio_ends_early seconds=%.1f error=%s", self.end, self.damage)

    def samples(self, rate: int) -> Iterator[bytes]:
        """Without gaps from second zero of the recording: where the file has no audio, as while somebody was muted,
        there is silence. The file is opened when its time has come. Raises NotMedia where it cannot be read on.
        """
        require_length(self._offset, self._longest)
        yield from silence(max(0.0, self._offset), rate)
        count = self._count_streams()
        if count == 1:
            yield from self._stream(0, rate)
        else:
            yield from mixed([self._stream(number, rate) for number in range(count)], rate)

    def _count_streams(self) -> int:
        with self._open() as file:
            found: int = ask(file, "streams")
        self.unheard = max(0, found - MOST_STREAMS)
        return min(found, MOST_STREAMS)

    def _stream(self, number: int, rate: int) -> Iterator[bytes]:
        """One stream, from where the file begins in the recording."""
        with self._open() as file:
            for piece in voice(file, number, rate, self._offset, self._longest):
                if isinstance(piece, bytes):
                    self.has_sound = True
                    yield piece
                else:
                    yield from silence(piece, rate)


class Mp3:
    """Writes samples to a file; `bit_rate` is in bits per second, and constant, so that players can jump.

    The file should be seekable, so that the length can be written into its head.
    """

    def __init__(self, out: BinaryIO, rate: int, bit_rate: int) -> None:
        self.rate = rate
        self.position = 0  # samples
        self._container = av.open(out, "w", format="mp3")
        self._stream: AudioStream = self._container.add_stream("libmp3lame", rate=rate, layout="mono")
        self._stream.bit_rate = bit_rate
        self._stream.options = {"compression_level": QUALITY}

    def __enter__(self) -> "Mp3":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, piece: bytes) -> None:
        if piece:
            self._container.mux(self._stream.encode(frame_of(piece, self.rate, self.position)))
            self.position += len(piece) // SAMPLE_BYTES
