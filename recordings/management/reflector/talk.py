"""What was said, from a Reflector's topics: words with a speaker's number each become lines, as people read them."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from recordings.management.reflector.values import number, objects, seconds, text
from recordings.models import Segment, TopicHeading, Transcript
from recordings.transcription.processors.base import Word
from recordings.transcription.processors.word_times import words_of
from recordings.transcripts.topics import topics_of
from recordings.transcripts.words import SPACELESS

# A line ends with a sentence, once it is as long as this, and at the latest when it is as long as that.
LINE_CHARACTERS, LONGEST_CHARACTERS = 60, 300
PAUSE_SECONDS = 2.0  # that ends a line
ENTRIES = {
    "decisions": ("decision", "decided_by", "context"),
    "next_steps": ("task", "assigned_to", "deadline", "context"),
}
_SENTENCE_END = re.compile("[.?!…\u3002\uff1f\uff01]\\s*\\Z")  # the last three of Chinese and Japanese
_SPACELESS = re.compile(f"[{SPACELESS}]")

Spoken = tuple[int, Word]  # by whom


def segments_of(topics: Any) -> list[Segment]:
    """In order of time; they belong to no transcript yet."""
    found = [segment for topic in objects(topics) for segment in _lines(topic)]
    return sorted(found, key=lambda segment: segment.start)


def headings_of(transcript: Transcript, segments: Sequence[Segment], topics: Any) -> list[TopicHeading]:
    """Titles and summaries for the topics here: each has those of the one there that takes the most of its time."""
    named = [topic for topic in objects(topics) if text(topic.get("title")).strip()]
    named.sort(key=lambda topic: seconds(topic.get("timestamp")))
    starts = [*(seconds(topic.get("timestamp")) for topic in named), math.inf]
    found: dict[int, TopicHeading] = {}
    for topic in topics_of(transcript, segments):
        until = topic.start + topic.duration
        shared = [min(until, end) - max(topic.start, start) for start, end in pairwise(starts)]
        free = [at for at in range(len(named)) if at not in found and shared[at] >= 0]
        best = max(free, key=shared.__getitem__, default=None)
        if best is not None:
            title, summary = text(named[best]["title"]), text(named[best].get("summary"))
            found[best] = TopicHeading(transcript=transcript, topic=topic.id, title=title, summary=summary)
    return list(found.values())


def action_items_of(value: Any) -> dict[str, list[dict[str, str]]]:
    """Nothing, rather than empty lists, where nothing was decided or undertaken."""
    items = value if isinstance(value, dict) else {}
    found = {
        kind: [{name: text(entry.get(name)) for name in names} for entry in objects(items.get(kind))]
        for kind, names in ENTRIES.items()
    }
    return found if any(found.values()) else {}


def _lines(topic: dict[str, Any]) -> Iterator[Segment]:
    line: list[Spoken] = []
    for spoken in _words(topic):
        if line and _ends_before(line, spoken):
            yield _segment(line)
            line = []
        line.append(spoken)
    if line:
        yield _segment(line)
    elif said := text(topic.get("transcript")).strip():
        start = seconds(topic.get("timestamp"))
        yield Segment(start=start, end=start + seconds(topic.get("duration")), speaker=0, text=said)


def _words(topic: dict[str, Any]) -> list[Spoken]:
    speakers, tokens = list[int](), list[Word]()
    at = seconds(topic.get("timestamp"))
    for word in objects(topic.get("words")):
        if not text(word.get("text")).strip():
            continue
        start = seconds(word.get("start"), at)
        at = max(start, seconds(word.get("end"), start))
        tokens.append(Word(start, at, text(word["text"])))
        speakers.append(number(word.get("speaker")) or 0)
    return list(zip(speakers, words_of(_spaced(tokens)), strict=True))


def _spaced(tokens: list[Word]) -> list[Word]:
    """With the space before each word, wherever it was: in front, behind, or left out with all."""
    if not any(token.text != token.text.strip() for token in tokens):
        is_spaced = not any(_SPACELESS.search(token.text) for token in tokens)
        return [Word(start, end, f" {said}" if is_spaced else said) for start, end, said in tokens]
    behind = [False, *(before.text[-1].isspace() for before, _ in pairwise(tokens))]
    return [
        Word(start, end, f" {said.strip()}" if is_behind or said[0].isspace() else said.strip())
        for (start, end, said), is_behind in zip(tokens, behind, strict=True)
    ]


def _ends_before(line: list[Spoken], spoken: Spoken) -> bool:
    (speaker, last), (next_speaker, word) = line[-1], spoken
    length = sum(len(word.text) for _, word in line)
    is_whole = length >= LINE_CHARACTERS and bool(_SENTENCE_END.search(last.text))
    return speaker != next_speaker or word.start - last.end >= PAUSE_SECONDS or is_whole or length >= LONGEST_CHARACTERS


def _segment(line: list[Spoken]) -> Segment:
    words = [word for _, word in line]
    words[-1] = words[-1]._replace(text=words[-1].text.rstrip())
    return Segment(
        start=words[0].start,
        end=max(word.end for word in words),
        speaker=line[0][0],
        text="".join(word.text for word in words),
        words=[list(word) for word in words],
    )
