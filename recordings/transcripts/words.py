"""What counts as a word to the search: the same on every database, as no database's own parser has a say.

A word is letters and digits with their marks, without case and in one spelling: full-width and half-width forms are the
same (NFKC), accents are left out, and letters of Latin that only some languages have are those that others write for
them. Scripts that put no spaces between words, and Korean, whose endings stick to its words, are taken character by
character, so that a word of theirs is a phrase of characters.

What is indexed is written by these rules: whoever changes them has a migration write it anew, as 0017 does.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

SHORTEST_START = 3  # characters
LONGEST = 200  # characters of a word that count; a pair of such words still fits into a PostgreSQL lexeme (2,046 bytes)

# Thai, Lao, Myanmar; Hangul's parts; Khmer; Japanese and Chinese, with the signs for repeating and for zero; Hangul.
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"
    "\u3005-\u3007\u3041-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff"
)
_RARE_SPACELESS = "\U00020000-\U0003ffff"  # seldom used Chinese characters


def _marks(codes: range) -> str:
    """Accents, vowel signs and the like, which are part of the letter before them; not the selectors of a glyph."""
    found = (chr(code) for code in codes if not 0xFE00 <= code <= 0xFE0F)
    return "".join(mark for mark in found if unicodedata.category(mark) in {"Mn", "Mc"})


def _pattern(spaceless: str, marks: str) -> re.Pattern[str]:
    return re.compile(rf"[^\W_{spaceless}]+(?:[{marks}]+[^\W_{spaceless}]*)*|[{spaceless}](?<=\w)[{marks}]*")


_MARKS, _RARE_MARKS = _marks(range(0x0300, 0x10000)), _marks(range(0x10000, 0x1F000))
_WORD = _pattern(SPACELESS, _MARKS)
# The same for the whole of Unicode: Python compares characters beyond U+FFFF one by one, sixty times as slowly.
_RARE = re.compile("[\U00010000-\U0001efff\U00020000-\U0003ffff]")
_RARE_WORD = _pattern(SPACELESS + _RARE_SPACELESS, _MARKS + _RARE_MARKS)
# The same again for plain English, which is all but letters and digits become spaces, ten times as fast.
_ASCII = {code: chr(code) if chr(code).isalnum() or chr(code) == "\n" else " " for code in range(128)}
_IS_SPACELESS = re.compile(rf"[{SPACELESS}{_RARE_SPACELESS}]")
# Signs that people leave out when they type: accents, and the points of Hebrew and Arabic. In other scripts a mark,
# such as a vowel's sign or the one that makes ga of ka, is as good as a letter.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_PIECE = re.compile(r"\s+|\S+")
# What the normal form may join: a character, and those after it that are written onto it.
_CLUSTER = re.compile(rf"(?s:.)[{_MARKS}{_RARE_MARKS}\u1160-\u11ff\uff9e\uff9f]*")


@dataclass(frozen=True)
class Located:
    """A word, and where in a text it stands."""

    word: str
    start: int
    end: int


def fold(text: str) -> str:
    """The text in the spelling in which words are compared; its lines stay lines."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)


def words(text: str) -> list[str]:
    return list(chain(*words_of_lines(text)))


def words_of_lines(text: str) -> list[list[str]]:
    """Those of each line."""
    folded = fold(text)
    if folded.isascii():
        return [_cut(line, line.split()) for line in folded.translate(_ASCII).split("\n")]
    return [_cut(line, _pattern_for(line).findall(line)) for line in folded.split("\n")]


def plain_lines(text: str) -> list[str] | None:
    """The lines of a text with a space before and after each word, and at places more; None where that is not plain
    English by then.

    In such a line a word is found as a text, many times as fast as among its words.
    """
    folded = fold(text)
    return f" {folded.translate(_ASCII)} ".replace("\n", " \n ").split("\n") if folded.isascii() else None


def may_go_on(word: str) -> bool:
    """Whether it may be the beginning of a longer word: one of a few letters would be that of too many."""
    return len(word) >= SHORTEST_START and not _IS_SPACELESS.match(word)


def in_a_row(found: Sequence[str]) -> str:
    """A text in which a phrase is found as a text: one space before, between and after all words."""
    return f" {' '.join(found)} " if found else ""


def lexemes(found: Sequence[str]) -> Iterator[tuple[str, int]]:
    """What an index holds for these words, each with the number of its word.

    Characters of a script without spaces come in pairs as well: alone, nearly every text has them.
    """
    for number, word in enumerate(found):
        yield word, number
        if pair := _pair(found, number):
            yield pair, number


def sought(found: Sequence[str]) -> list[tuple[str, int]]:
    """The fewest lexemes that a text has in which these words stand in a row, each with the number of its word."""
    pairs = [_pair(found, number) for number in range(len(found))]
    return [
        (pairs[number] or word, number)
        for number, word in enumerate(found)
        if pairs[number] or not number or not pairs[number - 1]
    ]


def located(text: str) -> list[Located]:
    """The words of a text as it is written, with their places in it."""
    folded, places = _fold_with_places(text)
    found = _pattern_for(folded).finditer(folded)
    return [Located(m.group()[:LONGEST], places[m.start()][0], places[m.end() - 1][1]) for m in found]


def _fold_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each character of it the first and the end of those that it stands for."""
    if _is_even(text, folded := fold(text)):
        return folded, [(at, at + 1) for at in range(len(text))]
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        parts.append(part := fold(text[start:end]))
        places += [(at, at + 1) for at in range(start, end)] if len(part) == end - start else [(start, end)] * len(part)
    return "".join(parts), places


def _is_even(text: str, folded: str) -> bool:
    """Whether each character became one."""
    return len(folded) == len(text) and unicodedata.is_normalized("NFKC", text) and not _ACCENTS.search(text)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """As few as are needed: most words of most texts are even."""
    for piece in _PIECE.finditer(text):
        if _is_even(piece.group(), fold(piece.group())):
            yield piece.span()
        else:
            yield from (cluster.span() for cluster in _CLUSTER.finditer(text, *piece.span()))


def _cut(line: str, found: list[str]) -> list[str]:
    return found if len(line) <= LONGEST else [word[:LONGEST] for word in found]


def _pattern_for(text: str) -> re.Pattern[str]:
    return _WORD if text.isascii() or not _RARE.search(text) else _RARE_WORD


def _pair(found: Sequence[str], number: int) -> str:
    following = found[number + 1 : number + 2]
    is_pair = following and _IS_SPACELESS.match(found[number]) and _IS_SPACELESS.match(following[0])
    return found[number] + following[0] if is_pair else ""
