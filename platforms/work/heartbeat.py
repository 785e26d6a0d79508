"""Holding on to a job while something long is done for it.

`Heartbeat` renews as the work gets on: a worker that hangs loses its job to another. `keep_alive` renews from a thread
of its own, for calls that tell nothing of how far they are; there the job's time limit ends a worker that hangs.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, Protocol, TypeVar

from django.db import Error, connection

from platforms.work.models import Job, LeaseLost

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

RENEWALS = 6  # in the time of one lease: one that is late or fails loses nothing


class Renewable(Protocol):
    """What a worker holds while it works: a job, or what stands for one."""

    LEASE: ClassVar[timedelta]

    def renew(self) -> None:
        """Keep it for another LEASE. Raises what ends the work when it is not to be gone on with."""


class Heartbeat:
    """Renews what is held now and then, as long as it is called often enough: a worker that hangs loses its hold."""

    def __init__(self, claim: Renewable) -> None:
        self._renew: Callable[[], None] = claim.renew
        self._every = claim.LEASE.total_seconds() / RENEWALS
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last >= self._every:
            self.now()

    def now(self) -> None:
        self._renew()
        self._last = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait, and keep what is held meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._every))
            self()

    def during(self, call: Callable[[], Result]) -> Result:
        """Make a call that may take long in another thread, and keep what is held meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            return self.wait(pool.submit(call))

    def wait(self, future: Future[Result]) -> Result:
        """What another thread is making; keep what is held meanwhile."""
        while not wait([future], self._every).done:
            self.now()
        self()
        return future.result()


@contextmanager
def keep_alive(job: Job) -> Iterator[None]:
    """Renew the lease from a thread of its own until the block ends, so that no call in it has to be short.

    A process that dies renews nothing, and another takes the row over. Losing the row does not end the block: what is
    written in it must not depend on having it.
    """
    over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(job, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew_until(job: Job, over: threading.Event) -> None:
    try:
        while not over.wait(job.LEASE.total_seconds() / RENEWALS):
            try:
                job.renew()
            except LeaseLost:
                logger.warning("lease_lost model=%s pk=%s", job._meta.label, job.pk)
                return
            except Error as error:  # the next renewal may succeed, and come in time
                logger.warning("lease_not_renewed model=%s pk=%s error=%s", job._meta.label, job.pk, error)
                connection.close()
    finally:
        connection.close()
