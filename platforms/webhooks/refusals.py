"""Deliveries that were refused, so that staff hear of them: few providers send again what was answered by 400 or 401.

The view only counts, in memory. A thread tells a worker of what was counted, now and then, and the worker keeps one
notice for each platform: so whoever sends rubbish costs no more than a message every ten seconds.
"""

import logging
import os
import threading
from datetime import timedelta

from django.utils import timezone

from platforms.exceptions import WebhookRejected
from platforms.handler import platform_label
from platforms.health import notices
from platforms.models import StaffNotice, WebhookEvent
from platforms.webhooks.subscriptions import secret_variable
from platforms.work import dispatch

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0  # between two messages
MESSAGE_LIFETIME_SECONDS = 3600  # that a message waits for a worker
TOLD_FROM = 5  # refusals on
QUIET = timedelta(minutes=5)  # after the last refusal: what is taken in later tells that all is well
FORGOTTEN = timedelta(days=7)
KEY = "webhook-refused:"
NOTE_REFUSALS = "platforms.tasks.note_refusals"


class Counter:
    """What was refused in this process and not told yet: how often, and why the last time."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[int, str]] = {}
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, platform: str, why: str, times: int = 1) -> None:
        with self._changed:
            before, _ = self._counted.get(platform, (0, ""))
            self._counted[platform] = (before + times, why)
            if self._thread is None:
                self._thread = threading.Thread(target=self._tell_for_ever, name="refusals", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self) -> dict[str, tuple[int, str]]:
        with self._changed:
            taken, self._counted = self._counted, {}
        return taken

    def forget(self) -> None:
        """Tell nobody of what was counted, and let the thread end."""
        self._over.set()
        with self._changed:
            self._changed.notify()

    def _tell_for_ever(self) -> None:
        while not self._over.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._counted or self._over.is_set())
            if not self._over.is_set():
                self._tell()
            self._over.wait(PAUSE_SECONDS)

    def _tell(self) -> None:
        for platform, (times, why) in self.take().items():
            try:
                dispatch.call(NOTE_REFUSALS, platform, times, why, expires=MESSAGE_LIFETIME_SECONDS)
            except Exception as error:  # noqa: BLE001  (each broker's library has errors of its own)
                logger.warning("refusals_not_told platform=%s error=%s", platform, type(error).__name__)
                self.add(platform, why, times)


_counter = Counter()


def count(platform: str, error: Exception) -> None:
    """Keep in mind that a delivery was refused. Costs nothing that anybody waits for."""
    _counter.add(platform, f"{error} {_advice(platform, error)}")


def forget() -> None:
    """Tell nobody of what this process has counted."""
    global _counter
    _counter.forget()
    _counter = Counter()


def _start_anew() -> None:
    global _counter
    _counter = Counter()


os.register_at_fork(after_in_child=_start_anew)


def _advice(platform: str, error: Exception) -> str:
    if isinstance(error, WebhookRejected) and error.advice:
        return error.advice
    if isinstance(error, WebhookRejected) and error.status == 401:
        return f"Compare {secret_variable(platform)} with the secret at the provider."
    return "Either a proxy changes what the provider sends, or somebody else calls."


# What workers do


def note(platform: str, times: int, why: str) -> None:
    label = platform_label(platform)
    text = f"Webhooks of {label} are refused, and what they told is lost unless it is found by looking. The last: {why}"
    notices.report(f"{KEY}{platform}", text, shown_after=TOLD_FROM, times=times)


def forget_mended() -> None:
    """Take the notices back after which all went well for a while, or nothing came for long."""
    now = timezone.now()
    for notice in StaffNotice.objects.filter(key__startswith=KEY, resolved_at=None):
        accepted = WebhookEvent.objects.filter(
            platform=notice.key.removeprefix(KEY), received_at__gt=notice.last_seen_at + QUIET
        )
        if accepted.exists() or notice.last_seen_at < now - FORGOTTEN:
            notices.resolve(notice.key)
