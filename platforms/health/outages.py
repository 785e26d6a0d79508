"""Platforms that are configured and do not work all the same: left alone by the breaker, or refusing what is asked."""

from datetime import datetime

from platforms.health import notices, states
from platforms.models import StaffNotice

REFUSING = "refusing"  # the key of the notice, before the platform: meetings cannot be opened there


def note_refusals(platform: str, label: str, number: int, error: str) -> None:
    notices.report(
        f"{REFUSING}:{platform}", f"The last {number} meetings could not be opened on {label}. The last time: {error}"
    )


def refusing_platforms() -> dict[str, datetime]:
    """Those of which staff are told that meetings cannot be opened there, and when they were told last."""
    standing = StaffNotice.objects.filter(key__startswith=f"{REFUSING}:", resolved_at=None)
    return {key.partition(":")[2]: at for key, at in standing.values_list("key", "last_seen_at")}


def note_openings(*platforms: str) -> None:
    """Say that meetings open there again."""
    notices.resolve(*(f"{REFUSING}:{platform}" for platform in platforms))


def troubled_platforms() -> set[str]:
    silent = {name for name, state in states.current().items() if state.open_since}
    return silent | set(refusing_platforms())
