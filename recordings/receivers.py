import logging
from dataclasses import replace
from typing import Any

from django.dispatch import receiver

from meetings.transitions import asked_for
from platforms.events import Event, RecordingReady
from platforms.handler import create_platform_client
from platforms.signals import event_received
from recordings import reporting

logger = logging.getLogger(__name__)


@receiver(event_received, dispatch_uid="recordings")
def report_recording(*, event: Event, **kwargs: Any) -> bool:
    """A finished recording is kept also when its meeting is not known here."""
    if not isinstance(event, RecordingReady):
        return False
    ref = create_platform_client(event.platform).recording_of_event(event)
    if not (ref.recording_id or ref.key):
        logger.warning("recording_without_a_name platform=%s", event.platform)  # only a listing can find it
        return False
    if not (ref.room_name or ref.meeting_id) and (asked := asked_for(event)):
        ref = replace(ref, room_name=asked.meeting.room_name, meeting_id=asked.meeting.provider_meeting_id)
    reporting.report(ref)
    return True
