"""A transcript in topics, and the words of each: what a client shows as chapters, and corrects speakers by.

A topic is what was said between two pauses; a language model, where there is one, gives it its title and summary (see
recordings.summaries), else its first words are the title. Where the transcriber gave a time for the segment
only, one for each word is reckoned from the length of the words. All times are seconds.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from recordings.models import Segment, TopicHeading, Transcript

SHORTEST_SECONDS = 60.0  # of a topic, unless it is the last one
LONGEST_SECONDS = 300.0
PAUSE_SECONDS = 3.0  # that ends a topic
TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class Word:
    """One word with the space that follows it, so that words are joined with nothing between."""

    text: str
    start: float
    end: float
    speaker: int


@dataclass(frozen=True)
class Topic:
    """Consecutive segments. The id is the same each time, until the recording is transcribed anew."""

    id: uuid.UUID
    segments: list[Segment]
    heading: TopicHeading | None = None

    @property
    def start(self) -> float:
        return self.segments[0].start

    @property
    def duration(self) -> float:
        return max(segment.end for segment in self.segments) - self.start

    @property
    def text(self) -> str:
        return " ".join(segment.text.strip() for segment in self.segments)

    @property
    def title(self) -> str:
        """What a language model calls it, else the first words."""
        if self.heading and self.heading.title:
            return self.heading.title
        if len(self.text) <= TITLE_CHARACTERS:
            return self.text
        cut = self.text[:TITLE_CHARACTERS]
        return f"{cut.rpartition(' ')[0] or cut}…"

    @property
    def summary(self) -> str:
        return self.heading.summary if self.heading else ""

    @property
    def words(self) -> list[Word]:
        return [word for segment in self.segments for word in words_of(segment)]


def topics_of(transcript: Transcript, segments: Iterable[Segment]) -> list[Topic]:
    """All that was said, in order of time: never empty while something was said."""
    headings = {heading.topic: heading for heading in transcript.headings.all()}
    parts = ((uuid.uuid5(transcript.pk, f"{part[0].start:.3f}"), part) for part in _parts(segments))
    return [Topic(topic, part, headings.get(topic)) for topic, part in parts]


def _parts(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    part: list[Segment] = []
    for segment in segments:
        if part and _ends_before(part, segment):
            yield part
            part = []
        part.append(segment)
    if part:
        yield part


def _ends_before(part: list[Segment], segment: Segment) -> bool:
    lasted, pause = segment.start - part[0].start, segment.start - part[-1].end
    return lasted >= LONGEST_SECONDS or (lasted >= SHORTEST_SECONDS and pause >= PAUSE_SECONDS)


def words_of(segment: Segment) -> list[Word]:
    """The words of a segment with their times, or each with a share of the segment's that goes by the word's length."""
    if segment.words:
        *first, (start, end, text) = segment.words
        return [Word(t, a, b, segment.speaker) for a, b, t in [*first, (start, end, f"{text.rstrip()} ")]]
    texts = [f"{text} " for text in segment.text.split()]
    characters = sum(map(len, texts))
    found: list[Word] = []
    at, share = segment.start, max(0.0, segment.end - segment.start) / max(1, characters)
    for text in texts:
        end = at + len(text) * share
        found.append(Word(text, round(at, 3), round(end, 3), segment.speaker))
        at = end
    return found


def turns_of(words: Iterable[Word]) -> list[tuple[int, list[Word]]]:
    """Who spoke, and the words, a turn each."""
    return [(speaker, list(said)) for speaker, said in groupby(words, key=lambda word: word.speaker)]


def reassigned(segment: Segment, start: float, end: float, speaker: int) -> list[Segment]:
    """The segment in pieces: words that begin at `start` or later, and before `end`, are that speaker's.

    One piece, the segment itself, when all or none of its words are.
    """
    words = words_of(segment)
    runs = [(inside, list(run)) for inside, run in groupby(words, key=lambda word: _is_within(word, start, end))]
    if len(runs) <= 1:
        if runs and runs[0][0]:
            segment.speaker = speaker
        return [segment]
    return [
        Segment(
            transcript_id=segment.transcript_id,
            start=run[0].start,
            end=run[-1].end,
            speaker=speaker if inside else segment.speaker,
            text="".join(word.text for word in run).strip(),
            words=[[word.start, word.end, word.text] for word in run] if segment.words else None,
        )
        for inside, run in runs
    ]


def _is_within(word: Word, start: float, end: float) -> bool:
    """Times of words were rounded on their way to the client and back."""
    return word.start >= start - 0.0015 and (word.start < end - 0.0015 or end - start < 0.0015)
