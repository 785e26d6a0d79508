"""What becomes of an event that a platform reported: the apps above hear of it, each in the event's transaction."""

from platforms import metrics
from platforms.abilities import Webhooks
from platforms.handler import create_platform_client
from platforms.models import WebhookEvent
from platforms.signals import event_received

Outcome = WebhookEvent.Outcome


def process(kept: WebhookEvent) -> None:
    kept.outcome = ""
    found = create_platform_client(kept.platform).require(Webhooks).parse_webhook(bytes(kept.body))
    kept.room_name = next((event.room_name for event in found if event.room_name), "")
    kept.meeting_id = next((event.meeting_id for event in found if event.meeting_id), "")
    answers = [event_received.send(sender=type(event), event=event) for event in found]
    applied = any(answer for receivers in answers for _, answer in receivers)
    kept.outcome = Outcome.APPLIED if applied else Outcome.IGNORED
    metrics.events_processed.labels(kept.platform, kept.type, kept.outcome).inc()
