"""That the scheduler and the workers live: each says so now and then, in a row of its own."""

import logging
import time
from datetime import timedelta

from django.db import Error, connection
from django.utils import timezone

from platforms.models import Heartbeat

logger = logging.getLogger(__name__)

SCHEDULER = "scheduler"
EVERY_SECONDS = 20.0
ALIVE = timedelta(minutes=1)  # since the last word of one that lives
FORGOTTEN = timedelta(days=1)

_told_at: dict[str, float] = {}


def note(name: str, queues: str = "") -> None:
    """Costs nothing until it is due again. A database that is away hears of it the next time."""
    now = time.monotonic()
    if now - _told_at.get(name, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _told_at[name] = now
    try:
        Heartbeat.objects.update_or_create(name=name, defaults={"queues": queues, "at": timezone.now()})
    except Error as error:
        logger.warning("heartbeat_missed name=%s error=%s", name, type(error).__name__)
    finally:
        connection.close()  # the process does nothing else with it, and those that it forks must not share it


def scheduler_age() -> timedelta | None:
    """None where it has never said anything."""
    at = Heartbeat.objects.filter(name=SCHEDULER).values_list("at", flat=True).first()
    return None if at is None else timezone.now() - at


def queues_worked() -> set[str]:
    """The queues for which a worker lives."""
    alive = Heartbeat.objects.filter(at__gt=timezone.now() - ALIVE).exclude(name=SCHEDULER)
    return {queue for queues in alive.values_list("queues", flat=True) for queue in queues.split(",") if queue}


def forget_old() -> None:
    Heartbeat.objects.filter(at__lt=timezone.now() - FORGOTTEN).delete()
