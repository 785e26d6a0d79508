"""Plain samples: 16 bits, mono, in the machine's byte order, as bytes."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame

SAMPLE_BYTES = 2


def silence(seconds: float, rate: int) -> Iterator[bytes]:
    """In pieces of at most a second."""
    count = round(seconds * rate)
    second = bytes(rate * SAMPLE_BYTES)
    for _ in range(count // rate):
        yield second
    if count % rate:
        yield bytes(count % rate * SAMPLE_BYTES)


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
    frame = AudioFrame(format="s16", layout="mono", samples=len(piece) // SAMPLE_BYTES)
    frame.planes[0].update(piece)
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    frame.pts = position
    return frame


def samples_of(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES]
