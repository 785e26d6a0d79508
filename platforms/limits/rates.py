"""How often one caller may do it, by name: LIMITS in the settings has the numbers."""

import math
import time

from django.conf import settings

from platforms.limits.counters import counter

WHAT = {
    "openings": "meetings opened from here",
    "joins": "meetings joined from here",
    "consents": "answers about being recorded from here",
    "uploads": "pieces uploaded from here",
    "emails": "e-mails asked for from here",
    "resets": "links for a new password of this account",
    "refused webhooks": "deliveries that cannot be verified from here",
}


class TooMany(Exception):
    """The text is for the caller."""

    def __init__(self, name: str, seconds_left: float) -> None:
        self.seconds_left = max(1, math.ceil(seconds_left))
        super().__init__(f"Too many {WHAT[name]}. Please try again in {_in_words(self.seconds_left)}.")


def count(name: str, caller: str) -> None:
    """Raises TooMany. Of time, each stretch of the limit's length has a count of its own."""
    limit, seconds = settings.LIMITS[name]
    if not limit:
        return
    now = time.time()
    window = int(now // seconds)
    if counter().add(f"{name} {caller}", window, seconds) > limit:
        raise TooMany(name, (window + 1) * seconds - now)


def _in_words(seconds: int) -> str:
    if seconds > 120:
        return f"{math.ceil(seconds / 60)} minutes"
    return "a second" if seconds == 1 else f"{seconds} seconds"
