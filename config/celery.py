"""The Celery application; its settings are the CELERY_* names of config/settings.py."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_process_init
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["files"] = "config.broker:Transport"
app = Celery("reflector")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def end_with_the_worker(**kwargs: Any) -> None:
    """Who ends a worker may signal all of its processes; those that do the work go on until the worker ends them."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
