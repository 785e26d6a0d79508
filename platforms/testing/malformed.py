"""What no provider and no user should send, for tests of whatever takes it in."""

import json
from collections.abc import Iterator
from typing import Any

HOSTILE_PREFIXES = [
    *("", " ", "-", "-----", "_", "UPPER", "a b\tc", "Ünï çødé", "日本", "💥", "../../etc", "a'/..?#%", "/x", "a--b"),
    *("x" * 300, "é" * 300, "x" * 38 + "-", "a\x00b", "a\ud800b", "\n"),
]

# Authentic but useless: each must be taken in without an error.
MALFORMED_BODIES = [
    *(b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[{}]", b"{", b"not json", b"\xff\xfe\x00", b"\x00"),
    *(b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b'{"id":' + b"9" * 5_000 + b"}", b"\xef\xbb\xbf{}"),
    *(b'{"type":null,"id":null,"data":null,"payload":null}', b'{"type":{},"id":[],"data":"x","payload":7}'),
    *(b'{"id":"\\u0000","type":"\\ud800","data":{"roomName":"\\udfff"}}', b'{"createdAt":NaN,"event_ts":-Infinity}'),
    *(b'{"createdAt":1e400,"event_ts":1e400}', b'{"createdAt":"9999-99-99","event_ts":"x"}', b'{"event_ts":1e300}'),
]
MALFORMED_VALUES = [
    *(b"null", b"true", b"-1", b"1e400", b"NaN", b'"\\u0000"', b'"\\ud800"', b"[]", b"{}", b"[null]", b'[[{"a":[]}]]'),
    *(b"9" * 5_000, b'"' + b"x" * 5_000 + b'"', b'{"room":{"name":{}}}', b'"0001-01-01T00:00:00+14:00"', b'"\xff"'),
]


def damaged(payload: Any) -> Iterator[bytes]:
    """The payload with one field after the other missing, or holding something else."""
    for path in _paths(payload):
        yield json.dumps(_with(payload, path, None)).encode()
        marked = json.dumps(_with(payload, path, "@here@"), ensure_ascii=False).encode()
        for value in MALFORMED_VALUES:
            yield marked.replace(b'"@here@"', value)


def _paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name in value:
            yield (*above, name)
            yield from _paths(value[name], (*above, name))


def _with(value: Any, path: tuple[str, ...], new: str | None) -> Any:
    if not path:
        return new
    changed = {**value, path[0]: _with(value[path[0]], path[1:], new)}
    return {name: held for name, held in changed.items() if held is not None or len(path) > 1 or name != path[0]}
