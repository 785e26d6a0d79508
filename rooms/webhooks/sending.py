"""Sending one event to a room's receiver, and what its answer means for it and for what waits behind it."""

import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from django.utils import timezone
from django.utils.translation import gettext_noop

from platforms.exceptions import PlatformError, PlatformRejected
from platforms.http.safe_http import RequestRefused, read_start, safe_session
from platforms.work.models import ResultPending
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.webhooks.events import SAVED, switch_on, webhook_of
from rooms.webhooks.signing import headers_for

logger = logging.getLogger(__name__)

TOTAL_SECONDS = 15.0
SILENCE_SECONDS = 10.0
ANSWER_BYTES = 16 * 1024
PREVIEW_CHARACTERS = 500
USER_AGENT = "Reflector-Webhook/1.0"
GONE = 410
PASSING = frozenset({408, 425, 429})  # of the answers 4xx, those that may be others later
LONGEST_RETRY_AFTER = timedelta(hours=8)
SWITCHED_OFF = gettext_noop("The room's webhook is switched off.")
NO_ADDRESS = gettext_noop("The room has no webhook address.")
FAILED_ONLY = gettext_noop("Nothing could be delivered for five days.")
IS_GONE = gettext_noop("The receiver answered 410: it wants no more.")


class NotTaken(ResultPending):
    """The receiver did not take it now: it is sent again."""


class Refused(PlatformRejected):
    """The receiver does not want it: it is not sent again."""


@dataclass
class Answer:
    """What came of one attempt; `status` is None where no answer came, and `error` says why."""

    status: int | None = None
    error: str = ""
    preview: str = ""
    retry_after: float = 0.0
    is_final: bool = False  # no attempt can help
    seconds: float = 0.0

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def perform(delivery: WebhookDelivery) -> None:
    """Raises Refused and NotTaken."""
    room = Room.objects.get(pk=delivery.room_id)
    if not room.has_webhook:
        raise Refused(NO_ADDRESS)
    webhook = webhook_of(room)
    if webhook.off_since:
        raise Refused(SWITCHED_OFF)
    answer = send(room, delivery, delivery.attempts - 1)
    note(delivery, answer)
    delivery.renew()  # one that another worker has taken over says nothing of the receiver
    if answer.is_success:
        if webhook.failing_since:
            switch_on(webhook)
        return
    pause = _note_failure(webhook, answer)
    if answer.is_final:
        raise Refused(answer.error)
    raise NotTaken(answer.error, pause.total_seconds())


def on_permanent_failure(delivery: WebhookDelivery) -> None:
    logger.info("webhook_not_delivered room=%s event=%s id=%s", delivery.room_id, delivery.event, delivery.event_id)


def send(room: Room, delivery: WebhookDelivery, attempt: int, total: float = TOTAL_SECONDS) -> Answer:
    """Post the event once. Redirects are not followed."""
    body = delivery.body.encode()
    began, timestamp = time.monotonic(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Webhook-Event": delivery.event,
        "X-Webhook-Retry": str(attempt),
        **headers_for(str(delivery.event_id), timestamp, body, secrets_of(room)),
    }
    answer = _post(room.webhook_url or "", body, headers, total)
    answer.seconds = round(time.monotonic() - began, 3)
    return answer


def secrets_of(room: Room) -> list[str]:
    """Those that are valid now, the newest first."""
    webhook = Webhook.objects.filter(room=room, previous_until__gt=timezone.now()).first()
    return [secret for secret in (room.webhook_secret, webhook and webhook.previous_secret) if secret]


def note(delivery: WebhookDelivery, answer: Answer) -> None:
    attempt = {
        "at": timezone.now().isoformat(),
        "status": answer.status,
        "seconds": answer.seconds,
        "error": answer.error,
        "answer": answer.preview,
    }
    delivery.log = [*delivery.log, attempt]


def _post(url: str, body: bytes, headers: dict[str, str], total: float) -> Answer:
    try:
        with safe_session(total, SILENCE_SECONDS) as session:
            response = session.post(url, data=body, headers=headers, allow_redirects=False)
            return _read(response)
    except RequestRefused as error:
        return Answer(error=str(error), is_final=True)
    except PlatformError as error:
        return Answer(error=str(error))


def _read(response: requests.Response) -> Answer:
    """The status counts, whatever becomes of the body."""
    answer = Answer(response.status_code, preview=read_start(response, ANSWER_BYTES)[:PREVIEW_CHARACTERS])
    if answer.is_success:
        return answer
    answer.error = f"The receiver answered {response.status_code}."
    answer.is_final = response.status_code < 500 and response.status_code not in PASSING
    answer.retry_after = _retry_after(response.headers.get("Retry-After", ""))
    return answer


def _retry_after(value: str) -> float:
    """Seconds, from a number or a date (RFC 9110, 10.2.3); no longer than the longest pause."""
    seconds = 0.0
    if value.isascii() and value.isdigit():
        seconds = float(value[:10])
    else:
        with suppress(ValueError, TypeError, OverflowError):
            seconds = (_aware(parsedate_to_datetime(value)) - timezone.now()).total_seconds()
    return max(0.0, min(seconds, LONGEST_RETRY_AFTER.total_seconds()))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_default_timezone())


def _note_failure(webhook: Webhook, answer: Answer) -> timedelta:
    """Count it, and say for how long nothing is sent to the receiver: one call then tells whether it is well again."""
    now = timezone.now()
    webhook.failing_since = webhook.failing_since or now
    pause = timedelta()
    if not answer.is_final:
        webhook.failures += 1
        pause = max(_pause_after(webhook.failures), timedelta(seconds=answer.retry_after))
        webhook.resting_until = now + pause  # for all that waits: no row of it is written
    webhook.save(update_fields=SAVED)
    if answer.status == GONE:
        switch_off(webhook, IS_GONE)
    elif webhook.is_overdue:
        switch_off(webhook, FAILED_ONLY)
    return pause


def _pause_after(failures: int) -> timedelta:
    factor: int = 2 ** min(failures - 1, 20)
    pause = min(WebhookDelivery.FIRST_PAUSE * factor, WebhookDelivery.LONGEST_PAUSE)
    return pause * random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)


def switch_off(webhook: Webhook, reason: str) -> None:
    """What waits rests as failed: the owner can have it sent again once the receiver is well."""
    now = timezone.now()
    webhook.off_since, webhook.off_reason = now, reason
    webhook.save(update_fields=SAVED)
    _waiting(webhook).update(state=WebhookDelivery.State.FAILED, last_error=SWITCHED_OFF, finished_at=now)
    logger.warning("webhook_switched_off room=%s reason=%r", webhook.room_id, reason)


def _waiting(webhook: Webhook) -> Any:
    return WebhookDelivery.objects.filter(room_id=webhook.room_id, state=WebhookDelivery.State.WAITING)
