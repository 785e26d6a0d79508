"""Cutting audio, where nobody speaks, into pieces that a speech model takes; and joining what it says of them."""

import io
import math
import operator
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recordings.media.audio import Mp3, Reading
from recordings.media.pcm import SAMPLE_BYTES, blocks
from recordings.transcription.processors.base import (
    PERCENT,
    AudioPart,
    Processor,
    Result,
    Segment,
    TranscriptionRequest,
    Word,
)
from recordings.transcription.processors.labels import label_of

RATE = 16000  # samples per second, which is what speech models hear
BIT_RATE = 48000  # of the MP3; ten minutes are 3.6 MB, far below what services take (25 MB)
WINDOW_SECONDS = 0.1  # the loudness is measured in steps of this
SAMPLES = round(RATE * WINDOW_SECONDS)  # in a window
LONGEST_SECONDS = 600.0  # of a chunk, unless the processor says otherwise
EARLIEST_CUT = 0.5  # of the longest; where nobody pauses, it is cut somewhere in the second half
CUT = 5  # windows; what is cut in the middle of is the quietest half second
PAUSE_SECONDS = 30.0  # after such a silence a new chunk begins, and the silence is left out
MARGIN = 5  # windows of silence that are left around what is heard
SILENT = bytes(SAMPLES * SAMPLE_BYTES)  # what a gap in a file is filled with: hours of it cost next to nothing
QUIET = 32.0  # of 32767, about -60 dB: below this nothing is said
SILENCE = "Nothing was heard in it."
NO_SPEECH = "Sound was heard in it, but no speech: it may be music or noise."


@dataclass(frozen=True)
class Chunk:
    """A stretch of a file as MP3; `start` and `duration` are in seconds of that file."""

    start: float
    duration: float
    mp3: bytes


@dataclass(frozen=True)
class Heard:
    """What a model makes of a chunk, in its seconds. `language` is the one that it hears, whatever it was told."""

    language: str
    segments: Sequence[Segment]
    spoken: float = 0.0
    certainty: float = 1.0


class ChunkedProcessor(Processor):
    """Has the chunks of all parts transcribed, one after another; what is done is not done again after a crash."""

    chunk_seconds = LONGEST_SECONDS

    def transcribe(self, chunk: Chunk, language: str) -> Heard:
        raise NotImplementedError

    def process(self, request: TranscriptionRequest) -> Result:
        segments: list[Segment] = []
        heard_any = False
        languages: Counter[str] = Counter()
        spoken = certain = 0.0
        total, before = sum(part.duration for part in request.parts), 0.0  # seconds
        for number, part in enumerate(request.parts):
            for answer, chunk in enumerate(cut(Reading(part.open, longest=part.longest), self.chunk_seconds)):
                heard_any = True
                kept = f"{number}:{chunk.start:.1f}+{chunk.duration:.1f}"
                if kept not in request.checkpoint:
                    request.checkpoint[kept] = _as_json(self.transcribe(chunk, request.language))
                    request.checkpoint[PERCENT] = _percent(before + chunk.start + chunk.duration, total)
                heard = _from_json(request.checkpoint[kept])
                languages[heard.language] += len(heard.segments)
                spoken += heard.spoken
                certain += heard.spoken * heard.certainty
                segments += _in_recording(heard.segments, chunk, part, answer)
            before += part.duration
        main_language = max(languages, key=lambda language: languages[language], default="")
        return Result(
            language=request.language or main_language,
            duration=max((part.offset + part.duration for part in request.parts), default=0.0),
            segments=sorted(segments, key=lambda segment: (segment.start, segment.end)),
            note="" if segments else NO_SPEECH if heard_any else SILENCE,
            heard=main_language,
            spoken=spoken,
            certainty=certain / spoken if spoken else 1.0,
        )


def _percent(seconds: float, total: float) -> int:
    """Of a recording whose length is not known nothing can be said."""
    return min(100, int(100 * seconds / total)) if total > 0 else 0


def cut(reading: Reading, longest: float = LONGEST_SECONDS) -> Iterator[Chunk]:
    """The chunks of a file in which something is heard, of `longest` seconds at most. One of them is in memory."""
    first = 0  # window with which the waiting ones begin
    waiting: list[bytes] = []
    levels: list[float] = []
    for window in blocks(reading.readable(RATE), SAMPLES * SAMPLE_BYTES):
        waiting.append(window)
        levels.append(_loudness(window))
        if len(waiting) * WINDOW_SECONDS >= longest:
            count = _best_cut(levels)
        elif (
            _is_quiet(levels[-round(PAUSE_SECONDS / WINDOW_SECONDS) :])
            and len(waiting) * WINDOW_SECONDS >= PAUSE_SECONDS
        ):
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
    yield Chunk((first + begin) * WINDOW_SECONDS, (end - begin) * WINDOW_SECONDS, out.getvalue())


def _best_cut(levels: Sequence[float]) -> int:
    """How many windows to take: up to the middle of the quietest moment, the latest of several that are equal."""
    earliest = int(len(levels) * EARLIEST_CUT)
    moments = range(earliest, len(levels) - CUT + 1)
    quietest = min(moments, key=lambda moment: (sum(levels[moment : moment + CUT]), -moment))
    return quietest + CUT // 2


def _is_quiet(levels: Sequence[float]) -> bool:
    return all(level < QUIET for level in levels)


def _loudness(window: bytes) -> float:
    if window == SILENT:
        return 0.0
    values = array("h", window)
    return math.sqrt(sum(map(operator.mul, values, values)) / len(values))


def _in_recording(segments: Sequence[Segment], chunk: Chunk, part: AudioPart, answer: int) -> Iterator[Segment]:
    """On the recording's timeline, within the chunk (models may say more), and without what is empty."""
    for segment in segments:
        text = segment.text.strip()
        if not text:
            continue
        start, end = _on_timeline(segment.start, segment.end, chunk, part)
        words = [Word(*_on_timeline(word.start, word.end, chunk, part), word.text) for word in segment.words]
        yield Segment(start, end, part.speaker or label_of(segment.speaker, answer), text, words)


def _on_timeline(start: float, end: float, chunk: Chunk, part: AudioPart) -> tuple[float, float]:
    start, end = (min(max(0.0, time), chunk.duration) for time in (start, end))
    shift = part.offset + chunk.start
    return round(shift + start, 3), round(shift + max(start, end), 3)


def _as_json(heard: Heard) -> list[object]:
    segments = [[s.start, s.end, s.speaker, s.text, s.words] for s in heard.segments]
    return [heard.language, segments, heard.spoken, heard.certainty]


def _from_json(value: Sequence[Any]) -> Heard:
    """What was kept by an earlier version has no words, or says nothing of how certain they are."""
    language, segments, *figures = value
    return Heard(str(language), [_segment_from(*segment) for segment in segments], *figures)


def _segment_from(start: float, end: float, speaker: str, text: str, words: Sequence[Any] = ()) -> Segment:
    return Segment(start, end, speaker, text, [Word(*word) for word in words])
