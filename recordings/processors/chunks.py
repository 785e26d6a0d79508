"""Cutting audio, where nobody speaks, into pieces that a speech model takes; and joining what it says of them."""

import io
import math
import operator
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recordings.audio import WIDTH, Mp3, Opener, blocks, samples
from recordings.processors.base import AudioPart, Job, Processor, Result, Segment

RATE = 16000  # samples per second, which is what speech models hear
BIT_RATE = 48000  # of the MP3; ten minutes are 3.6 MB, far below what services take (25 MB)
WINDOW = 0.1  # seconds; the loudness is measured in steps of this
SAMPLES = round(RATE * WINDOW)  # in a window
LONGEST = 600.0  # seconds of a chunk, unless the processor says otherwise
EARLIEST_CUT = 0.5  # of the longest; where nobody pauses, it is cut somewhere in the second half
CUT = 5  # windows; what is cut in the middle of is the quietest half second
PAUSE = 30.0  # seconds; after such a silence a new chunk begins, and the silence is left out
MARGIN = 5  # windows of silence that are left around what is heard
QUIET = 32.0  # of 32767, about -60 dB: below this nothing is said


@dataclass(frozen=True)
class Chunk:
    """A stretch of a file as MP3; `start` and `duration` are in seconds of that file."""

    start: float
    duration: float
    mp3: bytes


@dataclass(frozen=True)
class Heard:
    """What a model makes of a chunk, in its seconds."""

    language: str
    segments: Sequence[Segment]


class ChunkedProcessor(Processor):
    """Has the chunks of all parts transcribed, one after another; what is done is not done again after a crash."""

    chunk_seconds = LONGEST

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        raise NotImplementedError

    def process(self, job: Job) -> Result:
        segments: list[Segment] = []
        languages: Counter[str] = Counter()
        for number, part in enumerate(job.parts):
            for chunk in cut(part.open, self.chunk_seconds):
                kept = f"{number}:{chunk.start:.1f}+{chunk.duration:.1f}"
                if kept not in job.kept:
                    job.kept[kept] = _as_json(self.transcribe(chunk, job.language))
                heard = _from_json(job.kept[kept])
                languages[heard.language] += len(heard.segments)
                segments += _in_recording(heard.segments, chunk, part)
        return Result(
            language=job.language or max(languages, key=lambda language: languages[language], default=""),
            duration=max((part.offset + part.duration for part in job.parts), default=0.0),
            segments=sorted(segments, key=lambda segment: (segment.start, segment.end)),
            note="" if segments else "Nothing was heard in it.",
        )


def cut(open_file: Opener, longest: float = LONGEST) -> Iterator[Chunk]:
    """The chunks of a file in which something is heard, of `longest` seconds at most. One of them is in memory."""
    first = 0  # window with which the waiting ones begin
    waiting: list[bytes] = []
    levels: list[float] = []
    for window in blocks(samples(open_file, RATE), SAMPLES * WIDTH):
        waiting.append(window)
        levels.append(_loudness(window))
        if len(waiting) * WINDOW >= longest:
            count = _best_cut(levels)
        elif _is_quiet(levels[-round(PAUSE / WINDOW) :]) and len(waiting) * WINDOW >= PAUSE:
            count = len(waiting)
        else:
            continue
        yield from _chunk(first, waiting[:count], levels[:count])
        first += count
        del waiting[:count], levels[:count]
    yield from _chunk(first, waiting, levels)


def _chunk(first: int, windows: Sequence[bytes], levels: Sequence[float]) -> Iterator[Chunk]:
    """Without the silence at both ends; nothing when there is nothing else."""
    loud = [number for number, level in enumerate(levels) if level >= QUIET]
    if not loud:
        return
    begin, end = max(0, loud[0] - MARGIN), min(len(windows), loud[-1] + 1 + MARGIN)
    out = io.BytesIO()
    with Mp3(out, RATE, BIT_RATE) as mp3:
        for window in windows[begin:end]:
            mp3.write(window)
    yield Chunk((first + begin) * WINDOW, (end - begin) * WINDOW, out.getvalue())


def _best_cut(levels: Sequence[float]) -> int:
    """How many windows to take: up to the middle of the quietest moment, the latest of several that are equal."""
    earliest = int(len(levels) * EARLIEST_CUT)
    moments = range(earliest, len(levels) - CUT + 1)
    quietest = min(moments, key=lambda moment: (sum(levels[moment : moment + CUT]), -moment))
    return quietest + CUT // 2


def _is_quiet(levels: Sequence[float]) -> bool:
    return all(level < QUIET for level in levels)


def _loudness(window: bytes) -> float:
    values = array("h", window)
    return math.sqrt(sum(map(operator.mul, values, values)) / len(values))


def _in_recording(segments: Sequence[Segment], chunk: Chunk, part: AudioPart) -> Iterator[Segment]:
    """On the recording's timeline, within the chunk (models may say more), and without what is empty."""
    for segment in segments:
        text = segment.text.strip()
        if not text:
            continue
        start, end = (min(max(0.0, time), chunk.duration) for time in (segment.start, segment.end))
        shift = part.offset + chunk.start
        speaker = part.speaker or segment.speaker
        yield Segment(round(shift + start, 3), round(shift + max(start, end), 3), speaker, text)


def _as_json(heard: Heard) -> list[object]:
    return [heard.language, [[s.start, s.end, s.speaker, s.text] for s in heard.segments]]


def _from_json(value: Sequence[object]) -> Heard:
    language, segments = value
    return Heard(str(language), [Segment(*segment) for segment in segments])  # type: ignore[attr-defined]
