import logging
from dataclasses import replace
from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from meetings.matching import asked_for
from meetings.models import Meeting
from platforms.abilities import Webhooks
from platforms.events import Event, RecordingReady
from platforms.handler import create_platform_client
from platforms.signals import event_received
from recordings.intake import register
from recordings.models import Transcript, TranscriptEvent
from recordings.privacy import consent
from rooms.models import WebhookDelivery

logger = logging.getLogger(__name__)


@receiver(event_received, dispatch_uid="recordings")
def report_recording(*, event: Event, **kwargs: Any) -> bool:
    """A finished recording is kept also when its meeting is not known here."""
    if not isinstance(event, RecordingReady):
        return False
    ref = create_platform_client(event.platform).require(Webhooks).recording_of_event(event)
    if not (ref.recording_id or ref.key):
        logger.warning("recording_without_a_name platform=%s", event.platform)  # only a listing can find it
        return False
    if not (ref.room_name or ref.meeting_id) and (asked := asked_for(event)):
        ref = replace(ref, room_name=asked.meeting.room_name, meeting_id=asked.meeting.provider_meeting_id)
    register.register_recording(ref)
    return True


@receiver(pre_delete, sender=Meeting, dispatch_uid="refused recordings")
def delete_what_was_refused(instance: Meeting, **kwargs: Any) -> None:
    """The answers go with the meeting: nobody would know any more that what was recorded was refused."""
    consent.delete_refused(instance)


@receiver(post_delete, sender=Transcript, dispatch_uid="told transcripts")
def forget_what_was_told(instance: Transcript, **kwargs: Any) -> None:
    """What a room's receiver was sent holds all that was said; events hold title and summaries."""
    WebhookDelivery.objects.filter(subject=instance.pk).delete()
    told = TranscriptEvent.objects.filter(transcript_id=instance.pk)
    told.exclude(kind=TranscriptEvent.Kind.DELETED).delete()
