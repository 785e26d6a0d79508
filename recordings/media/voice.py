"""One stream of a file as plain samples on the recording's timeline; only `decoder` makes it, in a bounded child."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import BinaryIO

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from recordings.media.containers import audio_streams, frames_of, opened, packets
from recordings.media.info import NotMedia, require_length
from recordings.media.pcm import SAMPLE_BYTES, samples_of

# Seconds that a timestamp may differ from the samples counted so far: files round to milliseconds, and packets jitter.
TOLERANCE_SECONDS = 0.04
# Seconds by which timestamps must go back to mean that the clock began anew, and not that two packets overlap.
NEW_CLOCK_SECONDS = 1.0


def count_streams(file: BinaryIO) -> int:
    """Raises NotMedia where there is none."""
    with opened(file) as container:
        found = len(audio_streams(container))
    if not found:
        raise NotMedia("There is no audio stream in it.")
    return found


def voice(file: BinaryIO, number: int, rate: int, offset: float, longest: float) -> Iterator[bytes | float]:
    """Samples, and where there are none, as while somebody was muted, the seconds of silence.

    It begins where the file does in the recording. Raises NotMedia where it cannot be read on.
    """
    position = round(max(0.0, offset) * rate)  # samples
    shift = offset
    with opened(file) as container:
        for start, piece in _pieces(container, number, rate):
            ahead = 0.0 if start is None else start + shift - position / rate
            require_length(position / rate + ahead, longest)
            if ahead < -NEW_CLOCK_SECONDS:
                shift -= ahead
            elif ahead < -TOLERANCE_SECONDS:
                piece = piece[round(-ahead * rate) * SAMPLE_BYTES :]
            elif ahead > TOLERANCE_SECONDS:
                yield ahead
                position += round(ahead * rate)
            position += len(piece) // SAMPLE_BYTES
            yield piece


def _pieces(container: InputContainer, number: int, rate: int) -> Iterator[tuple[float | None, bytes]]:
    """What is decoded, each with its own time in seconds, where it has one."""
    stream = audio_streams(container)[number]
    frames = chain.from_iterable(map(frames_of, packets(container, stream)))
    for frame in _resampled(frames, rate):
        yield frame.time, samples_of(frame)


def _resampled(frames: Iterable[AudioFrame], rate: int) -> Iterator[AudioFrame]:
    """A stream may change its shape on the way; each stretch of one shape has a resampler of its own."""
    for _, stretch in groupby(frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.sample_rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in chain(stretch, [None]):
            yield from resampler.resample(frame)
