"""Thin tasks: they take a row's address and call the plain code that does the work."""

from typing import Any

from celery import shared_task
from django.apps import apps

from platforms import durable


@shared_task
def run_work(model_label: str, pk: Any) -> None:
    """Do the work of one row, if it is due."""
    model = apps.get_model(model_label)
    model.run(pk)


@shared_task
def sweep() -> None:
    durable.sweep()
