"""Thin tasks: they call the plain code that does the work."""

from celery import shared_task
from django.conf import settings

from platforms.alerts import messages
from platforms.audit import retention as audit
from platforms.health import certificate, figures, probing, watchdog
from platforms.webhooks import refusals, retention, subscriptions
from platforms.work import clock, dispatch, models


@shared_task(name=dispatch.RUN_DUE)
def run_due(line: str) -> None:
    """Do the work that is due in one line, for as long as a task may take."""
    models.run_due(*models.models_of(line))


@shared_task
def sweep() -> None:
    models.sweep()


@shared_task
def watch() -> None:
    clock.take_back_the_future()
    watchdog.watch()
    messages.announce()
    messages.forget_old()


@shared_task
def check_certificate() -> None:
    certificate.check()


@shared_task
def probe_platforms() -> None:
    """See whether platforms that did not answer are back."""
    probing.probe()


@shared_task
def prune_platform_figures() -> None:
    figures.forget_old()


@shared_task(name=refusals.NOTE_REFUSALS)
def note_refusals(platform: str, times: int, why: str) -> None:
    """Tell staff of webhooks that a web process has refused."""
    refusals.note(platform, times, why)


@shared_task
def check_subscriptions() -> None:
    """Have every platform go on sending its webhooks here."""
    subscriptions.check_subscriptions()


@shared_task
def prune_webhook_events() -> None:
    """Forget events of long ago; stopped by the time limit, the next run goes on."""
    for _ in retention.prune_webhook_events(settings.WEBHOOK_EVENT_RETENTION_DAYS):
        pass


@shared_task
def prune_audit_trail() -> None:
    audit.prune()
