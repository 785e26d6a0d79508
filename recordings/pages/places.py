"""Places in transcripts at which a search matches: when something was said, by whom, and what."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Window
from django.db.models.functions import RowNumber

from recordings.models import Segment, TranscriptParticipant
from recordings.pages.clock import as_clock
from recordings.pages.pieces import Piece, marked
from recordings.transcripts import search
from recordings.transcripts.formats import name_of


@dataclass(frozen=True)
class Place:
    line: int
    clock: str
    speaker: str
    pieces: list[Piece]


def places_of(found: Mapping[uuid.UUID, Mapping[int, str]], query: search.Query) -> dict[uuid.UUID, list[Place]]:
    """For the numbers of lines of several transcripts, in as many queries as for one."""
    lines = {line for texts in found.values() for line in texts}
    numbered = Segment.objects.filter(transcript__in=found).annotate(
        line=Window(RowNumber(), partition_by="transcript", order_by=["start", "pk"]) - 1
    )
    rows = numbered.filter(line__in=lines).values_list("transcript", "line", "start", "speaker") if lines else ()
    said = {(pk, line): (start, speaker) for pk, line, start, speaker in rows}
    names: dict[uuid.UUID, dict[int, str]] = {}
    people = TranscriptParticipant.objects.filter(transcript__in=found, speaker__isnull=False)
    for pk, speaker, name in people.values_list("transcript", "speaker", "name") if lines else ():
        names.setdefault(pk, {})[speaker or 0] = name
    return {
        pk: [
            Place(line, as_clock(said[pk, line][0]), name_of(said[pk, line][1], names.get(pk, {})), marked(text, query))
            for line, text in texts.items()
            if (pk, line) in said  # it may have been written anew meanwhile
        ]
        for pk, texts in found.items()
    }
