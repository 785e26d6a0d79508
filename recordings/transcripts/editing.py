"""Setting right what a machine wrote: the words of a line, and whose lines they are. All of it in one transaction."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from recordings.models import Correction, Segment, Transcript
from recordings.transcripts import search
from recordings.transcripts.words import SPACELESS

Times = list[tuple[float, float, str]]

# Pairs of words that are compared. What finding those that stay costs grows much faster than the texts, and a line that
# repeats a word or two would keep a process busy for hours.
MOST_PAIRS = 20_000

# A word with what follows it; of scripts that put no spaces between words, a character.
_UNIT = re.compile(rf"[{SPACELESS}][^\w\s]*\s*|[^\s{SPACELESS}]+\s*|\s+")


class Changed(Exception):
    """The line is no more what it was when somebody began to change it, or is gone."""


def correct(transcript: Transcript, user: Any, line: int, before: str, after: str) -> Segment:
    """Let a line say something else, and keep what it said. The transcript is locked. Raises Changed."""
    segment = transcript.segments.filter(pk=line).first()
    if segment is None or segment.text != before:
        raise Changed
    if after != before:
        segment.words = retimed(segment, after)
        segment.text = after
        segment.save(update_fields=["text", "words"])
        Correction.objects.create(transcript=transcript, user=user, start=segment.start, before=before, after=after)
        search.index(transcript, search.body_of(transcript.segments.values_list("text", flat=True)))
        transcript.touch()
    return segment


def assign_lines(transcript: Transcript, line: int, until: float, speaker: int, name: str = "") -> None:
    """Give a line, and those of the same voice that begin until then, to another voice.

    With a name it is a new voice, which is called so. The transcript is locked. Raises Changed.
    """
    first = transcript.segments.filter(pk=line).first()
    if first is None:
        raise Changed
    if name:
        transcript.participants.create(name=name, speaker=speaker)
        search.index(transcript)
    theirs = transcript.segments.filter(speaker=first.speaker, start__gte=first.start, start__lte=until)
    (theirs | transcript.segments.filter(pk=line)).update(speaker=speaker)
    transcript.touch()


def retimed(segment: Segment, text: str) -> Times | None:
    """The times of the words of a new text: words that stay keep theirs, others share that of those they replace."""
    if not segment.words:
        return None
    before = [(start, end, word) for start, end, word in segment.words]
    units = _UNIT.findall(text)
    found: Times = []
    for kind, i1, i2, j1, j2 in _compared([word.strip() for *_, word in before], [unit.strip() for unit in units]):
        if kind == "equal":
            found += [(start, end, unit) for (start, end, _), unit in zip(before[i1:i2], units[j1:j2], strict=True)]
        else:
            begin = before[i1][0] if i1 < i2 else (before[i1 - 1][1] if i1 else segment.start)
            end = before[i2 - 1][1] if i1 < i2 else (before[i2][0] if i2 < len(before) else segment.end)
            found += _shared(units[j1:j2], begin, max(begin, end))
    return found


def _compared(before: list[str], after: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """As SequenceMatcher's opcodes. Of long texts only the beginning and the end that stay are found."""
    first = _length_alike(before, after)
    left, right = before[first:], after[first:]
    last = _length_alike(left[::-1], right[::-1])
    left, right = left[: len(left) - last], right[: len(right) - last]
    if first:
        yield "equal", 0, first, 0, first
    if len(left) * len(right) <= MOST_PAIRS:
        changes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    else:
        changes = [("replace", 0, len(left), 0, len(right))]
    for kind, i1, i2, j1, j2 in changes:
        yield kind, first + i1, first + i2, first + j1, first + j2
    if last:
        yield "equal", len(before) - last, len(before), len(after) - last, len(after)


def _length_alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the first are the same in both."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _shared(units: Sequence[str], start: float, end: float) -> Iterator[tuple[float, float, str]]:
    """Each with a share of the time that goes by its length."""
    share = (end - start) / max(1, sum(map(len, units)))
    for unit in units:
        after = start + len(unit) * share
        yield round(start, 3), round(after, 3), unit
        start = after
