"""What staff must hear of although nobody complains: work that fails, waits or is done by nobody, and a full disk.

Looks every minute, in a worker. That it looks is kept, too: where nothing runs at all, its silence says so, which the
web processes see (`config.web.guard`). Each notice stands within five minutes of its cause, and goes by itself.
"""

import shutil
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from platforms.handler import get_available_platforms
from platforms.health import heartbeats, notices
from platforms.models import StaffNotice, WebhookEvent
from platforms.webhooks import refusals
from platforms.work.models import Job, UnknownMeeting, job_models

FAILED_FOR = timedelta(days=1)  # for which staff are told that something failed for good
OFTEN = 5  # attempts in vain, after which staff are told that it is tried again and again
LATE = timedelta(minutes=3)  # that a row may wait while nobody works
INBOX_LATE = timedelta(minutes=2)  # that an event may wait, whoever works
DISK = "disk:"  # the key of the notice, before the machine
MACHINE_GONE = timedelta(minutes=30)  # since its disk was last looked at
BUSY = timedelta(hours=1)  # that a row may wait for those who work


def watch() -> None:
    now = timezone.now()
    models = job_models()
    for model in filter(lambda model: model.WATCHED, models):
        _say(f"failed:{model._meta.label}", _failed(model, now))
        _say(f"in-vain:{model._meta.label}", _in_vain(model))
    for queue in {model.QUEUE for model in models}:
        _say(f"late:{queue}", _late(queue, [model for model in models if queue == model.QUEUE], now))
    late = _late_events(now)
    for platform in get_available_platforms():
        _say(f"inbox:{platform}", _inbox(late.get(platform)))
    watch_machine()
    refusals.forget_mended()
    heartbeats.forget_old()
    notices.note_watch()


def _say(key: str, problem: str) -> None:
    if problem:
        notices.report(key, problem)
    else:
        notices.resolve(key)


def _failed(model: type[Job], now: datetime) -> str:
    # What was due long before it failed is none of these; so the index finds them.
    failed = model.rows().filter(state=Job.State.FAILED, next_attempt_at__gt=now - 2 * FAILED_FOR)
    count = failed.filter(finished_at__gt=now - FAILED_FOR).count()
    return _counted("Failed for good in the last day", model, count)


def _in_vain(model: type[Job]) -> str:
    rows = model.rows().filter(state=Job.State.WAITING, attempts__gte=OFTEN)
    # What waits for its meeting does so as it should, and rests if that never becomes known.
    count = rows.exclude(last_error__startswith=f"{UnknownMeeting.__name__}:").count()
    return _counted(f"Tried {OFTEN} times or more in vain, and tried again", model, count)


def _counted(what: str, model: type[Job], count: int) -> str:
    return f"{what}: {model._meta.verbose_name}, {count} of them. Admin says why." if count else ""


def _late(queue: str, models: Sequence[type[Job]], now: datetime) -> str:
    """Whether somebody is at work on the queue decides how long a row may wait, and what staff can do."""
    waiting = [model.rows().waiting(now).order_by("next_attempt_at") for model in models]
    since = min((row.next_attempt_at for rows in waiting for row in rows.only("next_attempt_at")[:1]), default=now)
    running = [model.rows().filter(state=Job.State.RUNNING, lease_until__gt=now) for model in models]
    is_worked_at = any(rows.exists() for rows in running)
    if now - since < (BUSY if is_worked_at else LATE):
        return ""
    remedy = "its workers are busy: start more" if is_worked_at else "nobody works: start a worker"
    return f"Work of the queue “{queue}” has waited since {since:%Y-%m-%d %H:%M} UTC, and {remedy} with -Q {queue}."


def _late_events(now: datetime) -> dict[str, datetime]:
    """By platform, since when the oldest event waits that nobody has tried yet."""
    fresh = WebhookEvent.objects.waiting(now - INBOX_LATE).filter(attempts=0)
    return dict(fresh.values_list("platform").annotate(Min("received_at")))


def _inbox(since: datetime | None) -> str:
    if since is None:
        return ""
    return (
        f"Events have waited since {since:%Y-%m-%d %H:%M} UTC to be processed: its meetings look as they were then. "
        "The workers of -Q quick are too few, or busy; Admin, Background work, says with what."
    )


# Each machine by itself


def watch_machine() -> None:
    """Look at this machine's disk, and forget those of machines of which nothing is heard any more."""
    own = f"{DISK}{socket.gethostname()}"
    _say(own, _disk())
    gone = StaffNotice.objects.filter(key__startswith=DISK, last_seen_at__lt=timezone.now() - MACHINE_GONE)
    notices.resolve(*gone.exclude(key=own).values_list("key", flat=True))


def _disk() -> str:
    """The others' workers put off what needs room, and say so in their rows."""
    free, kept = shutil.disk_usage(settings.DATA_DIR).free, settings.RECORDINGS_KEEP_FREE
    if free >= 2 * kept:
        return ""
    place = f"The disk of {settings.DATA_DIR} on {socket.gethostname()}"
    if free < kept:
        return f"{place} has {free // 1024**2} MB left: no recording is fetched there until it has more."
    return f"{place} is nearly full: {free // 1024**2} MB are left, and below {kept // 1024**2} MB nothing is fetched."
