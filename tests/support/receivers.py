"""Receivers of rooms' webhooks for tests, on loopback."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from platforms.work import models
from rooms.models import Webhook, WebhookDelivery

HOOK = "/hooks/in-4c1d"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def job(seconds=30.0):
    """Do what is due, as a worker does."""
    return models.run_due(*models.models_of(WebhookDelivery.LINE), seconds=seconds)


def let_pass(**time):
    """As if so much time had gone by for all that waits."""
    for delivery in WebhookDelivery.objects.filter(state="waiting"):
        delivery.next_attempt_at -= timedelta(**time)
        delivery.save(update_fields=["next_attempt_at"])
    Webhook.objects.update(resting_until=F("resting_until") - timedelta(**time))


def pauses():
    """Seconds from now until each delivery that waits, by its event."""
    now = timezone.now()
    waiting = WebhookDelivery.objects.filter(state="waiting").select_related("room__webhook").order_by("pk")
    return [(delivery.due_at(delivery.room.webhook) - now).total_seconds() for delivery in waiting]
