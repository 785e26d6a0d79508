"""Sound in files, as plain samples: 16 bits, mono, in the machine's byte order, as bytes."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import IO, cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

SAMPLE_BYTES = 2
JITTER_SECONDS = 0.1  # by which a recorder's timestamps may differ from the samples counted so far


class NoSound(Exception):
    """No sound can be read from it."""


def samples(file: IO[bytes], rate: int, offset: float = 0.0) -> Iterator[bytes]:
    """The sound without gaps from second zero on, where the file begins at `offset`. Raises NoSound.

    What is cut off or damaged is left out.
    """
    position = round(max(0.0, offset) * rate)
    yield from silence(position, rate)
    for time, piece in _pieces(file, rate):
        missing = round((time + offset) * rate) - position
        if missing > JITTER_SECONDS * rate:
            yield from silence(missing, rate)
            position += missing
        position += len(piece) // SAMPLE_BYTES
        yield piece


def silence(count: int, rate: int) -> Iterator[bytes]:
    """So many samples, in pieces of at most a second."""
    for start in range(0, count, rate):
        yield bytes(min(rate, count - start) * SAMPLE_BYTES)


def blocks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same in blocks of `size` samples; the last one may be shorter."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= size * SAMPLE_BYTES:
            yield bytes(waiting[: size * SAMPLE_BYTES])
            del waiting[: size * SAMPLE_BYTES]
    if waiting:
        yield bytes(waiting)


def frame_of(piece: bytes, rate: int, position: int) -> AudioFrame:
    """`position` is in samples from the beginning."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(piece) // SAMPLE_BYTES)
    frame.planes[0].update(piece)
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    frame.pts = position
    return frame


def samples_of(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES]


def _pieces(file: IO[bytes], rate: int) -> Iterator[tuple[float, bytes]]:
    """What is decoded, each with its time in seconds from the file's own beginning."""
    resampler = AudioResampler(format="s16", layout="mono", rate=rate)
    first: float | None = None
    for frame in _frames(file):
        for resampled in resampler.resample(frame):
            time = resampled.time or 0.0
            first = time if first is None else first
            yield time - first, samples_of(resampled)
    if first is None:
        raise NoSound("No sound can be read from it.")


def _frames(file: IO[bytes]) -> Iterator[AudioFrame | None]:
    """Ends with None, which makes the resampler give out what it holds back."""
    try:
        with av.open(file, "r", metadata_errors="replace") as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise NoSound("There is no sound in it.")
            for packet in container.demux(stream):
                try:
                    yield from cast(list[AudioFrame], packet.decode())
                except av.InvalidDataError:
                    continue
    except av.FFmpegError:
        pass  # it is no media at all, or its end is cut off
    yield None
