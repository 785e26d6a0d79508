"""PostgreSQL's search vector of a document: it holds what `transcripts.words` finds, and no other parser has a say."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db import DataError, OperationalError, transaction

from platforms.work.database import is_away
from recordings.transcripts.words import lexemes

# https://www.postgresql.org/docs/current/textsearch-limitations.html: all words after it count as if they stood there.
# The place before is left empty, or each of them would seem to follow the word on it.
LAST_PLACE = 16_383
UPDATE = "UPDATE recordings_searchdocument SET vector = %s::tsvector WHERE id = %s"


def write_vector(connection: Any, pk: int, title_words: str, body_words: str) -> None:
    """Other databases make their index themselves, by triggers."""
    if connection.vendor != "postgresql":
        return
    title, body = title_words.split(), body_words.split()
    while True:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(UPDATE, [_vector(title, body), pk])
        except (OperationalError, DataError) as error:
            # More different words than a vector can hold (1 MB): the first half is better than nothing.
            if is_away(error) or len(body) < 100:
                raise
            del body[len(body) // 2 :]
        else:
            return


def _vector(title: list[str], body: list[str]) -> str:
    """https://www.postgresql.org/docs/current/datatype-textsearch.html: `word:place` and how much it weighs.

    There is a place without a word between the two, so that no phrase goes from the one into the other.
    """
    places = chain(_places(title, 1, "A"), _places(body, len(title) + 2, "B"))
    return " ".join(places)


def _places(words: list[str], first: int, weight: str) -> Iterator[str]:
    for lexeme, number in lexemes(words):
        place = first + number
        yield f"{lexeme}:{place if place < LAST_PLACE - 1 else LAST_PLACE}{weight}"
