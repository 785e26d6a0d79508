"""What is due by a clock that was ahead, of a machine or of all of them, and has been put back."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from platforms.work.models import Job, job_models

logger = logging.getLogger(__name__)

TOLERANCE = timedelta(minutes=1)  # by which the clocks of machines may differ


def take_back_the_future() -> None:
    """Have rows be due now that would wait until the clock has caught up with when they were made or claimed."""
    now = timezone.now()
    for model in job_models():
        rows = from_the_future(model, now)
        if rows.exists():
            count = rows.update(
                next_attempt_at=Case(When(state=Job.State.WAITING, then=Value(now)), default="next_attempt_at"),
                lease_until=Case(When(state=Job.State.RUNNING, then=Value(now + model.LEASE)), default="lease_until"),
            )
            logger.warning("work_from_the_future model=%s rows=%s", model._meta.label, count)


def from_the_future(model: type[Job], now: datetime) -> QuerySet[Any]:
    latest = now + TOLERANCE
    made_then = Q(state=Job.State.WAITING, next_attempt_at__gt=latest, **{f"{model.MADE_AT}__gt": latest})
    return model.rows().filter(made_then | Q(state=Job.State.RUNNING, lease_until__gt=latest + model.LEASE))
