"""Platforms on which meetings cannot be opened, so that staff are told: counted over all processes, by their rows."""

from datetime import datetime, timedelta

from django.utils import timezone

from meetings.models import Meeting
from platforms.handler import platform_label
from platforms.health import outages
from rooms.models import Room

IN_A_ROW = 5  # openings
RECENT = timedelta(hours=1)
KEPT_PER_ROOM = 50  # failed openings


def tell(platform: str, error: str) -> None:
    """Call it after an opening has failed."""
    recent = Meeting.objects.filter(platform=platform, start_date__gt=timezone.now() - RECENT)
    failed = recent.filter(state=Meeting.State.FAILED).order_by("-start_date")
    dates = list(failed.values_list("start_date", flat=True)[:IN_A_ROW])
    if len(dates) == IN_A_ROW and not _has_opened(platform, since=dates[-1]):
        outages.note_refusals(platform, platform_label(platform), IN_A_ROW, error)


def forget_old(room: Room) -> None:
    """Anybody may try to open a room, so what failed must not fill the database."""
    failed = Meeting.objects.filter(room=room, state=Meeting.State.FAILED).order_by("-start_date", "-pk")
    if old := list(failed.values_list("pk", flat=True)[KEPT_PER_ROOM:][:KEPT_PER_ROOM]):
        Meeting.objects.filter(pk__in=old).delete()


def resolve() -> None:
    """Tell no longer of platforms on which a meeting has opened since."""
    for platform, told_at in outages.refusing_platforms().items():
        if _has_opened(platform, since=told_at):
            outages.note_openings(platform)


def _has_opened(platform: str, since: datetime) -> bool:
    return Meeting.objects.known_to_provider().filter(platform=platform, start_date__gt=since).exists()
