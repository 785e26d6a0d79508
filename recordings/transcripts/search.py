"""Finding transcripts by what was said, with PostgreSQL's search vectors or SQLite's FTS5, and the same results.

A transcript is one document, so that all words of a query need not be in one sentence. Both databases index the words
that `recordings.transcripts.words` finds, and a query is taken apart by it as well: no parser of a database has a say.
"""

import itertools
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

from platforms.listing import Listing
from recordings.models import SearchDocument, Transcript
from recordings.transcripts.search_vector import write_vector
from recordings.transcripts.words import LONGEST, in_a_row, may_go_on, sought, words

TERMS = 32  # words and phrases of a query that count

# On PostgreSQL so many of the newest that match are ranked, and older ones follow by date: what finding and ranking
# cost grows with how much was said, and a word that is in more transcripts than this tells little about each. So many
# are counted too, or as many as the page that is asked for needs.
RANKED = 300

# Whether words stand in a row. A text shorter than this (bytes) has no words beyond those whose places a vector knows.
SAYS = """(document.vector @@ %s::tsquery OR (
    octet_length(document.body_words) > 32000 AND strpos(document.title_words || document.body_words, %s) > 0
))"""

Ranks = dict[uuid.UUID, float]

_TERM = re.compile(r'(?P<excluded>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """One or more words in a row; the last one may be the beginning of a word."""

    words: tuple[str, ...]
    is_beginning: bool = False

    @property
    def row(self) -> str:
        """What a text of words in a row holds where the term stands."""
        return in_a_row(self.words).removesuffix(" " if self.is_beginning else "")

    @property
    def lexemes(self) -> list[str]:
        """Quoted, so that PostgreSQL takes them as they are; they hold neither quotes nor backslashes."""
        found = [f"'{lexeme}'" for lexeme, _ in sought(self.words)]
        return [*found[:-1], f"{found[-1]}:*"] if self.is_beginning else found

    @property
    def phrase(self) -> str:
        """A tsquery for its lexemes, each at its distance from the one before."""
        numbers = [number for _, number in sought(self.words)]
        steps = (f" <{after - before}> " for before, after in itertools.pairwise(numbers))
        return "".join(itertools.chain(*itertools.zip_longest(self.lexemes, steps, fillvalue="")))

    @property
    def fts(self) -> str:
        return f'"{" ".join(self.words)}"' + (" *" if self.is_beginning else "")


@dataclass(frozen=True)
class Alternative:
    """Terms that must all be there, and terms that must not."""

    wanted: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Query:
    """As on the web: words, "phrases", -excluded, and `or` between alternatives. Any text is a valid query.

    A wanted word also finds those that begin with it; in quotes, or excluded, it is that word and no other.
    """

    alternatives: Sequence[Alternative] = field(default_factory=tuple)

    @classmethod
    def parse(cls, text: str) -> "Query":
        groups: list[tuple[list[Term], list[Term]]] = [([], [])]
        for is_excluded, term, is_or in _terms(text):
            if is_or:
                groups.append(([], []))
            else:
                groups[-1][is_excluded].append(term)
        # Without a wanted word nearly everything would match.
        return cls(tuple(Alternative(tuple(wanted), tuple(excluded)) for wanted, excluded in groups if wanted))

    def wanted(self) -> list[Term]:
        """The different terms for which a place is worth showing."""
        return list(dict.fromkeys(term for alternative in self.alternatives for term in alternative.wanted))

    @cached_property
    def rows(self) -> list[str]:
        """What a text of words in a row holds where any of them stands."""
        return [term.row for term in self.wanted()]

    @cached_property
    def is_of_words(self) -> bool:
        """Whether no phrase is wanted, which may go on in the next line, nor a word of which only a part counts."""
        return all(len(term.words) == 1 and len(term.row) <= LONGEST for term in self.wanted())

    def for_postgresql(self) -> tuple[str, list[str]]:
        """A condition on `document`, and its parameters: the index tells where all words are, the rest looks there."""
        condition, tsquery = "document.vector @@ %s::tsquery", " | ".join(map(_tsquery, self.alternatives))
        terms = [term for alternative in self.alternatives for term in alternative.wanted + alternative.excluded]
        if all(len(term.lexemes) == 1 for term in terms):
            return condition, [tsquery]
        exact = " OR ".join(map(_exact, self.alternatives))
        rows = itertools.chain(*((term.phrase, term.row) for term in terms))
        return f"{condition} AND ({exact})", [tsquery, *rows]

    def for_rank(self) -> str:
        """A tsquery for PostgreSQL: the more of the wanted words there are, and the more often, the better."""
        return " | ".join(dict.fromkeys(itertools.chain(*(term.lexemes for term in self.wanted()))))

    def for_sqlite(self) -> str:
        """https://www.sqlite.org/fts5.html#full_text_query_syntax: each term is a quoted string, * ends a beginning."""
        return " OR ".join(f"({_fts(alternative)})" for alternative in self.alternatives)


def index(transcript: Transcript, body: str | None = None) -> None:
    """Make a transcript findable by its name, its title, who spoke and what was said; None leaves that as it is."""
    title = title_of(transcript.name, transcript.title, transcript.participants.values_list("name", flat=True))
    values = {"title": title, "title_words": in_a_row(words(title))}
    if body is not None:
        values |= {"body": body, "body_words": in_a_row(words(body))}
    with transaction.atomic():
        document, _ = SearchDocument.objects.update_or_create(transcript=transcript, defaults=values)
        write_vector(connection, document.pk, document.title_words, document.body_words)


def title_of(name: str, title: str, speakers: Iterable[str]) -> str:
    return "\n".join(filter(None, [name, title, *speakers]))


def body_of(texts: Iterable[str]) -> str:
    """What was said, a segment a line."""
    return "\n".join(" ".join(text.split()) for text in texts)


def ranked(transcripts: Listing[Transcript], query: Query, limit: int, offset: int) -> tuple[Ranks, int]:
    """Ids and ranks (0 to 1) of those among `transcripts` that match, best first, and how many match in all.

    Where more than RANKED match, and more than are needed for this page, one more than those is said.
    """
    rows, total = _select(transcripts, query, limit, offset)
    return {_key(pk): rank for pk, rank, _ in rows}, total


def ranked_values(
    transcripts: Listing[Transcript], query: Query, limit: int, offset: int, fields: Sequence[str]
) -> tuple[list[tuple[float, Sequence[Any]]], int]:
    """Ranks and `fields`, the first of which is the id. PostgreSQL reads them by the statement that ranks."""
    if connection.vendor == "postgresql":
        rows, total = _select(transcripts, query, limit, offset, fields)
        return [(row[1], row[3:]) for row in rows], total
    ranks, total = ranked(transcripts, query, limit, offset)
    found = {row[0]: row for row in Transcript.objects.order_by().filter(pk__in=list(ranks)).values_list(*fields)}
    return [(ranks[pk], found[pk]) for pk in ranks if pk in found], total


def _select(
    transcripts: Listing[Transcript], query: Query, limit: int, offset: int, fields: Sequence[str] = ()
) -> tuple[list[Any], int]:
    """Rows of an id, its rank, how many match and `fields`; and how many match."""
    if not query.alternatives:
        return [], 0
    select = partial(_select_by_vectors, fields=fields) if connection.vendor == "postgresql" else _select_by_fts
    rows = select(transcripts, query, limit, offset)
    counted = rows or (select(transcripts, query, 1, 0) if offset else [])
    return rows, counted[0][2] if counted else 0


def _key(value: uuid.UUID | str) -> uuid.UUID:
    """SQLite gives it as text."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def is_more(total: int, limit: int, offset: int) -> bool:
    """Whether `ranked` counted no further, on PostgreSQL; SQLite ranks and counts all that match."""
    return connection.vendor == "postgresql" and total > max(RANKED, offset + limit)


def _terms(text: str) -> Iterator[tuple[bool, Term, bool]]:
    """Whether it is excluded, the term, and whether it is the word that parts alternatives."""
    for match in list(_TERM.finditer(text))[:TERMS]:
        is_excluded, is_phrase = bool(match["excluded"]), match["phrase"] is not None
        if found := tuple(words(match["phrase"] or match["word"] or "")):
            is_open = not is_excluded and not is_phrase
            yield is_excluded, Term(found, is_open and may_go_on(found[-1])), is_open and found == ("or",)


def _select_by_vectors(
    transcripts: Listing[Transcript], query: Query, limit: int, offset: int, fields: Sequence[str]
) -> list[Any]:
    condition, values = query.for_postgresql()
    texts = [*values, query.for_rank()]
    return transcripts.ask(_ranking, condition, RANKED, limit, offset, tuple(fields), texts=texts)


def _ranking(
    transcripts: Listing[Transcript],
    condition: str,
    ranked: int,
    limit: int,
    offset: int,
    fields: Sequence[str],
    texts: Sequence[str],
) -> tuple[str, Sequence[Any]]:
    *values, rank = texts
    wanted = max(ranked, offset + limit)
    matches = RawSQL(condition.replace("document.", DOCUMENTS), values, models.BooleanField())  # noqa: S611  (ours)
    # The join that brings the documents in, under the name that they have in the condition.
    newest = [
        part.filter(matches, search_document__isnull=False)
        .order_by("-created_at", "id")
        .values_list("search_document__id", "id", "created_at")[: wanted + 1]
        for part in transcripts.parts()
    ]
    first, *others = newest
    found, parameters = (first.union(*others, all=True) if others else first).query.sql_with_params()
    sql = (RANK + (VALUES if fields else KEYS)).replace("{found}", found)
    if fields:
        shown = Transcript.objects.order_by().filter(pk=RawSQL("page.id", [])).values_list(*fields)
        sql = sql.replace("{values}", shown.query.sql_with_params()[0])
    return sql, [*parameters, ranked, rank, wanted, limit, offset]


def _select_by_fts(transcripts: Listing[Transcript], query: Query, limit: int, offset: int) -> list[Any]:
    allowed = [part.order_by().values("id").query.sql_with_params() for part in transcripts.parts()]
    select = BM25.replace("{allowed}", " UNION ALL ".join(sql for sql, _ in allowed))
    parameters = itertools.chain(*(values for _, values in allowed))
    with connection.cursor() as cursor:
        cursor.execute(select, [query.for_sqlite(), *parameters, limit, offset])
        rows: list[Any] = cursor.fetchall()
        return rows


DOCUMENTS = "recordings_searchdocument."
# Both statements come in one message, which PostgreSQL takes for one transaction. The planner counts the rows and not
# the vectors, which are kept beside them, and would read them all.
RANK = """
    SET LOCAL enable_seqscan = off;
    WITH found AS MATERIALIZED (
        SELECT document, id, created_at, count(*) OVER () AS total,
            row_number() OVER (ORDER BY created_at DESC, id) AS place
        FROM ({found}) AS newest(document, id, created_at)
    ), page AS (
        SELECT id, CASE WHEN place > %s THEN 0 ELSE (
            SELECT ts_rank(vector, %s::tsquery, 32) FROM recordings_searchdocument WHERE id = found.document
        ) END AS rank, least(total, %s + 1) AS total, created_at
        FROM found ORDER BY rank DESC, created_at DESC, id LIMIT %s OFFSET %s
    )
"""
KEYS = "SELECT id, rank, total FROM page ORDER BY rank DESC, created_at DESC, id"
VALUES = """
    SELECT page.id, page.rank, page.total, shown.* FROM page, LATERAL ({values}) AS shown
    ORDER BY page.rank DESC, page.created_at DESC, page.id
"""
# bm25() is negative, and smaller for the better.
BM25 = """
    SELECT id, -score / (1 - score) AS rank, count(*) OVER ()
    FROM (
        SELECT transcript.id, transcript.created_at, min(bm25(recordings_searchindex, 10, 1), 0) AS score
        FROM recordings_searchindex
        JOIN recordings_searchdocument AS document ON document.id = recordings_searchindex.rowid
        JOIN recordings_transcript AS transcript ON transcript.id = document.transcript_id
        WHERE recordings_searchindex MATCH %s AND transcript.id IN ({allowed})
    )
    ORDER BY rank DESC, created_at DESC, id LIMIT %s OFFSET %s
"""


def _tsquery(alternative: Alternative) -> str:
    """What a vector can tell: an excluded phrase it cannot."""
    wanted = itertools.chain(*(term.lexemes for term in alternative.wanted))
    excluded = itertools.chain(*(term.lexemes for term in alternative.excluded if len(term.lexemes) == 1))
    return f"({' & '.join([*wanted, *(f'!{lexeme}' for lexeme in excluded)])})"


def _exact(alternative: Alternative) -> str:
    return " AND ".join([SAYS] * len(alternative.wanted) + [f"NOT {SAYS}"] * len(alternative.excluded))


def _fts(alternative: Alternative) -> str:
    wanted = " AND ".join(term.fts for term in alternative.wanted)
    return f"({wanted})" + "".join(f" NOT {term.fts}" for term in alternative.excluded)
