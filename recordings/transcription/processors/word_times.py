"""The times of words, as speech models tell them, for the words of a text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from recordings.transcription.processors.base import Word

_SIGNS = re.compile(r"[\W_]+")


def words_of(tokens: Iterable[Word]) -> list[Word]:
    """From a model's own words, of which each has the space before it."""
    found = [token for token in tokens if token.text.strip()]
    texts = [token.text.strip() for token in found]
    spaces = [" " if after.text[0].isspace() else "" for _, after in pairwise(found)]
    return [
        Word(token.start, token.end, text + space)
        for token, text, space in zip(found, texts, [*spaces, ""], strict=False)
    ]


def aligned(texts: Sequence[str], spoken: Sequence[Word]) -> Iterator[list[Word]]:
    """The words of each text, which follow one another, from one list for all that may lack the punctuation.

    A text whose words are not those of the list has none, nor do those after it.
    """
    at = 0
    for text in texts:
        written = text.split()
        times = spoken[at : at + len(written)]
        at += len(written)
        if list(map(_bare, written)) != [_bare(word.text) for word in times]:
            at = len(spoken)
            yield []
            continue
        spaced = [*(f"{word} " for word in written[:-1]), *written[-1:]]
        yield [Word(time.start, time.end, word) for time, word in zip(times, spaced, strict=True)]


def _bare(word: str) -> str:
    return _SIGNS.sub("", word).casefold()
