from typing import Any

from django.dispatch import receiver

from meetings import transitions
from platforms.events import Event
from platforms.signals import event_received
from platforms.webhooks import processing


@receiver(event_received, dispatch_uid="meetings")
def apply_event(*, event: Event, **kwargs: Any) -> bool:
    return transitions.apply_event(event)


processing.prepare_by(transitions.together)
