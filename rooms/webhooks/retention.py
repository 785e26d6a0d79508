"""How long it is kept what was sent to rooms' receivers."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from rooms.models import WebhookDelivery

State = WebhookDelivery.State
BATCH = 500  # rows deleted at a time, so that no lock is held for long


def prune() -> int:
    """Delete what was sent, or failed, so many days ago. How many rows."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_EVENT_RETENTION_DAYS)
    old = WebhookDelivery.objects.filter(created_at__lt=before, state__in=[State.DONE, State.FAILED])
    deleted = 0
    while pks := list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH]):
        deleted += WebhookDelivery.objects.filter(pk__in=pks).delete()[0]
    return deleted
