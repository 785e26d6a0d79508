"""Whether what the sandbox says has the shape of what the provider was seen, or is documented, to say.

Both are JSON. Keys must be the same; values of the same type and, where the recorded one has a form of its own (an id,
a time, an address), of that form. What may differ is written down in one place, as paths: `$.data[].duration`.
"""

import re
from dataclasses import dataclass

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# In order: the first that is found in a recorded text is what the other must have at the same place.
PIECES = [
    ("<hash>", r"[0-9a-f]{64}"),
    ("<uuid>", UUID),
    ("<time.ms>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    ("<time>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    ("<ms>", r"\b\d{13}\b"),
    ("<seconds>", r"\b\d{10}\b"),
    ("<eight digits>", r"\b\d{8}\b"),
]
PIECE = re.compile("|".join(f"({pattern})" for _, pattern in PIECES))


@dataclass(frozen=True)
class Notes:
    """What may differ, by path."""

    optional: frozenset[str] = frozenset()  # may be missing where it was recorded, and be there where it was not
    nullable: frozenset[str] = frozenset()  # may be null where it was not, and the other way round
    free: frozenset[str] = frozenset()  # text of no form, or whose form is the sandbox's own (an address)
    maps: frozenset[str] = frozenset()  # objects whose keys are data
    fractions: frozenset[str] = frozenset()  # numbers, whole or not, that were whole where they were recorded
    either: frozenset[str] = frozenset()  # of any type

    def __or__(self, other):
        names = ("optional", "nullable", "free", "maps", "fractions", "either")
        return Notes(*(getattr(self, name) | getattr(other, name) for name in names))


def notes(**paths):
    return Notes(**{name: frozenset(found.split()) for name, found in paths.items()})


def differences(actual, recorded, notes=Notes(), path="$"):
    """Sentences; none when the shapes agree."""
    if path in notes.either:
        return
    if actual is None or recorded is None:
        if (actual is None) != (recorded is None) and path not in notes.nullable:
            yield f"{path} is {actual!r}, was {recorded!r}"
    elif isinstance(recorded, dict):
        yield from _in_object(actual, recorded, notes, path)
    elif isinstance(recorded, list):
        yield from _in_array(actual, recorded, notes, path)
    elif not _same_type(actual, recorded, path in notes.fractions):
        yield f"{path} is a {type(actual).__name__}, was a {type(recorded).__name__}"
    elif isinstance(recorded, str) and path not in notes.free and form(actual) != form(recorded):
        yield f"{path} is {actual!r}, was {recorded!r}"


def _in_object(actual, recorded, notes, path):
    if not isinstance(actual, dict):
        yield f"{path} is no object"
    elif path in notes.maps:
        for value in actual.values():
            yield from differences(value, next(iter(recorded.values())), notes, f"{path}.*")
    else:
        for name in sorted(recorded.keys() ^ actual.keys()):
            if f"{path}.{name}" not in notes.optional:
                yield f"{path}.{name} is {'missing' if name in recorded else 'new'}"
        for name in recorded.keys() & actual.keys():
            yield from differences(actual[name], recorded[name], notes, f"{path}.{name}")


def _in_array(actual, recorded, notes, path):
    if not isinstance(actual, list):
        yield f"{path} is no array"
        return
    for item in actual:
        tried = [list(differences(item, one, notes, f"{path}[]")) for one in recorded]
        if tried and all(tried):
            yield from min(tried, key=len)
        if not tried:
            yield f"{path} was empty"


def _same_type(actual, recorded, may_have_fraction):
    """A fraction may be whole by chance; what was whole stays so."""
    if isinstance(recorded, float) or (may_have_fraction and type(recorded) is int):
        return type(actual) in {int, float}
    return type(actual) is type(recorded)


def form(text):
    """The text with its ids, times and numbers named; words by themselves have no form."""
    found = PIECE.sub(lambda match: PIECES[match.lastindex - 1][0], text)
    if found == text and not text.startswith("/"):
        return "words"
    return found
