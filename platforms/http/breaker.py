"""Leaving a provider alone while it is down, so that calls which cannot succeed cost nobody a wait."""

import logging
import threading
import time
from datetime import datetime
from weakref import WeakSet

from django.db import Error
from django.utils import timezone

from platforms.health import breakers
from platforms.health.breakers import FAILURES_TO_OPEN, PAUSE_SECONDS
from platforms.health.pulse import pulse
from platforms.models import PlatformState
from platforms.pauses import shortened

logger = logging.getLogger(__name__)


class Breaker:
    """Leaves a provider alone after `failures` failed calls in a row; then lets one call through every `pause` seconds.

    With a `service`, what all processes found out counts as well, and of all of them one makes that call. While the
    provider answers this needs nothing of the database; and without the database each process goes by itself.

    pybreaker is not used because it holds its lock during the call, and so makes a platform's calls one at a time.
    """

    def __init__(self, failures: int = FAILURES_TO_OPEN, pause: float | None = None, service: str = "") -> None:
        self.failures = failures
        self.pause = shortened(PAUSE_SECONDS) if pause is None else pause
        self.service = service
        self._lock = threading.Lock()
        self._failed = self._unreported = 0
        self._since: datetime | None = None  # the first of those that failed
        self._error = ""
        self._answered_at: datetime | None = None
        self._good_at: datetime | None = None
        self._has_heard = False
        self._is_open_elsewhere = False
        self._next_trial = 0.0
        if service:
            with _shared_lock:
                _shared.add(self)

    @property
    def is_open(self) -> bool:
        return self._is_open_elsewhere or self._failed >= self.failures

    def seconds_to_wait(self) -> float:
        """Zero when a call may be made now; while open, only one caller gets that answer in each pause."""
        pulse.note_call()
        if pulse.goes and not self._has_heard:
            self._hear_first()
        if not self.is_open:
            return 0.0
        with self._lock:
            now = time.monotonic()
            if now < self._next_trial:
                return self._next_trial - now
            self._next_trial = now + self.pause
        return self._claim()

    def _claim(self) -> float:
        try:
            wait = breakers.claim_probe(self.service) if self.service else 0.0
        except Error as error:
            logger.warning("probe_not_claimed platform=%s error=%s", self.service, type(error).__name__)
            return 0.0
        if wait:
            self._next_trial = time.monotonic() + wait
        return wait

    def record(self, available: bool, error: str = "", is_good: bool = True) -> None:
        """What became of a call; `is_good` when it was answered with more than a refusal."""
        if available:
            self._answered_at = timezone.now()
            self._good_at = self._answered_at if is_good else self._good_at
            if self._failed or self._is_open_elsewhere:
                self._record_recovery(self._answered_at)
            return
        with self._lock:
            self._since = self._since if self._failed else timezone.now()
            self._failed += 1
            self._unreported += 1
            self._error = error
            self._next_trial = time.monotonic() + self.pause
        pulse.hurry()

    def _record_recovery(self, at: datetime) -> None:
        with self._lock:
            was_open = self.is_open
            self._failed = self._unreported = 0
            self._is_open_elsewhere = False
        if was_open and self.service:
            try:
                breakers.note_answer(self.service, at)
            except Error as error:  # the pulse will do it
                logger.warning("recovery_not_kept platform=%s error=%s", self.service, type(error).__name__)

    def report(self) -> None:
        """Tell the other processes what has failed here."""
        with self._lock:
            count, since, error = self._unreported, self._since, self._error
        if count and since:
            breakers.count(self.service, count, since, error)
            with self._lock:
                self._unreported = max(0, self._unreported - count)

    def hear(self, state: PlatformState | None) -> None:
        """Take over what all processes know by now, or put it right where a call was answered here."""
        self._has_heard = True
        if self._good_at and _is_news(self._good_at, state):
            breakers.note_good(self.service, self._good_at)
        if state is None or state.failing_since is None:
            self._hear_of_recovery()
        elif self._answered_at and state.failing_since < self._answered_at:
            breakers.note_answer(self.service, self._answered_at)
            self._hear_of_recovery()
        elif state.probe_at is None:
            breakers.open_if_due(self.service)
        else:
            with self._lock:
                self._is_open_elsewhere = True
                self._next_trial = time.monotonic() + (state.probe_at - timezone.now()).total_seconds()

    def _hear_of_recovery(self) -> None:
        if self._is_open_elsewhere:
            with self._lock:
                self._failed, self._is_open_elsewhere = 0, False

    def _hear_first(self) -> None:
        """Others may have found out long before this process calls the provider for the first time."""
        try:
            bring_together(self)
        except Error as error:
            logger.warning("breaker_not_heard platform=%s error=%s", self.service, type(error).__name__)


def _is_news(good_at: datetime, state: PlatformState | None) -> bool:
    return state is None or state.last_good_at is None or good_at - state.last_good_at > breakers.GOOD_EVERY


_shared = WeakSet[Breaker]()
_shared_lock = threading.Lock()


@pulse.part
def bring_breakers_together(is_last: bool) -> None:
    with _shared_lock:
        shared = list(_shared)
    bring_together(*shared)


def bring_together(*shared: Breaker) -> None:
    """One beat: tell the others what has failed here, and hear what they have found out."""
    for breaker in shared:
        breaker.report()
    states = PlatformState.objects.in_bulk([breaker.service for breaker in shared])
    for breaker in shared:
        breaker.hear(states.get(breaker.service))
