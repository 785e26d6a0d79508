"""Sending a test event now, in the call of whoever wants to know."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from rooms.models import Room, WebhookDelivery
from rooms.webhooks.events import new_delivery, switch_on, webhook_of
from rooms.webhooks.sending import Answer, note, send

TOTAL_SECONDS = 10.0
MESSAGE = "This is a test webhook from Reflector"
NO_ADDRESS = gettext_noop("No webhook URL configured")
UNDER_WAY = gettext_noop("A test is under way.")
State = WebhookDelivery.State


def send_test(room: Room) -> dict[str, Any]:
    """What came of it, in the words of the API's contract. A test that succeeds switches the webhook on again."""
    if not room.has_webhook:
        return result(error=NO_ADDRESS)
    delivery = _begin(room)
    if delivery is None:
        return result(error=UNDER_WAY)
    answer = send(room, delivery, attempt=0, total=TOTAL_SECONDS)
    note(delivery, answer)
    delivery.state = State.DONE if answer.is_success else State.FAILED
    delivery.last_error, delivery.finished_at = answer.error, timezone.now()
    delivery.lease_token = delivery.lease_until = None
    delivery.save()
    if answer.is_success:
        switch_on(webhook_of(room))
    return _told(answer)


def _begin(room: Room) -> WebhookDelivery | None:
    """The row of a test that nobody else performs; None while another one is under way."""
    with transaction.atomic():
        Room.objects.select_for_update().get(pk=room.pk)
        webhook_of(room)
        now = timezone.now()
        tests = WebhookDelivery.objects.filter(room=room, event="test", state=State.RUNNING, lease_until__gt=now)
        if tests.exists():
            return None
        delivery = new_delivery(room, "test", {"message": MESSAGE})
        delivery.state, delivery.attempts = State.RUNNING, 1
        delivery.lease_until, delivery.lease_token = now + WebhookDelivery.LEASE, uuid.uuid4()
        delivery.save(force_insert=True)
    return delivery


def _told(answer: Answer) -> dict[str, Any]:
    if answer.status is None:
        return result(error=answer.error)
    outcome = "successful" if answer.is_success else "failed"
    return result(
        success=answer.is_success,
        message=f"Webhook test {outcome}",
        status_code=answer.status,
        response_preview=answer.preview or None,
    )


def result(**values: Any) -> dict[str, Any]:
    nothing = {"success": False, "message": "", "error": "", "status_code": None, "response_preview": None}
    return nothing | values
