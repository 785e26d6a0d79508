"""How long calls to providers may take together, for who makes several of them while somebody waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float] = ContextVar("until", default=float("inf"))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """No call that is made meanwhile, in this thread, goes on for longer than that, counted from now."""
    token = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(token)


def deadline_of(seconds: float) -> float:
    """When a call must be over that may take so long, by the monotonic clock."""
    return min(_until.get(), time.monotonic() + seconds)
