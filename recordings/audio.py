"""Audio as plain samples on the recording's timeline, and back into MP3: in pieces, so that hours take no memory.

Samples are 16-bit, mono, in the machine's byte order, as bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, groupby
from types import TracebackType
from typing import BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from recordings.media import NotMedia, audio_stream, decoded, opened

Opener = Callable[[], BinaryIO]

WIDTH = 2  # bytes of a sample
# Seconds that a timestamp may differ from the samples counted so far: files round to milliseconds, and packets jitter.
TOLERANCE = 0.04
# Seconds by which timestamps must go back to mean that the clock began anew, and not that two packets overlap.
NEW_CLOCK = 1.0
QUALITY = "7"  # LAME's: from 0, slow, to 9; for speech 7 is as good and takes two thirds of the time
LONGEST = 24 * 3600.0  # seconds; a timestamp beyond is damage


def silence(seconds: float, rate: int) -> Iterator[bytes]:
    """In pieces of at most a second."""
    count = round(seconds * rate)
    second = bytes(rate * WIDTH)
    for _ in range(count // rate):
        yield second
    if count % rate:
        yield bytes(count % rate * WIDTH)


def samples(open_file: Opener, rate: int, offset: float = 0.0) -> Iterator[bytes]:
    """The audio of a file without gaps from second zero of the recording, where the file begins at `offset` seconds.

    Where the file has no audio, as while somebody was muted, there is silence. The file is opened when its time has
    come. Raises NotMedia when no audio can be read from it.
    """
    yield from silence(max(0.0, offset), rate)
    position = round(max(0.0, offset) * rate)  # samples
    shift = offset
    with open_file() as file:
        for start, piece in _pieces(file, rate):
            ahead = 0.0 if start is None else start + shift - position / rate
            if position / rate + ahead > LONGEST:
                raise NotMedia(f"Its timestamps go beyond {LONGEST / 3600:.0f} hours.")
            if ahead < -NEW_CLOCK:
                shift -= ahead
            elif ahead < -TOLERANCE:
                piece = piece[round(-ahead * rate) * WIDTH :]
            elif ahead > TOLERANCE:
                yield from silence(ahead, rate)
                position += round(ahead * rate)
            position += len(piece) // WIDTH
            yield piece


def blocks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same in blocks of `size` bytes, the last one filled up with silence."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting.ljust(size, b"\0"))


def frame_of(piece: bytes, rate: int, position: int) -> AudioFrame:
    """`position` is in samples from the beginning."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(piece) // WIDTH)
    frame.planes[0].update(piece)
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    frame.pts = position
    return frame


def samples_of(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: frame.samples * WIDTH]


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
            self.position += len(piece) // WIDTH


def _pieces(file: BinaryIO, rate: int) -> Iterator[tuple[float | None, bytes]]:
    """What is decoded, each with its own time in seconds, where it has one."""
    with opened(file) as container:
        stream = audio_stream(container)
        if stream is None:
            raise NotMedia("There is no audio stream in it.")
        for frame in _resampled(decoded(container, stream), rate):
            yield frame.time, samples_of(frame)


def _resampled(frames: Iterable[AudioFrame], rate: int) -> Iterator[AudioFrame]:
    """A stream may change its shape on the way; each stretch of one shape has a resampler of its own."""
    for _, stretch in groupby(frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.sample_rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in chain(stretch, [None]):
            yield from resampler.resample(frame)
