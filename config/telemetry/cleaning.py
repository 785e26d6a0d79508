"""Texts without what is secret in them: what settings hold as such, and what looks like it."""

import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

from config.environment import secrets_read

HIDDEN = "[hidden]"
SHORTEST_SECRET, SHORTEST_PART = 6, 12  # characters; a shorter one is a word that may stand anywhere
# An address keeps its host: what follows may be a signed link, and what stands before it a password.
ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@'\"]*@)?([\w.-]+(?::\d+)?)[^\s'\"<>)]*", re.IGNORECASE)
QUERY = re.compile(r"\?[^\s'\"<>)]*")
LOOKS_SECRET = (
    re.compile(r"\b(?:bearer|basic|token)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),  # an e-mail address
    re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),  # a signed token
    re.compile(r"[\w+/=-]{32,}"),
)


def cleaned(text: str, others: Sequence[str] = ()) -> str:
    """`others` are hidden as well."""
    for secret in [*_secrets(), *others]:
        text = text.replace(secret, HIDDEN)
    text = ADDRESS.sub(r"\1\2/…", text)
    text = QUERY.sub("?…", text)
    for pattern in LOOKS_SECRET:
        text = pattern.sub(HIDDEN, text)
    return text


@cache
def _secrets() -> list[str]:
    """The longest first, as one may be a part of another."""
    values = {*secrets_read, settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS}
    wholes = {value for value in values if len(value) >= SHORTEST_SECRET}
    parts = {part for value in values for part in _parts(value) if len(part) >= SHORTEST_PART}
    return sorted(wholes | parts, key=len, reverse=True)


def _parts(value: str) -> Sequence[str]:
    """What of it may be said alone: a line of a key, one of several, or the password or the path of an address."""
    if "://" not in value:
        return re.split(r"\\n|[\s,:]+", value)
    parts = urlsplit(value)
    return [parts.password or "", parts.path, parts.query]
