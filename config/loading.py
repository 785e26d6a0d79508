"""What a process loads before others are forked from it, which then have it in memory together."""

import os
from importlib import import_module

from celery import current_app
from django.core.wsgi import get_wsgi_application

# All of the web server but config.asgi, which begins threads: they would not be in the processes that are forked.
WEB = ("config.urls", "config.web.front", "config.web.guard")
# What Celery imports once it runs.
WORKERS = (
    "config.celery",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.fixups.django",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "config.broker",
    "config.scheduler",
)


def load_web() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    get_wsgi_application()
    for module in WEB:
        import_module(module)


def load_workers() -> None:
    for module in WORKERS:
        import_module(module)
    current_app.loader.import_default_modules()
    current_app.finalize()
