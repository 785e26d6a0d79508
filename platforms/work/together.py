"""Doing many rows in one transaction. Whatever goes wrong with one undoes all, and each is then done by itself."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from platforms import metrics
from platforms.updates import update_each
from platforms.work.registry import Together, together_of

logger = logging.getLogger(__name__)


def do_together(jobs: list[Any]) -> list[Any]:
    """Those that are left, to be done one by one; of rows that were tried before, each may be what failed."""
    together = together_of(type(jobs[0])) if jobs else None
    if together is None:
        return jobs
    new = [job for job in jobs if job.attempts == 1]
    done: set[Any] = set()
    while len(new) > 1 and (did := _try(together, new)):
        done.update(did)
        new = [job for job in new if job not in done]
    return [job for job in jobs if job not in done]


def _try(together: Together, jobs: Sequence[Any]) -> Sequence[Any]:
    """Which of them are done: none where one failed, or was taken over meanwhile by another worker."""
    model, began = type(jobs[0]), time.monotonic()
    try:
        with transaction.atomic():
            done = together(jobs)
            if not _record(done):
                transaction.set_rollback(True)
                return []
    except Exception as error:  # noqa: BLE001  (each is tried by itself next, and its own error raised and recorded)
        logger.info("work_one_by_one model=%s rows=%s error=%s", model._meta.label, len(jobs), type(error).__name__)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        return []
    for _ in done:
        seconds = metrics.job_seconds.labels(model._meta.model_name, "ended")
        seconds.observe((time.monotonic() - began) / len(done))
    return done


def _record(done: Sequence[Any]) -> bool:
    """Write their outcome, unless another worker has one of them by now."""
    if not done:
        return True
    model, token = type(done[0]), done[0].lease_token
    outcome = {"state": model.State.DONE, "last_error": "", "finished_at": timezone.now()}
    outcome |= {"lease_until": None, "lease_token": None}
    return update_each(done, model.SAVED_FIELDS, outcome, lease_token=token) == len(done)
