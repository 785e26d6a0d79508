"""Telling the workers about a row, off the request's path: a broker that hangs costs a nudge, never a request.

A short queue and one thread per process do the sending. What does not fit, or cannot be sent, is dropped: the row
is in the database and the sweep finds it.
"""

import logging
import os
import queue
import threading
from typing import TYPE_CHECKING, Any

from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from platforms.durable import Work

logger = logging.getLogger(__name__)

_Nudge = tuple[str, Any, str]
_waiting: queue.Queue[_Nudge] = queue.Queue(maxsize=1000)
_sender: tuple[int, threading.Thread] | None = None
_lock = threading.Lock()


def send(work: "Work") -> None:
    _start_sender()
    try:
        _waiting.put_nowait((work._meta.label, work.pk, work.QUEUE))
    except queue.Full:
        logger.debug("nudge_dropped model=%s pk=%s", work._meta.label, work.pk)


def flush() -> None:
    """Wait until everything queued so far was sent or given up."""
    _waiting.join()


def _start_sender() -> None:
    """One thread per process; a forked child starts its own."""
    global _sender, _waiting
    if _sender and _sender[0] == os.getpid() and _sender[1].is_alive():
        return
    with _lock:
        if _sender and _sender[0] == os.getpid() and _sender[1].is_alive():
            return
        if _sender and _sender[0] != os.getpid():
            _waiting = queue.Queue(maxsize=1000)  # the parent sends its own
        thread = threading.Thread(target=_send_all, args=(_waiting,), name="nudges", daemon=True)
        _sender = (os.getpid(), thread)
        thread.start()


def _send_all(waiting: "queue.Queue[_Nudge]") -> None:
    from platforms.tasks import run_work

    while True:
        label, pk, work_queue = waiting.get()
        try:
            run_work.apply_async((label, pk), queue=work_queue, retry=False)
        except (OSError, OperationalError) as error:
            logger.warning("nudge_failed model=%s pk=%s error=%s", label, pk, type(error).__name__)
        finally:
            waiting.task_done()
