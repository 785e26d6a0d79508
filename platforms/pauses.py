"""Waits that nobody should sit through in tests and drills."""

from django.conf import settings


def shortened(seconds: float) -> float:
    """What is left of a wait: all of it in production."""
    return seconds / settings.WAIT_DIVISOR
