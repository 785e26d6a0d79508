"""Standing problems that staff must know of: reported for as long as they last, shown in Admin until resolved."""

from django.db.models import F, QuerySet
from django.utils import timezone

from platforms.models import StaffNotice


def report(key: str, text: str, shown_after: int = 1) -> None:
    """Say that the problem `key` is there (still); it is shown from the `shown_after`-th report in a row on."""
    now = timezone.now()
    standing = StaffNotice.objects.filter(key=key, resolved_at=None)
    if standing.update(text=text, last_seen_at=now, sightings=F("sightings") + 1):
        return
    afresh = {
        "text": text,
        "opened_at": now,
        "last_seen_at": now,
        "resolved_at": None,
        "sightings": 1,
        "shown_after": shown_after,
    }
    StaffNotice.objects.update_or_create(key=key, defaults=afresh)


def resolve(*keys: str) -> None:
    """Say that the problems are gone; nothing happens to those that were not there."""
    StaffNotice.objects.filter(key__in=keys, resolved_at=None).update(resolved_at=timezone.now())


def shown() -> QuerySet[StaffNotice]:
    """The notices that staff see now, oldest first."""
    return StaffNotice.objects.filter(resolved_at=None, sightings__gte=F("shown_after")).order_by("opened_at", "pk")
