"""Holding on to a row of work while something long is done for it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

from platforms.durable import LeaseLost, Work

logger = logging.getLogger(__name__)

RENEWALS = 3  # in the time of one lease


@contextmanager
def kept(work: Work) -> Iterator[None]:
    """Renew the lease from a thread of its own until the block ends, so that no call in it has to be short.

    A process that dies renews nothing, and another takes the row over. Losing the row does not end the block: what is
    written in it must not depend on having it.
    """
    over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(work, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew_until(work: Work, over: threading.Event) -> None:
    try:
        while not over.wait(work.LEASE.total_seconds() / RENEWALS):
            try:
                work.renew()
            except LeaseLost:
                logger.warning("lease_lost model=%s pk=%s", work._meta.label, work.pk)
                return
            except Error as error:  # the next renewal may succeed, and come in time
                logger.warning("lease_not_renewed model=%s pk=%s error=%s", work._meta.label, work.pk, error)
                connection.close()
    finally:
        connection.close()
