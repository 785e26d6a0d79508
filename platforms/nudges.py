"""Telling the workers that there is work, off the request's path: a broker that hangs costs a nudge, never a request.

One thread per process sends; nudges that wait while it is busy or stuck are merged, so that a thousand events cost a
message or two. What cannot be sent is dropped: the row is in the database and the sweep finds it.
"""

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from django.apps import apps

if TYPE_CHECKING:
    from platforms.durable import Work

logger = logging.getLogger(__name__)

GAP = 0.1  # seconds between two rounds of sending
LIMIT = 10_000  # different nudges that wait; more are dropped

_Nudge = tuple[str, Any, str]


class Sender:
    """The nudges that wait in this process, and the thread that sends them."""

    def __init__(self) -> None:
        self._waiting: dict[_Nudge, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, nudge: _Nudge) -> None:
        with self._changed:
            if len(self._waiting) < LIMIT:
                self._waiting[nudge] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._send_for_ever, name="nudges", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _send_for_ever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                nudges, self._waiting = self._waiting, {}
            for nudge in nudges:
                _publish(*nudge)
            time.sleep(GAP)


_sender = Sender()


def send(model: "type[Work]", pk: Any) -> None:
    """Have a worker look at this row; at all due rows of its model where those are drained together."""
    _sender.add((model._meta.label, None if model.DRAINED else pk, model.QUEUE))


def _start_anew() -> None:
    global _sender
    _sender = Sender()


os.register_at_fork(after_in_child=_start_anew)  # what waits in the parent is sent there


def _publish(label: str, pk: Any, queue: str) -> None:
    from platforms.tasks import run_due, run_work

    try:
        if pk is None:
            run_due.apply_async((label,), queue=queue, retry=False)
        else:
            limit = apps.get_model(label).TIME_LIMIT
            options = {"soft_time_limit": limit, "time_limit": limit + 30}
            run_work.apply_async((label, pk), queue=queue, retry=False, **options)
    except Exception as error:  # noqa: BLE001  (the thread's boundary: each broker's library has errors of its own)
        logger.warning("nudge_failed model=%s pk=%s error=%s", label, pk, type(error).__name__)
