"""Names and titles as people can see them."""

import re
import unicodedata

# They turn the order of what follows, also beyond the name: embeddings, overrides and isolates.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Letters by their kind, and blank: Hangul's fillers and Braille without a dot.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """The text without characters that turn others around; empty when nothing of it can be seen."""
    if text.isascii() and text.isprintable():
        return text if text.strip() else ""
    text = _TURNING.sub("", text)
    return text if any(map(_is_seen, text)) else ""


def _is_seen(character: str) -> bool:
    """Letters, digits, signs and what is private to a font; no spaces, no controls, no accent without its letter."""
    kind = unicodedata.category(character)
    return character not in _BLANK and (kind == "Co" or kind[0] in "LNPS")
