"""What was said, a line each, in parts: a page shows one of them, and loads the others as one scrolls there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recordings.api.transcripts.media import audio_if_any
from recordings.models import Segment, Transcript
from recordings.pages.clock import as_clock
from recordings.pages.pieces import Piece, marked
from recordings.pages.transcript.access import readable_or_404
from recordings.transcripts import matches, search
from recordings.transcripts.formats import name_of, speaker_names, turns

COLOURS = 8  # of voices; static/recordings/pages.css has them
PART = 100  # lines
MOST_PARTS = 1_000_000  # beyond which a database's numbers may end
LONGEST_QUERY = 1000  # characters


@dataclass(frozen=True)
class Line:
    number: int  # as the search counts them
    pk: int
    start: float
    clock: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Turn:
    speaker: str
    colour: int
    lines: list[Line]


@dataclass(frozen=True)
class Part:
    """Lines from `first` to `last`; without turns it is to be loaded."""

    number: int
    first: int
    last: int
    start: float
    turns: list[Turn]

    @property
    def clock(self) -> str:
        return as_clock(self.start)


@require_safe
@never_cache
def part(request: HttpRequest, transcript_id: uuid.UUID, number: int) -> HttpResponse:
    """One part, as a piece of the page."""
    transcript = readable_or_404(request.user, transcript_id)
    is_sane = number < MOST_PARTS
    said = _turns(transcript, number, speaker_names(transcript), search.Query()) if is_sane else []
    if not said:
        raise Http404
    first, count = number * PART, sum(len(turn.lines) for turn in said)
    shown = Part(number, first, first + count - 1, said[0].lines[0].start, said)
    return render(request, "recordings/part.html", {"part": shown, "has_audio": bool(audio_if_any(transcript))})


@require_safe
@never_cache
def find(request: HttpRequest, transcript_id: uuid.UUID) -> JsonResponse:
    """Where the words stand: the number of each line that has some, and the spans, in characters of its text."""
    transcript = readable_or_404(request.user, transcript_id)
    query = search.Query.parse(request.GET.get("q", "")[:LONGEST_QUERY])
    texts = in_order(transcript).values_list("text", flat=True) if query.alternatives else ()
    found = ((number, matches.spans(text, query)) for number, text in enumerate(texts))
    return JsonResponse({"lines": [[number, spans] for number, spans in found if spans]})


def parts_of(
    transcript: Transcript, starts: Sequence[float], names: dict[int, str], query: search.Query, line: int
) -> list[Part]:
    """All parts, of which that with this line is loaded. `starts` are the seconds at which lines begin."""
    shown = min(max(line, 0), max(len(starts) - 1, 0)) // PART
    return [
        Part(
            number=first // PART,
            first=first,
            last=min(first + PART, len(starts)) - 1,
            start=starts[first],
            turns=_turns(transcript, shown, names, query) if first // PART == shown else [],
        )
        for first in range(0, len(starts), PART)
    ]


def in_order(transcript: Transcript) -> QuerySet[Segment]:
    return transcript.segments.order_by("start", "pk")


def _turns(transcript: Transcript, part: int, names: dict[int, str], query: search.Query) -> list[Turn]:
    first = part * PART
    segments = list(in_order(transcript).defer("words")[first : first + PART])
    numbers = {segment.pk: first + place for place, segment in enumerate(segments)}
    return [
        Turn(name_of(turn[0].speaker, names), turn[0].speaker % COLOURS, [_line(s, numbers[s.pk], query) for s in turn])
        for turn in turns(segments)
    ]


def _line(segment: Segment, number: int, query: search.Query) -> Line:
    return Line(number, segment.pk, segment.start, as_clock(segment.start), marked(segment.text, query))
