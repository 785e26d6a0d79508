"""Jobs: what must happen is in the database, and a queue message only asks to look at a row.

A worker claims rows by a conditional update, does the work, and records the outcome under the token of its claim, so
that a worker whose lease ran out cannot overwrite the one that took over.
"""

import itertools
import logging
import random
import time
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Self

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from platforms import logs, metrics
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, UnsupportedCapability
from platforms.updates import update_each
from platforms.work import claims, dispatch
from platforms.work.database import is_away
from platforms.work.registry import performer_of
from platforms.work.together import do_together

logger = logging.getLogger(__name__)

ERROR_LIMIT = 1000  # characters
RUN_SECONDS = 30.0  # for which a worker goes on with one line before it looks at what else waits


class UnknownMeeting(Exception):
    """What the work is about is not known here: after so many attempts it rests as unmatched, until it is."""

    def __init__(self, message: str, attempts: int = 2) -> None:
        super().__init__(message)
        self.attempts = attempts


class ResultPending(Exception):
    """Somebody else was asked to do it and will tell; if not within `retry_after` seconds, it is asked for again."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeaseLost(Exception):
    """Another worker has taken the row over: what this one did is not to be kept."""


class MaxAttemptsExceeded(Exception):
    """Every worker that began this went away before it had ended: it is not begun again."""


FINAL_ERRORS = (PlatformRejected, PlatformNotConfigured, UnsupportedCapability, MaxAttemptsExceeded)


class JobQuerySet(models.QuerySet[Any]):
    def waiting(self, now: datetime) -> Self:
        return self.filter(state=Job.State.WAITING, next_attempt_at__lte=now)

    def abandoned(self, now: datetime) -> Self:
        """Rows whose worker went away."""
        return self.filter(state=Job.State.RUNNING, lease_until__lte=now)

    def due(self, now: datetime) -> Self:
        return self.waiting(now) | self.abandoned(now)

    def run_again(self) -> int:
        """Put rows back to the start, whatever became of them."""
        return self.exclude(state=Job.State.RUNNING).update(
            state=Job.State.WAITING,
            attempts=0,
            losses=0,
            next_attempt_at=timezone.now(),
            last_error="",
            finished_at=None,
        )


class Job(models.Model):
    """What must be done once, with its state; how it is done is said by the apps' `jobs.py`."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNMATCHED = "unmatched", _("Unmatched")

    LEASE: ClassVar[timedelta] = timedelta(seconds=60)
    MAX_ATTEMPTS: ClassVar[int] = 12
    # How often a worker may go away during the work, until no other one is sent after it.
    MAX_LOSSES: ClassVar[int] = 8
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=5)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(hours=1)
    QUEUE: ClassVar[str] = "quick"
    # Rows of one line are done by whoever is told of one of them; the models that share a line take turns.
    LINE: ClassVar[str]
    # How many rows a worker takes at a time: more than one only where each is a matter of milliseconds.
    BATCH: ClassVar[int] = 1
    # Seconds after which a worker is broken off at one row; the row is then taken up again.
    TIME_LIMIT: ClassVar[int] = 60
    # Whether the work writes to the database and does nothing else: it and its outcome are then one transaction.
    TRANSACTIONAL: ClassVar[bool] = False
    # Whether staff are told of rows that fail: not where somebody else's server decides, and its owner is told.
    WATCHED: ClassVar[bool] = True
    MADE_AT: ClassVar[str] = "created_at"
    # Fields that `perform` sets and that are written together with the outcome, whichever it is.
    SAVED_FIELDS: ClassVar[tuple[str, ...]] = ()

    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # attempts whose worker went away
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    def perform(self) -> None:
        """Do the work; may be called again after a crash at any point. FINAL_ERRORS are not tried again."""
        performer_of(type(self)).perform(self)

    def on_permanent_failure(self, error: Exception) -> None:
        """The work will not be tried again: what this writes is one transaction with that outcome."""
        if react := performer_of(type(self)).on_permanent_failure:
            react(self, error)

    def renew(self) -> None:
        """Keep the row for another LEASE, from now. Raises LeaseLost when another worker has taken it over."""
        if not self._mine().update(lease_until=timezone.now() + self.LEASE):
            raise LeaseLost

    def enqueue_on_commit(self) -> None:
        """Tell a worker, once the row is there to be seen. Never blocks; the sweep finds what got lost."""
        transaction.on_commit(type(self).enqueue)

    @classmethod
    def enqueue(cls) -> None:
        """Have a worker go through the line of this model."""
        dispatch.send(cls.LINE, cls.QUEUE, time_limit(cls.LINE))

    @classmethod
    def run(cls, pk: Any) -> bool:
        """Claim one row and perform it. False when there was nothing to do: done, taken, or not due yet."""
        claimed = claims.claim(cls._default_manager.due(timezone.now()).filter(pk=pk), 1)
        for job in claimed:
            job._attempt()
        return bool(claimed)

    @classmethod
    def rows(cls) -> JobQuerySet:
        """Those that are in this model's line; a proxy may have some of them in a line of its own."""
        return cls._default_manager.all()

    @classmethod
    def claim_next(cls) -> list[Self]:
        """Take some rows that are due: one that was abandoned, or some that wait, first those that are new."""
        return claims.claim_next(cls)

    def log_ids(self) -> dict[str, Any]:
        """What lines of the log that are written meanwhile are about, by the ids that this row has."""
        return {"job": self._meta.model_name, "job_id": self.pk, **logs.ids_of(self)}

    def _attempt(self) -> None:
        try:
            if self.attempts > self.MAX_ATTEMPTS or self.losses >= self.MAX_LOSSES:
                raise MaxAttemptsExceeded("Every worker that began this went away before it had ended.")
            self._perform_and_finish()
        except LeaseLost:
            logger.warning("work_taken_over model=%s pk=%s", self._meta.label, self.pk)
        except FINAL_ERRORS as error:
            self._fail_permanently(error, self.State.FAILED)
        except UnknownMeeting as error:
            self._retry_later(error, error.attempts, self.State.UNMATCHED)
        except ResultPending as error:
            self._retry_later(error)
        except Exception as error:
            self._retry_later(error)
            raise

    def is_overdue(self) -> bool:
        """Whether those before it took so long that another worker may have this row by now."""
        return self.lease_until is not None and timezone.now() >= self.lease_until

    def _perform_and_finish(self) -> None:
        with transaction.atomic() if self.TRANSACTIONAL else nullcontext():
            self.perform()
            if not self._record(state=self.State.DONE, last_error="", finished_at=timezone.now()):
                raise LeaseLost

    def _retry_later(self, error: Exception, most: int | None = None, finally_: State = State.FAILED) -> None:
        if self.attempts >= (most or self.MAX_ATTEMPTS):
            self._fail_permanently(error, finally_)
            return
        pause = min(self.FIRST_PAUSE * 2 ** (self.attempts - 1), self.LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)
        pause = max(pause, timedelta(seconds=getattr(error, "retry_after", 0)))
        self._record(state=self.State.WAITING, last_error=_text(error), next_attempt_at=timezone.now() + pause)

    def _fail_permanently(self, error: Exception, state: State) -> None:
        with transaction.atomic():
            if self._record(state=state, last_error=_text(error), finished_at=timezone.now()):
                self.on_permanent_failure(error)
        logger.info("work_given_up model=%s pk=%s error=%s", self._meta.label, self.pk, type(error).__name__)

    def _record(self, **outcome: Any) -> bool:
        """Write the outcome, unless another worker has taken the row over meanwhile."""
        outcome |= {"lease_until": None, "lease_token": None}
        return bool(update_each([self], self.SAVED_FIELDS, outcome, lease_token=self.lease_token))

    def _mine(self) -> JobQuerySet:
        return type(self)._default_manager.filter(pk=self.pk, lease_token=self.lease_token)


