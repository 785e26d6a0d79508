"""Where in a text the terms of a search stand. Words are compared as the index compares them."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain

from recordings.transcripts.search import Query
from recordings.transcripts.words import in_a_row, located, plain_lines, words, words_of_lines

SNIPPETS = 3  # of one transcript, unless more are asked for
AROUND = 80  # characters of context on each side
SNIPPET_LIMIT = 400  # characters

Span = tuple[int, int]  # the first, and the one after the last


def snippets(body: str, query: Query) -> tuple[list[str], int]:
    """Some places at which it matches, as plain text, and how many segments match in all."""
    places, count = matching_lines(body, query)
    return list(places.values()), count


def matching_lines(body: str, query: Query, most: int = SNIPPETS) -> tuple[dict[int, str], int]:
    """The same, with the number of each line: 0 is the first segment, in the order of time.

    A phrase may go on in the next segment, which is then shown with it.
    """
    found = plain_lines_with(body, query, most)
    return lines_among_words(body, query, most) if found is None else found


def lines_among_words(body: str, query: Query, most: int) -> tuple[dict[int, str], int]:
    lines = words_of_lines(body)
    ends = list(accumulate(map(len, lines)))
    found: dict[int, int] = {}
    for first, after in _matches(list(chain(*lines)), query):
        line, last = bisect_right(ends, first), bisect_right(ends, after - 1)
        found[line] = max(last, found.get(line, line))
    shown = sorted(found.items())[:most]
    written = body.split("\n")
    return {line: _snippet("\n".join(written[line : last + 1]), query) for line, last in shown}, len(found)


def plain_lines_with(body: str, query: Query, most: int) -> tuple[dict[int, str], int] | None:
    """The same, soon told where words are plain and none is sought that goes on in the next line; else None."""
    lines = plain_lines(body) if query.is_of_words else None
    if lines is None:
        return None
    rows = query.rows
    if len(rows) == 1:
        [row] = rows
        found = [number for number, line in enumerate(lines) if row in line]
    else:
        found = [number for number, line in enumerate(lines) if any(row in line for row in rows)]
    shown = found[:most]
    written = body.split("\n", shown[-1] + 1) if shown else []
    return {number: _plain_snippet(written[number], lines[number], query) for number in shown}, len(found)


def _plain_snippet(text: str, line: str, query: Query) -> str:
    """`line` is what is sought in: a space comes before what the text begins with."""
    if not text.isascii():
        return _snippet(text, query)
    start = min([place for row in query.rows if (place := line.find(row)) >= 0])
    return _around(text, start, line.index(" ", start + 1) - 1)


def spans(text: str, query: Query) -> list[Span]:
    """Where any of the wanted terms stands, in order; what overlaps is one."""
    row = in_a_row(words(text))
    if not any(sought in row for sought in query.rows):  # soon told, and so of most texts
        return []
    found = located(text)
    merged: list[Span] = []
    for first, after in sorted(_matches([word.word for word in found], query)):
        start, end = found[first].start, found[after - 1].end
        if merged and start < merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged


def _matches(found: list[str], query: Query) -> Iterator[Span]:
    """By the numbers of the words."""
    row = in_a_row(found)
    for term in query.wanted():
        sought, length = term.row, len(term.words)
        number, before = 0, 0
        while (place := row.find(sought, before)) >= 0:
            number += row.count(" ", before, place)
            yield number, number + length
            # The space at its end may be the one at the beginning of the next.
            number, before = number + 1, place + 1


def _snippet(text: str, query: Query) -> str:
    return _around(text, *next(iter(spans(text, query)), (0, 0)))


def _around(text: str, start: int, end: int) -> str:
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    return ("…" if first else "") + text[first:last][:SNIPPET_LIMIT].strip() + ("…" if last < len(text) else "")
