"""The state of the breakers of all processes together, in the rows of `PlatformState`.

`service` is a platform, or what else is called through `http.ProviderAPI`. Calls are counted over all processes: those
that fail are reported by each process within moments, those that succeed within a beat of its pulse. So a row of
failures is known to be one when it has stood for longer than that.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from platforms import revision
from platforms.handler import platform_label
from platforms.health import notices, states
from platforms.health.pulse import SECONDS
from platforms.models import PlatformState
from platforms.pauses import shortened

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5  # in a row
PAUSE_SECONDS = 30.0  # between two calls to a provider that is down
KNOWN_AFTER = SECONDS + 0.5  # seconds in which every process has said whether a call of its own succeeded
GOOD_EVERY = timedelta(seconds=10)  # how often it is written down that calls succeed
FORGOTTEN = timedelta(minutes=5)  # after which a provider that nobody tries is not left alone any more
SILENT = "silent"  # the key of the notice, before the service


def count(service: str, failures: int, since: datetime, error: str) -> None:
    """Add calls that failed in a row in this process, the first one at `since`."""
    states.make_row(service)
    row = PlatformState.objects.filter(pk=service)
    row.update(failures=F("failures") + failures, last_error=error)
    row.filter(failing_since=None).update(failing_since=since)


def note_answer(service: str, at: datetime) -> None:
    """Say that a call was answered: a row of failures that began before is over, and so is the leaving alone."""
    _close(PlatformState.objects.filter(pk=service, failing_since__lt=at))


def note_good(service: str, at: datetime) -> None:
    """Keep when a call last succeeded."""
    states.make_row(service)
    PlatformState.objects.filter(pk=service).exclude(last_good_at__gte=at).update(last_good_at=at)


def open_if_due(service: str) -> bool:
    """Leave the provider alone, in all processes, where enough calls in a row have failed."""
    now = timezone.now()
    known = now - timedelta(seconds=shortened(KNOWN_AFTER))
    row = PlatformState.objects.filter(
        pk=service, open_since=None, failures__gte=FAILURES_TO_OPEN, failing_since__lte=known
    )
    with transaction.atomic():
        opened = row.update(open_since=now, probe_at=now + _pause())
        if opened:
            revision.renew()
            label = platform_label(service)
            notices.report(
                f"{SILENT}:{service}",
                f"{label} does not answer. It is tried again now and then, and left alone meanwhile.",
            )
            logger.warning("provider_availability platform=%s available=False", service)
    return bool(opened)


def claim_probe(service: str) -> float:
    """Zero for the one of all processes that is to try the provider now, or when it is not left alone; else seconds."""
    now = timezone.now()
    row = PlatformState.objects.filter(pk=service)
    with transaction.atomic():
        if row.filter(open_since__isnull=False, probe_at__lte=now).update(probe_at=now + _pause()):
            revision.renew()
            return 0.0
    probe_at = row.filter(open_since__isnull=False).values_list("probe_at", flat=True).first()
    return max(0.001, (probe_at - now).total_seconds()) if probe_at else 0.0


def forget_untried() -> None:
    """Nobody would find out that such a provider answers again."""
    _close(PlatformState.objects.filter(open_since__isnull=False, probe_at__lt=timezone.now() - FORGOTTEN))


def _close(row: QuerySet[PlatformState]) -> None:
    with transaction.atomic():
        rows = list(row.select_for_update())
        was_open = [state.pk for state in rows if state.open_since]
        PlatformState.objects.filter(pk__in=[state.pk for state in rows]).update(
            failures=0, failing_since=None, last_error="", open_since=None, probe_at=None
        )
        if was_open:
            revision.renew()
            notices.resolve(*(f"{SILENT}:{service}" for service in was_open))
            logger.warning("provider_availability platform=%s available=True", ",".join(was_open))


def _pause() -> timedelta:
    return timedelta(seconds=shortened(PAUSE_SECONDS))
