"""Thin tasks: they take a row's address and call the plain code that does the work."""

from typing import Any

from celery import shared_task
from django.apps import apps
from django.conf import settings

from platforms import durable, retention, subscriptions


@shared_task
def run_work(model_label: str, pk: Any) -> None:
    """Do the work of one row, if it is due."""
    apps.get_model(model_label).run(pk)


@shared_task
def run_due(model_label: str) -> None:
    """Do the work of all due rows of one model, oldest first, for as long as a task may take."""
    durable.run_due(apps.get_model(model_label))


@shared_task
def sweep() -> None:
    durable.sweep()


@shared_task
def check_subscriptions() -> None:
    """Have every platform go on sending its webhooks here."""
    subscriptions.check_subscriptions()


@shared_task
def prune_webhook_events() -> None:
    """Forget events of long ago; stopped by the time limit, the next run goes on."""
    for _ in retention.prune_webhook_events(settings.WEBHOOK_EVENT_RETENTION_DAYS):
        pass
