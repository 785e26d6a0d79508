"""A text in pieces, so that a template can mark some of them and escape all."""

from recordings.transcripts import matches, search

Piece = tuple[str, bool]  # a text, and whether it is what was looked for


def marked(text: str, query: search.Query) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for first, after in matches.spans(text, query):
        pieces += [(text[end:first], False), (text[first:after], True)]
        end = after
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]
