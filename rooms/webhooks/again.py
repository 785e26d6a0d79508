"""Sending again what was not delivered, or what its receiver lost: under the same id."""

from datetime import datetime
from typing import Any

from django.db import transaction

from rooms.models import Room, WebhookDelivery
from rooms.webhooks.events import webhook_of

State = WebhookDelivery.State


def send_again(room: Room, **which: Any) -> int:
    """How many will be sent; one that is being sent at this moment is left alone."""
    with transaction.atomic():
        deliveries: Any = WebhookDelivery.objects.filter(room=room, **which)
        count: int = deliveries.run_again()
        if first := deliveries.filter(state=State.WAITING).first():
            webhook_of(room)
            first.enqueue_on_commit()
    return count


def send_failed_again(room: Room, since: datetime) -> int:
    return send_again(room, state=State.FAILED, created_at__gte=since)
