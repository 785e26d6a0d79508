"""Finding transcripts by what was said, with PostgreSQL's search vectors or SQLite's FTS5, and the same results.

A transcript is one document, so that all words of a query need not be in one sentence. Words are compared as they are,
without case. Known limit: PostgreSQL knows the places of the first 16,383 words only, so that a quoted phrase beyond
those is not found.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, OperationalError, connection, models, transaction

from recordings.models import SearchDocument, Transcript

TERMS = 32  # words and phrases of a query that count
SNIPPETS = 3  # of one transcript
AROUND = 80  # characters of context on each side
SNIPPET_LIMIT = 400  # characters

# On PostgreSQL so many of the newest that match are ranked, and older ones follow by date: what ranking costs grows
# with how much was said, and a word that is in more transcripts than this tells little about each.
RANKED = 300

PHRASE = "phraseto_tsquery('simple', %s)"

Ranks = dict[uuid.UUID, float]

_TERM = re.compile(r'(?P<excluded>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Alternative:
    """Terms that must all be there, and terms that must not; a term is one or more words in a row."""

    wanted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """As on the web: words, "phrases", -excluded, and `or` between alternatives. Any text is a valid query."""

    alternatives: Sequence[Alternative] = field(default_factory=tuple)

    @classmethod
    def parse(cls, text: str) -> "Query":
        groups: list[tuple[list[str], list[str]]] = [([], [])]
        for is_excluded, term, is_or in _terms(text):
            if is_or:
                groups.append(([], []))
            else:
                groups[-1][is_excluded].append(term)
        # Without a wanted word nearly everything would match.
        return cls(tuple(Alternative(tuple(wanted), tuple(excluded)) for wanted, excluded in groups if wanted))

    def pattern(self) -> re.Pattern[str]:
        """Matches any of the wanted terms."""
        terms = dict.fromkeys(term for alternative in self.alternatives for term in alternative.wanted)
        choices = "|".join(r"[\W_]+".join(map(re.escape, term.split())) for term in terms)
        return re.compile(rf"(?<![^\W_])(?:{choices})(?![^\W_])", re.IGNORECASE)

    def for_postgresql(self) -> tuple[str, list[str]]:
        """An expression that gives the tsquery, and its parameters."""
        parameters = [term for alternative in self.alternatives for term in alternative.wanted + alternative.excluded]
        return " || ".join(map(_tsquery, self.alternatives)), parameters

    def for_sqlite(self) -> str:
        """https://www.sqlite.org/fts5.html#full_text_query_syntax: each term is a quoted string."""
        return " OR ".join(f"({_fts(alternative)})" for alternative in self.alternatives)


