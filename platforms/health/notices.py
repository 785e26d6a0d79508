"""Standing problems that staff must know of: reported for as long as they last, shown in Admin until resolved."""

from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from platforms.models import StaffNotice

WATCH = "watch"
SILENT = timedelta(minutes=4)
SILENCE = (
    "Nothing is done in the background any more: events, meetings and recordings wait. See whether the scheduler "
    "(celery beat), the workers (-Q quick) and their broker (CELERY_BROKER_URL or REDIS_URL) run."
)


def report(key: str, text: str, shown_after: int = 1, times: int = 1) -> None:
    """Say that the problem `key` was seen `times` times; it is shown from the `shown_after`-th sighting in a row on."""
    now = timezone.now()
    standing = StaffNotice.objects.filter(key=key, resolved_at=None)
    if standing.update(text=text, last_seen_at=now, sightings=F("sightings") + times):
        return
    afresh = {
        "text": text,
        "opened_at": now,
        "last_seen_at": now,
        "resolved_at": None,
        "sightings": times,
        "shown_after": shown_after,
    }
    StaffNotice.objects.update_or_create(key=key, defaults=afresh)


def resolve(*keys: str) -> None:
    """Say that the problems are gone; nothing happens to those that were not there."""
    StaffNotice.objects.filter(key__in=keys, resolved_at=None).update(resolved_at=timezone.now())


def note_watch() -> None:
    """Say that what runs in the background does run; the notice of its silence is ready, should this be the last time.

    It is no standing problem, so it counts as resolved.
    """
    now = timezone.now()
    times = {"opened_at": now, "last_seen_at": now, "resolved_at": now}
    StaffNotice.objects.update_or_create(key=WATCH, defaults={"text": SILENCE, **times})


def expect_watch() -> None:
    """Have the notice of its silence ready where the watch was never done, as no scheduler has ever run."""
    if not StaffNotice.objects.filter(key=WATCH).exists():
        now = timezone.now()
        times = {"opened_at": now, "last_seen_at": now, "resolved_at": now}
        StaffNotice.objects.get_or_create(key=WATCH, defaults={"text": SILENCE, **times})


def is_watch_silent() -> bool:
    return StaffNotice.objects.filter(_silence()).exists()


def shown() -> QuerySet[StaffNotice]:
    """The notices that staff see now, oldest first."""
    standing = Q(resolved_at=None, sightings__gte=F("shown_after"))
    return StaffNotice.objects.filter(standing | _silence()).order_by("opened_at", "pk")


def _silence() -> Q:
    return Q(key=WATCH, last_seen_at__lt=timezone.now() - SILENT)
