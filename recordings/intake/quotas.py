"""How much one person may have transcribed of what they upload: it costs hours of a worker, or money."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from recordings.models import Recording

PERIOD = timedelta(days=1)
USED_UP = "No more audio may be uploaded today"


class QuotaUsedUp(Exception):
    """`seconds_left` until there is room for some again."""

    def __init__(self, seconds_left: float) -> None:
        super().__init__(USED_UP)
        self.seconds_left = seconds_left


def require_hours(user: Any, seconds: float = 0.0) -> None:
    """For a file that lasts so long. All who are not signed in share one quota. Raises QuotaUsedUp."""
    recent = Recording.objects.filter(
        kind=Recording.Kind.UPLOAD, uploaded_by=user, created_at__gt=timezone.now() - PERIOD
    )
    left = settings.UPLOAD_HOURS_PER_DAY * 3600 - (recent.aggregate(seconds=Sum("duration"))["seconds"] or 0.0)
    if left <= 0 or seconds > left:
        oldest: datetime | None = recent.order_by("created_at").values_list("created_at", flat=True).first()
        raise QuotaUsedUp((oldest + PERIOD - timezone.now()).total_seconds() if oldest else PERIOD.total_seconds())
