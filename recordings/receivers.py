from typing import Any

from django.dispatch import receiver

from platforms.events import Event, RecordingReady
from platforms.handler import create_platform_client
from platforms.signals import event_received
from recordings import reporting


@receiver(event_received, dispatch_uid="recordings")
def report_recording(*, event: Event, **kwargs: Any) -> bool:
    """A finished recording is kept also when its meeting is not known here."""
    if not isinstance(event, RecordingReady):
        return False
    reporting.report(create_platform_client(event.platform).recording_of_event(event))
    return True
