"""The Celery application; its settings are the CELERY_* names of config/settings.py."""

import logging
import os
import signal
import time
from typing import Any

import celery
from celery.signals import (
    after_task_publish,
    beat_init,
    before_task_publish,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_process_init,
    worker_process_shutdown,
)
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

from config.processes import end_with_parent, share
from platforms import logs
from platforms.health.pulse import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)
is_scheduler = False  # whether this process is beat


class Task(celery.Task):  # type: ignore[type-arg]
    """One that comes while the database is away costs a line in the log: what is to be done is found by a later one."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from platforms.work.database import is_away

        try:
            return self.run(*args, **kwargs)
        except Exception as error:
            if not is_away(error):
                raise
            logger.warning("task_put_off task=%s error=%s", self.name, type(error).__name__)


TRANSPORT_ALIASES["files"] = "config.broker:Transport"
app = celery.Celery("reflector", task_cls=Task)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Tasks that a process does without closing its connections to the database; Celery itself closes them around each.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000


@setup_logging.connect
def log_as_everywhere(**kwargs: Any) -> None:
    """Once somebody listens here, Celery leaves logs as LOGGING has set them, whatever its own `-l` says."""


@task_prerun.connect
def leave_dead_connections(task: Any, **kwargs: Any) -> None:
    """A connection that is kept from an earlier task is looked at before this one uses it."""
    if not task.request.is_eager:
        close_old_connections()


@worker_before_create_process.connect
def share_what_is_loaded(**kwargs: Any) -> None:
    share()


@worker_process_init.connect
def end_with_the_worker(**kwargs: Any) -> None:
    """Who ends a worker may signal all of its processes; those that do the work go on until the worker ends them."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent(signal.SIGKILL)  # what it was at is begun anew by another one


@after_task_publish.connect
def note_that_the_scheduler_lives(**kwargs: Any) -> None:
    """By what it sends, not by a clock of its own: one that hangs, or whose broker is away, is as good as dead."""
    if is_scheduler:
        heartbeats().note("scheduler")


@beat_init.connect
def know_the_scheduler(**kwargs: Any) -> None:
    global is_scheduler
    is_scheduler = True


@heartbeat_sent.connect
def note_that_the_worker_lives(sender: Any, **kwargs: Any) -> None:
    heartbeats().note(sender.eventer.hostname, ",".join(sorted(app.amqp.queues.consume_from)))


def heartbeats() -> Any:
    """Its models are there only when the apps are."""
    from platforms.health import heartbeats

    return heartbeats


@before_task_publish.connect
def send_what_it_is_about(headers: dict[str, Any], **kwargs: Any) -> None:
    """The request that asked for the task, for the log of who does it."""
    if request := logs.current().get("request"):
        headers["log_request"] = request


@task_prerun.connect
def say_what_it_is_about(task: Any, task_id: str, **kwargs: Any) -> None:
    if task.request.is_eager:
        return
    task.request.about = logs.about(request=task.request.get("log_request"), task=task.name, task_id=task_id)
    task.request.about.__enter__()


@task_postrun.connect
def say_it_no_more(task: Any, **kwargs: Any) -> None:
    if about := getattr(task.request, "about", None):
        about.__exit__(None, None, None)


@task_prerun.connect
def note_the_time(task: Any, **kwargs: Any) -> None:
    task.request.began = time.monotonic()


@task_postrun.connect
def time_the_task(task: Any, **kwargs: Any) -> None:
    from platforms import metrics  # whose library looks when it is imported where the settings want counts to be kept

    if began := getattr(task.request, "began", None):
        metrics.task_seconds.labels(task.name).observe(time.monotonic() - began)


@worker_process_init.connect
def have_a_pulse(**kwargs: Any) -> None:
    pulse.begin()


@worker_process_shutdown.connect
def end_the_pulse(**kwargs: Any) -> None:
    pulse.end()
