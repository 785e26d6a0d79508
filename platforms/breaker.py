"""Leaving a provider alone while it is down, so that calls which cannot succeed cost nobody a wait."""

import threading
import time

FAILURES_TO_OPEN = 5  # in a row
PAUSE = 20.0  # seconds


class Breaker:
    """Leaves a provider alone after `failures` failed calls in a row; then lets one call through every `pause` seconds.

    pybreaker is not used because it holds its lock during the call, and so makes a platform's calls one at a time.
    """

    def __init__(self, failures: int = FAILURES_TO_OPEN, pause: float = PAUSE) -> None:
        self.failures = failures
        self.pause = pause
        self._lock = threading.Lock()
        self._failed = 0
        self._next_trial = 0.0

    @property
    def is_open(self) -> bool:
        return self._failed >= self.failures

    def seconds_to_wait(self) -> float:
        """Zero when a call may be made now; while open, only one caller gets that answer in each pause."""
        if not self.is_open:
            return 0.0
        with self._lock:
            now = time.monotonic()
            if now < self._next_trial:
                return self._next_trial - now
            self._next_trial = now + self.pause
            return 0.0

    def record(self, available: bool) -> None:
        if available and not self._failed:
            return
        with self._lock:
            self._failed = 0 if available else self._failed + 1
            if self.is_open:
                self._next_trial = time.monotonic() + self.pause
