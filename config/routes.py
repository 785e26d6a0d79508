"""Routes in groups by how many parts they have, so that Django tries few of them for a request: it tries one after the
other, and the API has a hundred.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from django.urls import URLPattern, URLResolver


class Slashes:
    """Stands where a group has its prefix, which is empty: all its routes have so many slashes, and so has the path."""

    name = None
    regex = re.compile("")
    converters: dict[str, Any] = {}

    def __init__(self, count: int) -> None:
        self._count = count

    def match(self, path: str) -> tuple[str, tuple[()], dict[str, Any]] | None:
        return (path, (), {}) if path.count("/") == self._count else None

    def check(self) -> list[Any]:
        return []

    def describe(self) -> str:
        return f"with {self._count} slashes"

    def __str__(self) -> str:
        return ""


def grouped(*routes: Sequence[URLPattern]) -> list[URLResolver]:
    """All of them, in their order within each group. None may take a part of any length, as <path:name> does."""
    groups: dict[int, list[URLPattern]] = defaultdict(list)
    for pattern in (pattern for some in routes for pattern in some):
        if "<path:" in str(pattern.pattern):
            raise ValueError(f"{pattern.pattern} has no certain number of parts.")
        groups[str(pattern.pattern).count("/")].append(pattern)
    return [URLResolver(cast(Any, Slashes(count)), found) for count, found in groups.items()]
