"""Rows that are work: what must happen is in the database, and a queue message is only a nudge to look at a row.

A worker claims rows by a conditional update, does the work, and records the outcome under the token of its claim, so
that a worker whose lease ran out cannot overwrite the one that took over.
"""

import logging
import random
import time
import uuid
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from platforms import nudges
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, UnsupportedCapability

logger = logging.getLogger(__name__)

ERROR_LIMIT = 1000  # characters
BATCH = 50  # rows claimed at a time by a worker that drains


class Unmatched(Exception):
    """What the work is about is not known here yet: it is tried again for a while, then rests as unmatched."""


class Awaited(Exception):
    """Somebody else was asked to do it and will tell; if not within `retry_after` seconds, it is asked for again."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeaseLost(Exception):
    """Another worker has taken the row over: what this one did is not to be kept."""


class WorkersLost(Exception):
    """Every worker that began this went away before it had ended: it is not begun again."""


FINAL_ERRORS = (PlatformRejected, PlatformNotConfigured, UnsupportedCapability, WorkersLost)


class WorkQuerySet(models.QuerySet[Any]):
    def waiting(self, now: datetime) -> Self:
        return self.filter(state=Work.State.WAITING, next_attempt_at__lte=now)

    def abandoned(self, now: datetime) -> Self:
        """Rows whose worker went away."""
        return self.filter(state=Work.State.RUNNING, lease_until__lte=now)

    def due(self, now: datetime) -> Self:
        return self.waiting(now) | self.abandoned(now)

    def run_again(self) -> int:
        """Put rows back to the start, whatever became of them."""
        return self.exclude(state=Work.State.RUNNING).update(
            state=Work.State.WAITING, attempts=0, next_attempt_at=timezone.now(), last_error="", finished_at=None
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
    # Seconds after which a worker is broken off at one row; the row is then taken up again.
    TIME_LIMIT: ClassVar[int] = 60
    # Whether one worker goes through all due rows on one nudge; else each row is a task of its own.
    DRAINED: ClassVar[bool] = False
    # Whether the work writes to the database and does nothing else: it and its outcome are then one transaction.
    ATOMIC: ClassVar[bool] = False
    # Fields that `perform` sets and that are written together with the outcome, whichever it is.
    NOTED: ClassVar[tuple[str, ...]] = ()

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

    def on_given_up(self, error: Exception) -> None:
        """The work will not be tried again: what this writes is one transaction with that outcome."""

    def renew(self) -> None:
        """Keep the row for another LEASE, from now. Raises LeaseLost when another worker has taken it over."""
        if not self._mine().update(lease_until=timezone.now() + self.LEASE):
            raise LeaseLost

    def nudge_on_commit(self) -> None:
        """Tell a worker, once the row is there to be seen. Never blocks; the sweep finds what got lost."""
        transaction.on_commit(lambda: nudges.send(type(self), self.pk))

    @classmethod
    def run(cls, pk: Any) -> bool:
        """Claim one row and perform it. False when there was nothing to do: done, taken, or not due yet."""
        claimed = cls._claim(cls._default_manager.due(timezone.now()).filter(pk=pk), 1)
        for work in claimed:
            work._attempt()
        return bool(claimed)

    @classmethod
    def claim_next(cls) -> list[Self]:
        """Take the oldest due rows: some that wait, or one that was abandoned.

        One at a time, because a row that kills its worker would take its neighbours along again and again.
        """
        rows, now = cls._default_manager.all(), timezone.now()
        return cls._claim(rows.abandoned(now), 1) or cls._claim(rows.waiting(now), BATCH)

    @classmethod
    def _claim(cls, due: WorkQuerySet, limit: int) -> list[Self]:
        token = uuid.uuid4()
        oldest = due.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:limit]
        with transaction.atomic():
            # Where rows cannot be locked, the transaction itself keeps other writers out (see DATABASES).
            pks = list(oldest.select_for_update(skip_locked=True))
            if not pks:
                return []
            due.filter(pk__in=pks).update(
                state=cls.State.RUNNING,
                attempts=models.F("attempts") + 1,
                lease_until=timezone.now() + cls.LEASE,
                lease_token=token,
            )
        return list(cls._default_manager.filter(pk__in=pks, lease_token=token).order_by("next_attempt_at", "pk"))

    def _attempt(self) -> None:
        if self._is_overdue():
            return
        try:
            if self.attempts > self.MAX_ATTEMPTS:
                raise WorkersLost("Every worker that began this went away before it had ended.")
            self._perform_and_finish()
        except LeaseLost:
            logger.warning("work_taken_over model=%s pk=%s", self._meta.label, self.pk)
        except FINAL_ERRORS as error:
            self._give_up(error, self.State.FAILED)
        except Unmatched as error:
            self._retry_later(error, finally_=self.State.UNMATCHED)
        except Awaited as error:
            self._retry_later(error)
        except Exception as error:
            self._retry_later(error)
            raise

    def _is_overdue(self) -> bool:
        """Whether those before it took so long that another worker may have this row by now."""
        return self.lease_until is not None and timezone.now() >= self.lease_until

    def _perform_and_finish(self) -> None:
        with transaction.atomic() if self.ATOMIC else nullcontext():
            self.perform()
            if not self._record(state=self.State.DONE, last_error="", finished_at=timezone.now()):
                raise LeaseLost

    def _retry_later(self, error: Exception, finally_: State = State.FAILED) -> None:
        if self.attempts >= self.MAX_ATTEMPTS:
            self._give_up(error, finally_)
            return
        pause = min(self.FIRST_PAUSE * 2 ** (self.attempts - 1), self.LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)
        pause = max(pause, timedelta(seconds=getattr(error, "retry_after", 0)))
        self._record(state=self.State.WAITING, last_error=_text(error), next_attempt_at=timezone.now() + pause)

    def _give_up(self, error: Exception, state: State) -> None:
        with transaction.atomic():
            if self._record(state=state, last_error=_text(error), finished_at=timezone.now()):
                self.on_given_up(error)

    def _record(self, **outcome: Any) -> bool:
        """Write the outcome, unless another worker has taken the row over meanwhile."""
        noted = {name: getattr(self, name) for name in self.NOTED}
        return bool(self._mine().update(lease_until=None, lease_token=None, **noted, **outcome))

    def _mine(self) -> WorkQuerySet:
        return type(self)._default_manager.filter(pk=self.pk, lease_token=self.lease_token)


def work_models() -> list[type[Work]]:
    return [model for model in apps.get_models() if issubclass(model, Work)]


def run_due(model: type[Work], seconds: float = 30) -> int:
    """Perform all due rows of a model, oldest first, until none is left or the time is over. How many were tried.

    A row that fails is recorded and logged, and the others go on.
    """
    deadline = time.monotonic() + seconds
    tried = 0
    while claimed := model.claim_next():
        for work in claimed:
            _attempt_and_log(work)
        tried += len(claimed)
        if time.monotonic() >= deadline:
            nudges.send(model, None)
            break
    return tried


def _attempt_and_log(work: Work) -> None:
    try:
        work._attempt()
    except Exception:  # the task's boundary: the error is on the row, unless it is the database that failed
        logger.exception("work_failed model=%s pk=%s", work._meta.label, work.pk)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def sweep(limit: int = 1000) -> None:
    """Nudge the workers about every due row, oldest first, at most `limit` of a model."""
    now = timezone.now()
    for model in work_models():
        due = model._default_manager.due(now).order_by("next_attempt_at").values_list("pk", flat=True)
        for pk in due[: 1 if model.DRAINED else limit]:
            nudges.send(model, pk)


def _text(error: Exception) -> str:
    """What a database column can hold of an error: no NUL and no half characters."""
    text = f"{type(error).__name__}: {error}".replace("\x00", "")
    return text.encode("utf-8", "replace").decode()[:ERROR_LIMIT]
