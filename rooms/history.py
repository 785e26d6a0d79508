"""Who changes rooms and the rollout, and why: the library of history asks here for each record that it writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Doing:
    user: Any = None
    note: str = ""
    change: Any = None  # the decision that it is part of, a row of Change


_doing: ContextVar[Doing] = ContextVar("doing", default=Doing())  # noqa: B039  (it is frozen)


@contextmanager
def changed_by(user: Any, note: str = "", change: Any = None) -> Iterator[None]:
    """What is saved meanwhile, in this thread, is this person's doing."""
    token = _doing.set(Doing(user, note, change))
    try:
        yield
    finally:
        _doing.reset(token)


def doing() -> Doing:
    """Without a user in a shell or a command."""
    return _doing.get()


def changer(instance: Any, request: Any = None, **kwargs: Any) -> Any:
    """For the library of history."""
    return doing().user
