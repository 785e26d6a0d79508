"""What every opening of a meeting reads of staff's decisions, kept in each process for as long as it is true.

The rollout and the platforms' states are rows. Who writes one of them calls `renew` in the same transaction; who reads
them asks for the revision, which is one row, and reads them anew only where it is another. No cache is asked, so that
none can be wrong or away.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from platforms.models import Revision
from platforms.statements import Asked, Statement, ask

T = TypeVar("T")

_ONLY = Statement(lambda: Revision.objects.filter(pk=Revision.ONLY))


def renew() -> None:
    """Make every process read anew. Call it in the transaction that changes what is read."""
    Revision.objects.update_or_create(pk=Revision.ONLY, defaults={"token": uuid.uuid4().hex})


def current() -> str:
    """The same for as long as nothing was changed. It is never used twice, a change that is rolled back included."""
    [rows] = ask(asked())
    return token_of(rows)


def asked() -> Asked:
    """The same, to be asked together with other statements; `token_of` tells it from what they give."""
    return _ONLY.asked()


def token_of(rows: Sequence[Revision]) -> str:
    return rows[0].token if rows else ""


class Cached(Generic[T]):
    """What `read` gives, read again in this process when the revision is another."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._held: tuple[str, T] | None = None

    def get(self, revision: str | None = None) -> T:
        """`revision` is the present one, where the caller has asked for it already."""
        revision = current() if revision is None else revision
        held = self._held
        if held is None or held[0] != revision:
            held = self._held = (revision, self._read())
        return held[1]