def job_models() -> list[type[Job]]:
    return [model for model in apps.get_models() if issubclass(model, Job)]


def models_of(line: str) -> list[type[Job]]:
    return [model for model in job_models() if line == model.LINE]


@cache
def time_limit(line: str) -> int:
    """Seconds after which a worker is broken off at one round of `run_due`."""
    return round(RUN_SECONDS) + max(model.TIME_LIMIT for model in models_of(line))


_rounds = itertools.count()


def run_due(*models: type[Job], seconds: float = RUN_SECONDS) -> int:
    """Perform all due rows, oldest first, until none is left or the time is over. How many were tried.

    Several models take turns, and each round begins with another one: so however many rows one has, and however long
    each takes, no other one waits for all of them. A row that fails is recorded and logged, and the others go on.
    """
    deadline = time.monotonic() + seconds
    first = next(_rounds) % len(models)
    tried = idle = 0
    for model in itertools.cycle([*models[first:], *models[:first]]):
        claimed = model.claim_next()
        for job in do_together(claimed):
            if job.is_overdue():
                claims.give_back(job)  # and those after it
                break
            with logs.about(**job.log_ids()):
                _attempt_and_log(job)
        tried += len(claimed)
        idle = 0 if claimed else idle + 1
        if idle == len(models):
            break
        if time.monotonic() >= deadline:
            model.enqueue()
            break
    return tried


def _attempt_and_log(job: Job) -> None:
    began, outcome = time.monotonic(), "ended"
    try:
        job._attempt()
    except Exception as error:  # the task's boundary: the error is on the row, unless it is the database that failed
        outcome = "to try again"
        if is_away(error):
            logger.warning("work_put_off model=%s pk=%s error=%s", job._meta.label, job.pk, type(error).__name__)
        else:
            logger.exception("work_failed model=%s pk=%s", job._meta.label, job.pk)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
    metrics.job_seconds.labels(job._meta.model_name, outcome).observe(time.monotonic() - began)


def sweep() -> None:
    """Tell a worker of every line in which something is due."""
    for model in job_models():
        if model.rows().due(timezone.now()).exists():
            model.enqueue()


def _text(error: Exception) -> str:
    """What a database column can hold of an error: no NUL and no half characters."""
    return f"{type(error).__name__}: {error}".replace("\x00", "").encode("utf-8", "replace").decode()[:ERROR_LIMIT]
