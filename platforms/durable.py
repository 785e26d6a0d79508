"""Rows that are work: what must happen is in the database, and a queue message is only a nudge to look at a row.

A worker claims a row by a conditional update, does the work outside any transaction, and records the outcome under
the token of its claim, so that a worker whose lease ran out cannot overwrite the one that took over.
"""

import logging
import random
import time
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from platforms import nudges
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, UnsupportedCapability

logger = logging.getLogger(__name__)

FINAL_ERRORS = (PlatformRejected, PlatformNotConfigured, UnsupportedCapability)
ERROR_LIMIT = 1000  # characters
BATCH = 100  # rows looked up at a time


class Unmatched(Exception):
    """What the work is about is not known here yet: it is tried again for a while, then rests as unmatched."""


class WorkQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """Rows to be looked at: waiting ones whose time has come, and running ones whose worker went away."""
        waiting = models.Q(state=Work.State.WAITING, next_attempt_at__lte=now)
        abandoned = models.Q(state=Work.State.RUNNING, lease_until__lte=now)
        return self.filter(waiting | abandoned)

    def run_again(self) -> int:
        """Put rows back to the start, whatever became of them."""
        return self.exclude(state=Work.State.RUNNING).update(
            state=Work.State.WAITING, attempts=0, next_attempt_at=timezone.now(), last_error=""
        )


class Work(models.Model):
    """What must be done once, with its state; subclasses say how in `perform`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        UNMATCHED = "unmatched"

    LEASE: ClassVar[timedelta] = timedelta(seconds=60)
    MAX_ATTEMPTS: ClassVar[int] = 12
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=5)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(hours=1)
    QUEUE: ClassVar[str] = "quick"
    # Whether one worker goes through all due rows on one nudge; else each row is a task of its own.
    DRAINED: ClassVar[bool] = False

    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True

    def perform(self) -> None:
        """Do the work; may be called again after a crash at any point. FINAL_ERRORS are not tried again."""
        raise NotImplementedError

    def nudge_on_commit(self) -> None:
        """Tell a worker, once the row is there to be seen. Never blocks; the sweep finds what got lost."""
        transaction.on_commit(lambda: nudges.send(type(self), self.pk))

    @classmethod
    def run(cls, pk: Any) -> bool:
        """Claim one row and perform it. False when there was nothing to do: done, taken, or not due yet."""
        work = cls._claim(pk)
        if work is None:
            return False
        try:
            work.perform()
        except FINAL_ERRORS as error:
            work._record(state=cls.State.FAILED, last_error=_text(error), finished_at=timezone.now())
        except Unmatched as error:
            work._retry_later(error, finally_=cls.State.UNMATCHED)
        except Exception as error:
            work._retry_later(error)
            raise
        else:
            work._record(state=cls.State.DONE, last_error="", finished_at=timezone.now())
        return True

    @classmethod
    def _claim(cls, pk: Any) -> Self | None:
        now = timezone.now()
        token = uuid.uuid4()
        claimed = (
            cls._default_manager.due(now)
            .filter(pk=pk)
            .update(
                state=cls.State.RUNNING,
                attempts=models.F("attempts") + 1,
                lease_until=now + cls.LEASE,
                lease_token=token,
            )
        )
        return cls._default_manager.get(pk=pk) if claimed else None  # type: ignore[return-value]

    def _retry_later(self, error: Exception, finally_: State = State.FAILED) -> None:
        if self.attempts >= self.MAX_ATTEMPTS:
            self._record(state=finally_, last_error=_text(error), finished_at=timezone.now())
            return
        pause = min(self.FIRST_PAUSE * 2 ** (self.attempts - 1), self.LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)
        self._record(state=self.State.WAITING, last_error=_text(error), next_attempt_at=timezone.now() + pause)

    def _record(self, **outcome: Any) -> bool:
        """Write the outcome, unless another worker has taken the row over meanwhile."""
        mine = type(self)._default_manager.filter(pk=self.pk, lease_token=self.lease_token)
        return bool(mine.update(lease_until=None, lease_token=None, **outcome))


def work_models() -> list[type[Work]]:
    return [model for model in apps.get_models() if issubclass(model, Work)]


def run_due(model: type[Work], seconds: float = 30) -> int:
    """Perform all due rows of a model, oldest first, until none is left or the time is over. How many were done.

    A row that fails is recorded and logged, and the others go on.
    """
    started = time.monotonic()
    done = 0
    while pks := list(
        model._default_manager.due(timezone.now())
        .order_by("next_attempt_at", "pk")[:BATCH]
        .values_list("pk", flat=True)
    ):
        for pk in pks:
            if time.monotonic() - started > seconds:
                nudges.send(model, pk)
                return done
            try:
                done += model.run(pk)
            except Exception:  # the task's boundary: `run` has recorded it on the row
                logger.exception("work_failed model=%s pk=%s", model._meta.label, pk)
    return done


def sweep(limit: int = 1000) -> None:
    """Nudge the workers about every due row, oldest first, at most `limit` of a model."""
    now = timezone.now()
    for model in work_models():
        due = model._default_manager.due(now).order_by("next_attempt_at").values_list("pk", flat=True)
        for pk in due[: 1 if model.DRAINED else limit]:
            nudges.send(model, pk)


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:ERROR_LIMIT]
