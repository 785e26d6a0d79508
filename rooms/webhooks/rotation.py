"""Replacing a webhook's secret on purpose: for a day events are signed with either, so that none is refused."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from rooms.models import Room
from rooms.webhooks.events import webhook_of
from rooms.webhooks.signing import new_secret

OVERLAP = timedelta(days=1)


def rotate(room: Room) -> datetime:
    """Give the room a new secret. Until when the one it had is used as well."""
    with transaction.atomic():
        locked = Room.objects.select_for_update().get(pk=room.pk)
        webhook = webhook_of(locked)
        webhook.previous_secret, webhook.previous_until = locked.webhook_secret, timezone.now() + OVERLAP
        webhook.save(update_fields=["previous_secret", "previous_until"])
        locked.webhook_secret = room.webhook_secret = new_secret()
        locked.save(update_fields=["webhook_secret", "updated_at"])
    return webhook.previous_until
