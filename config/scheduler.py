"""The scheduler: Celery's own, which also goes on where this machine's clock is put back."""

import logging
from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler

logger = logging.getLogger(__name__)

TOLERANCE = timedelta(seconds=5)


class Scheduler(PersistentScheduler):
    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self.forget_the_future()
        return super().tick(*args, **kwargs)

    def forget_the_future(self) -> None:
        """What was sent at a time that is yet to come was sent now: else it would not be sent again until then."""
        ahead = [
            entry
            for entry in self.schedule.values()
            if entry.last_run_at and entry.last_run_at > entry.default_now() + TOLERANCE
        ]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            logger.warning("clock_put_back entries=%s", len(ahead))
            self._heap = None  # made anew by the next tick
