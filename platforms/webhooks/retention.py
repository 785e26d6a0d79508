"""How long webhook events are kept. Forgetting one is safe: applying it again would change nothing."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from platforms.models import WebhookEvent

TROUBLE_FACTOR = 4  # by which what staff may still want to look into is kept longer
BATCH = 500  # rows deleted at a time, so that no lock is held for long


def old_webhook_events(days: int) -> list[QuerySet[WebhookEvent]]:
    """Events that were processed `days` ago, and ones that failed or matched nothing four times as long ago.

    What is still to be processed is never among them.
    """
    state, events = WebhookEvent.State, WebhookEvent.objects.order_by("received_at")
    return [
        events.filter(state=state.DONE, received_at__lt=timezone.now() - timedelta(days=days)),
        events.filter(
            state__in=[state.FAILED, state.UNMATCHED],
            received_at__lt=timezone.now() - timedelta(days=days * TROUBLE_FACTOR),
        ),
    ]


def prune_webhook_events(days: int) -> Iterator[int]:
    """Delete old events batch by batch; yields how many each batch held."""
    for old in old_webhook_events(days):
        while pks := list(old.values_list("pk", flat=True)[:BATCH]):
            deleted, _ = WebhookEvent.objects.filter(pk__in=pks).delete()
            yield deleted
