"""What somebody may have meant whose words are found nowhere: the nearest words that were said."""

from difflib import get_close_matches
from itertools import chain

from platforms.listing import NEWEST_FIRST, Listing
from recordings.models import SearchDocument, Transcript
from recordings.transcripts import search
from recordings.transcripts.words import located

DOCUMENTS = 50  # the newest, whose words are looked at
MOST_WORDS = 8  # of a query
SHORTEST = 4  # characters: of shorter words too many are near
CUTOFF = 0.75  # of difflib's ratio
LONGER_OR_SHORTER = 2  # characters


def meant(transcripts: Listing[Transcript], text: str) -> str:
    """The query with other words, by which something is found among these transcripts; "" where there is none."""
    newest = transcripts.order_by(*NEWEST_FIRST).keys(0, DOCUMENTS)
    rows = SearchDocument.objects.filter(transcript__in=newest)
    said = {
        word
        for word in chain(*(row.split() for words in rows.values_list("title_words", "body_words") for row in words))
        if len(word) >= SHORTEST
    }
    other = text
    for found in reversed(located(text)[:MOST_WORDS]):
        if nearest := _nearest(found.word, said):
            other = other[: found.start] + nearest + other[found.end :]
    if other == text or not search.ranked(transcripts, search.Query.parse(other), 1, 0)[1]:
        return ""
    return other


def _nearest(word: str, said: set[str]) -> str:
    """Another word; none for one that is a word that was said, or the beginning of one."""
    if len(word) < SHORTEST or any(other.startswith(word) for other in said):
        return ""
    alike = [other for other in said if abs(len(other) - len(word)) <= LONGER_OR_SHORTER]
    return next(iter(get_close_matches(word, sorted(alike), 1, CUTOFF)), "")