def index(transcript: Transcript, body: str | None = None) -> None:
    """Make a transcript findable by its name, its title and what was said; None leaves what was said as it is."""
    values = {"title": f"{transcript.name}\n{transcript.title}".strip()}
    if body is not None:
        values["body"] = body
    while True:
        try:
            with transaction.atomic():
                SearchDocument.objects.update_or_create(transcript=transcript, defaults=values)
        except (OperationalError, DataError):
            # More different words than a search vector can hold (1 MB): the first half is better than nothing.
            if len(values.get("body", "")) < 1000:
                raise
            values["body"] = values["body"][: len(values["body"]) // 2]
        else:
            return


def body_of(texts: Iterable[str]) -> str:
    """What was said, a segment a line."""
    return "\n".join(" ".join(text.split()) for text in texts)


def ranked(transcripts: models.QuerySet[Transcript], query: Query, limit: int, offset: int) -> tuple[Ranks, int]:
    """Ids and ranks (0 to 1) of those among `transcripts` that match, best first, and how many match in all."""
    if not query.alternatives:
        return {}, 0
    rows = _select(transcripts, query, limit, offset)
    if not rows and offset:
        first = _select(transcripts, query, 1, 0)
        return {}, first[0][2] if first else 0
    return {uuid.UUID(str(pk)): rank for pk, rank, _ in rows}, rows[0][2] if rows else 0


def snippets(body: str, query: Query) -> tuple[list[str], int]:
    """Some places at which it matches, as plain text, and how many segments match in all."""
    places, count = matching_lines(body, query)
    return list(places.values()), count


def matching_lines(body: str, query: Query) -> tuple[dict[int, str], int]:
    """The same, with the number of each line: 0 is the first segment, in the order in which they were written."""
    places: dict[int, str] = {}
    count, end_of_line = 0, -1
    for match in query.pattern().finditer(body):
        if match.start() < end_of_line:
            continue
        start, end_of_line = body.rfind("\n", 0, match.start()) + 1, _end_of_line(body, match.end())
        count += 1
        if len(places) < SNIPPETS:
            line = _around(body[start:end_of_line], match.start() - start, match.end() - start)
            places[body.count("\n", 0, start)] = line
    return places, count


def _terms(text: str) -> Iterator[tuple[bool, str, bool]]:
    """Whether it is excluded, the term, and whether it is the word that parts alternatives."""
    for match in list(_TERM.finditer(text))[:TERMS]:
        words = _WORD.findall(match["phrase"] or match["word"] or "")
        is_or = match["phrase"] is None and not match["excluded"] and [word.lower() for word in words] == ["or"]
        if words:
            yield bool(match["excluded"]), " ".join(words), is_or


def _select(transcripts: models.QuerySet[Transcript], query: Query, limit: int, offset: int) -> list[Any]:
    allowed, allowed_parameters = transcripts.order_by().values("pk").query.sql_with_params()
    select = _SELECT[connection.vendor]
    if connection.vendor == "postgresql":
        tsquery, wanted = query.for_postgresql()
        select = select.replace("{tsquery}", tsquery)
        parameters = [*wanted, *allowed_parameters, RANKED, *wanted]
    else:
        parameters = [query.for_sqlite(), *allowed_parameters]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The planner counts the rows and not the vectors, which are kept beside them, and would read them all.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(select.replace("{allowed}", allowed), [*parameters, limit, offset])
        rows: list[Any] = cursor.fetchall()
        return rows


_SELECT = {
    "postgresql": """
        WITH found AS MATERIALIZED (
            SELECT document.id AS document, transcript.id, transcript.created_at, count(*) OVER () AS total,
                row_number() OVER (ORDER BY transcript.created_at DESC, transcript.id) AS place
            FROM recordings_searchdocument AS document
            JOIN recordings_transcript AS transcript ON transcript.id = document.transcript_id
            WHERE document.vector @@ ({tsquery}) AND transcript.id IN ({allowed})
        )
        SELECT id, CASE WHEN place > %s THEN 0 ELSE (
            SELECT ts_rank(vector, {tsquery}, 32) FROM recordings_searchdocument WHERE id = found.document
        ) END AS rank, total
        FROM found ORDER BY rank DESC, created_at DESC, id LIMIT %s OFFSET %s
    """,
    # bm25() is negative, and smaller for the better.
    "sqlite": """
        SELECT id, -score / (1 - score) AS rank, count(*) OVER ()
        FROM (
            SELECT transcript.id, transcript.created_at, min(bm25(recordings_searchindex, 10, 1), 0) AS score
            FROM recordings_searchindex
            JOIN recordings_searchdocument AS document ON document.id = recordings_searchindex.rowid
            JOIN recordings_transcript AS transcript ON transcript.id = document.transcript_id
            WHERE recordings_searchindex MATCH %s AND transcript.id IN ({allowed})
        )
        ORDER BY rank DESC, created_at DESC, id LIMIT %s OFFSET %s
    """,
}


def _tsquery(alternative: Alternative) -> str:
    wanted = [PHRASE] * len(alternative.wanted) + [f"!!{PHRASE}"] * len(alternative.excluded)
    return f"({' && '.join(wanted)})"


def _fts(alternative: Alternative) -> str:
    wanted = " AND ".join(f'"{term}"' for term in alternative.wanted)
    return f"({wanted})" + "".join(f' NOT "{term}"' for term in alternative.excluded)


def _end_of_line(body: str, position: int) -> int:
    end = body.find("\n", position)
    return len(body) if end < 0 else end


def _around(line: str, start: int, end: int) -> str:
    first, last = max(0, start - AROUND), min(len(line), max(end, start) + AROUND)
    return ("…" if first else "") + line[first:last][:SNIPPET_LIMIT].strip() + ("…" if last < len(line) else "")
