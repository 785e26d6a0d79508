"""How many recordings of each platform wait, failed, or belong to no meeting that is known."""

from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, Q
from django.utils import timezone

from recordings.models import Recording

RECENT = timedelta(days=30)
State = Recording.State
WAITING = (State.REPORTED, State.FETCHING, State.STORED, State.PROCESSING)


@dataclass(frozen=True)
class Backlog:
    waiting: int = 0
    failed: int = 0  # of the last 30 days, as the next
    unmatched: int = 0


def by_platform() -> dict[str, Backlog]:
    """By one query, which looks at no recording that is done."""
    recent = Q(created_at__gt=timezone.now() - RECENT)
    kinds = {
        "waiting": Q(state__in=WAITING),
        "failed": Q(state=State.FAILED) & recent,
        "unmatched": Q(state=State.UNMATCHED) & recent,
    }
    rows = Recording.objects.filter(reduce(or_, kinds.values())).order_by().values("platform")
    counted = rows.annotate(**{name: Count("pk", filter=kind) for name, kind in kinds.items()})
    return {platform: Backlog(*numbers) for platform, *numbers in counted.values_list("platform", *kinds)}
