"""Times and durations for people."""

from django.utils.translation import gettext as _


def as_clock(seconds: float) -> str:
    """A place in a recording: 1:02 or 1:00:02."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def as_words(seconds: float) -> str:
    """How long something took: 40 s, 5 min or 1 h 5 min."""
    if seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("{minutes} min").format(minutes=minutes)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=rest) if rest else f"{hours} h"
