"""What is left on a platform on which no new meeting opens any more."""

import time

from django.db.models import Count

from meetings.models import Meeting
from platforms.pauses import shortened

LOOK_EVERY_SECONDS = 2.0


def left_on(platform: str) -> int:
    """Meetings that are live there, or opening."""
    return Meeting.objects.unfinished().filter(platform=platform).count()


def wait_until_none(platform: str, seconds: float) -> int:
    """How many are left when none is, or when the time is over."""
    deadline = time.monotonic() + seconds
    while (left := left_on(platform)) and time.monotonic() < deadline:
        time.sleep(min(shortened(LOOK_EVERY_SECONDS), max(0.0, deadline - time.monotonic())))
    return left


def live_by_platform() -> dict[str, int]:
    """By one query, from an index alone."""
    return dict(Meeting.objects.live().order_by().values_list("platform").annotate(number=Count("*")))
