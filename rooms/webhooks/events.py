"""Keeping what is to be told to a room's receiver, in the transaction of its cause."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from platforms.work.database import is_away
from rooms.models.room import Room
from rooms.models.webhook import Webhook, WebhookDelivery

logger = logging.getLogger(__name__)

SAVED = ["source", "failures", "failing_since", "resting_until", "off_since", "off_reason"]

Payload = dict[str, Any]


def emit(
    room: Room | None, event: str, payload: Callable[[], Payload], subject: uuid.UUID | None = None
) -> WebhookDelivery | None:
    """Have an event told to the room's receiver, if it has one. Costs nothing where there is none.

    `payload` is called only then. A fault in it is logged and fails nothing: the cause matters more than its telling.
    Where the database cannot do it now, as in a deadlock, cause and telling are to be done again, both.
    """
    if room is None or not room.has_webhook or event in room.webhook_muted:
        return None
    try:
        with transaction.atomic():
            webhook, _ = Webhook.objects.get_or_create(room=room)
            if webhook.off_since and webhook_of(room).off_since:
                return None
            delivery = new_delivery(room, event, payload(), subject)
            if webhook.resting_until:
                delivery.next_attempt_at = max(delivery.next_attempt_at, webhook.resting_until)
            delivery.save(force_insert=True)
            delivery.enqueue_on_commit()
    except Exception as error:  # the cause's boundary
        if is_away(error):
            raise
        logger.exception("webhook_event_lost room=%s event=%s", room.pk, event)
        return None
    return delivery


def new_delivery(room: Room, event: str, payload: Payload, subject: uuid.UUID | None = None) -> WebhookDelivery:
    """What is null is said to be null."""
    event_id = uuid.uuid4()
    body = {
        "event": event,
        "event_id": event_id,
        "timestamp": timezone.now(),
        **payload,
        "room": {"id": room.pk, "name": room.name},
    }
    text = json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return WebhookDelivery(room=room, event=event, event_id=event_id, body=text, subject=subject)


def webhook_of(room: Room) -> Webhook:
    """How the room's receiver is doing; another address begins afresh. Raises WrongKey."""
    source = hashlib.sha256((room.webhook_url or "").encode()).hexdigest()
    webhook, _ = Webhook.objects.get_or_create(room=room, defaults={"source": source})
    if webhook.source != source:
        switch_on(webhook, source)
    return webhook


def switch_on(webhook: Webhook, source: str = "") -> None:
    """The receiver is well, as far as is known: what waited for it goes out now."""
    webhook.source = source or webhook.source
    webhook.failures, webhook.off_reason = 0, ""
    webhook.failing_since = webhook.resting_until = webhook.off_since = None
    webhook.save(update_fields=SAVED)
    waiting: Any = WebhookDelivery.objects.filter(room_id=webhook.room_id, state=WebhookDelivery.State.WAITING)
    now = timezone.now()
    waiting.filter(attempts=0, next_attempt_at__gt=now).update(next_attempt_at=now)
