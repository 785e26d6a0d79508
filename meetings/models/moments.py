"""Of several moments, some of which are not known: the first and the last."""

from datetime import datetime


def earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
