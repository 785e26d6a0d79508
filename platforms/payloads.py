"""Reading what providers send, whatever it holds: nothing here raises, and nothing here returns what cannot be stored.

A body that is authentic can still be odd: numbers as text, times in three notations, NaN, nulls, other shapes.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TEXT_LIMIT = 255  # characters; what the database columns for a provider's ids and names hold
LARGEST_INTEGER = 2**63 - 1  # what a database holds
MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138
LONGEST_DURATION_SECONDS = 366 * 24 * 3600  # what claims to be longer says nothing
FIRST_YEAR, LAST_YEAR = 2000, 2100  # a time outside says nothing, and would overflow when reckoned with


def load(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty for anything else. Bytes that are not UTF-8 become U+FFFD."""
    try:
        value = json.loads(
            body.decode("utf-8-sig", "replace"), parse_int=_parse_int, parse_float=number, parse_constant=_nothing
        )
    except (ValueError, RecursionError):
        return {}
    return mapping(value)


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text(source: Mapping[str, Any], *names: str, limit: int = TEXT_LIMIT) -> str:
    """The first of the named fields that holds text or a whole number, fit to be stored; "" when none does."""
    for name in names:
        if found := _as_text(source.get(name)):
            return found[:limit]
    return ""


def number(value: Any) -> float | None:
    """A finite number, also one that is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def integer(value: Any) -> int | None:
    """A whole number that a database can hold; what follows the decimal point is cut off."""
    if isinstance(value, bool) or not isinstance(value, int):
        found = number(value)
        if found is None:
            return None
        value = int(found)
    return int(value) if abs(value) <= LARGEST_INTEGER else None


def moment(value: Any) -> datetime | None:
    """An aware time in UTC, from Unix seconds or milliseconds, as number or text, or from ISO 8601 (naive is UTC)."""
    try:
        seconds = number(value)
        if seconds is not None:
            found = datetime.fromtimestamp(seconds / 1000 if seconds > MILLISECONDS_FROM else seconds, UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def first_moment(source: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of the named fields that holds a time."""
    return next(filter(None, (moment(source.get(name)) for name in names)), None)


def after(start: datetime | None, seconds: Any) -> datetime | None:
    """The end of what began at `start` and lasted so long; None where that is not said, or cannot be."""
    duration = number(seconds)
    if start is None or duration is None or not 0 <= duration <= LONGEST_DURATION_SECONDS:
        return None
    return start + timedelta(seconds=duration)


def objects(answer: Any, name: str) -> list[dict[str, Any]] | None:
    """The objects of a list, bare or under `name`; None for what is no list."""
    items = answer.get(name) if isinstance(answer, dict) else answer
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else None


def key_of(*parts: str | bytes) -> str:
    """A digest that is equal only for equal parts: the key by which a repeated event is known."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


def _as_text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "" if integer(value) is None else str(value)
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _parse_int(digits: str) -> int | None:
    # Python refuses to convert thousands of digits; the event is more than the one number it holds.
    return int(digits) if len(digits) <= 20 else None


def _nothing(constant: str) -> None:
    """NaN and Infinity are not JSON and stand for nothing."""
