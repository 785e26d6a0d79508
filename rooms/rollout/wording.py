"""Numbers as the rollout's sentences say them."""

from datetime import timedelta

from rooms.rollout.evidence import Counts


def percent(value: float) -> str:
    digits = 0 if value == 0 or value >= 0.1 else 1
    return f"{value * 100:.{digits}f} %"


def points(value: float) -> str:
    return f"{value * 100:.1f} percentage points"


def share(counts: Counts) -> str:
    of = f"{counts.bad:,} of {counts.total:,}"
    return f"{of} ({percent(counts.share)})" if counts.total else "none"


def milliseconds(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def lasting(time: timedelta) -> str:
    """The two largest units at most: 1 h 10 min; a whole plan is told in hours, as it is set."""
    seconds = max(0, int(time.total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
    return f"{minutes} min" if minutes else f"{seconds} s"
