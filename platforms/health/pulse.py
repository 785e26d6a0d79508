"""A thread in each process that calls providers: every few seconds it brings together what the processes know.

So a call costs no work in the database, and what one process found out about a platform is soon known to all. It begins
with the first call, rests when none are made, and what it cannot write for now it writes later. Where nobody has called
`begin`, as in a shell, there is none, and the process goes by itself.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import Error, connection

from platforms.pauses import shortened

logger = logging.getLogger(__name__)

SECONDS = 2.0  # between two beats
SPACING_SECONDS = 0.2  # at least so much, however often somebody has it hurry
QUIET_SECONDS = 30.0  # without a call, after which it rests

# What is done at each beat; it is told whether it is the last one before an end or a rest.
Part = Callable[[bool], None]


class Pulse:
    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._has_begun = self._keeps_connection = False
        self._called_at = 0.0
        self.rest()

    def part(self, function: Part) -> Part:
        """Decorate what is to be done at each beat."""
        self._parts.append(function)
        return function

    def begin(self, keeps_connection: bool = False) -> None:
        """Let there be one in this process. With `keeps_connection` it has a connection to the database for itself;
        else it opens one for each beat.
        """
        self._has_begun, self._keeps_connection = True, keeps_connection
        atexit.register(self.end)

    def rest(self) -> None:
        """As in a new process, which has no thread yet."""
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self.goes = False

    def note_call(self, looks_first: bool = True) -> None:
        """Say that a provider is about to be called: after a rest, what happened meanwhile is looked at first."""
        self._called_at = time.monotonic()
        if self.goes or not self._has_begun:
            return
        with self._lock:
            if not self.goes:
                self.goes = True
                if looks_first:
                    self.beat()
                threading.Thread(target=self._go, name="pulse", daemon=True).start()

    def end(self) -> None:
        """Leave nothing behind in a process that ends."""
        if self._called_at:
            self.beat(is_last=True)

    def hurry(self) -> None:
        """Have the next beat at once."""
        self._hurry.set()

    def beat(self, is_last: bool = False) -> bool:
        """Whether all went well. Never raises: what is wrong here must stop nobody."""
        is_well = True
        for part in self._parts:
            try:
                part(is_last)
            except Error as error:
                is_well = False
                logger.warning("pulse_missed part=%s error=%s", part.__name__, type(error).__name__)
            except Exception:
                is_well = False
                logger.exception("pulse_failed part=%s", part.__name__)
        return is_well

    def _go(self) -> None:
        while time.monotonic() - self._called_at < QUIET_SECONDS:
            self._hurry.wait(shortened(SECONDS))
            self._hurry.clear()
            if not (self.beat() and self._keeps_connection):
                connection.close()
            time.sleep(shortened(SPACING_SECONDS))
        self.goes = False
        self.beat(is_last=True)
        connection.close()


pulse = Pulse()
os.register_at_fork(after_in_child=pulse.rest)
