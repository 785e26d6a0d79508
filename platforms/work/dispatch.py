"""Telling the workers that there is work, off the request's path: a broker that hangs costs a message, never a request.

A message says in which line something is due, never which row: any of them makes a worker go through what there is.
One thread per process sends; messages that wait while it is busy or stuck are merged, so that a thousand events cost a
message or two. What cannot be sent is dropped, and what no worker takes in time is forgotten: the row is in the
database and the sweep finds it. So messages never pile up, however long the workers are busy.
"""

import logging
import os
import threading
import time
from typing import Any

from celery import current_app

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1  # between two rounds of sending
EXPIRY_SECONDS = 30  # three times the pause of the sweep, which sends another one then

RUN_DUE = "platforms.tasks.run_due"

_Message = tuple[str, str, int]  # a line, its queue, and the seconds after which a worker is broken off


class Sender:
    """The messages that wait in this process, and the thread that sends them."""

    def __init__(self) -> None:
        self._waiting: dict[_Message, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, message: _Message) -> None:
        with self._changed:
            self._waiting[message] = None
            if self._thread is None or not self._thread.is_alive():
                self._start()
            self._changed.notify()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._send_for_ever, name="dispatch", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # there can be no more threads now: what comes next tries again
            logger.warning("enqueue_failed error=%s", error)

    def _send_for_ever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                messages, self._waiting = self._waiting, {}
            for message in messages:
                _publish(*message)
            time.sleep(PAUSE_SECONDS)


_sender = Sender()


def send(line: str, queue: str, limit: int) -> None:
    """Have a worker go through a line."""
    _sender.add((line, queue, limit))


def call(task: str, *args: Any, **options: Any) -> None:
    """Send a message for a task, which goes by its name: so who asks for it need not import what it does."""
    current_app.signature(task).apply_async(args, retry=False, **options)


def _start_anew() -> None:
    global _sender
    _sender = Sender()


os.register_at_fork(after_in_child=_start_anew)  # what waits in the parent is sent there


def _publish(line: str, queue: str, limit: int) -> None:
    try:
        call(RUN_DUE, line, queue=queue, expires=EXPIRY_SECONDS, soft_time_limit=limit, time_limit=limit + 30)
    except Exception as error:  # noqa: BLE001  (the thread's boundary: each broker's library has errors of its own)
        logger.warning("enqueue_failed line=%s error=%s", line, type(error).__name__)
