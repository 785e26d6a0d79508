from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore

from rooms.calendar import sync
from rooms.rollout import watching
from rooms.webhooks import retention


@shared_task
def sync_calendars() -> None:
    """Have the calendars fetched that are due."""
    sync.ask_for_due()


@shared_task
def prune_sessions() -> None:
    """Forget logins that are over; nothing else ever would."""
    SessionStore.clear_expired()


@shared_task
def prune_webhook_deliveries() -> None:
    """Delete what was sent to rooms' receivers long ago."""
    retention.prune()


@shared_task
def watch_rollout() -> None:
    """Take the rollout's plan on, or stop it."""
    watching.look()
