"""Thin tasks: they call the plain code that does the work."""

import logging
import uuid
from contextlib import suppress

from celery import shared_task
from django.db.models import Q

from meetings.models import Meeting
from platforms.exceptions import PlatformNotConfigured
from platforms.types import RecordingRef
from recordings.intake import discovery, register, sqs
from recordings.models import Recording, TranscriptEvent
from recordings.privacy import consent, retention
from recordings.transcription import reachability

logger = logging.getLogger(__name__)

QUEUE_WAIT_SECONDS = 5  # that the queue may take to bring a message; any wait asks all of its servers
QUEUE_RUN_SECONDS = 30  # for one run, so that a worker is free again
LISTING_SECONDS = 270  # less than there is between two listings


@shared_task
def process_recording_queue() -> None:
    """Take what the queue has; a recording that a lost message told of is found by `find_recordings`."""
    try:
        tally = sqs.drain(sqs.Queue(), QUEUE_WAIT_SECONDS, QUEUE_RUN_SECONDS)
    except (PlatformNotConfigured, *sqs.AWAY) as error:
        logger.warning("queue_not_processed error=%s", discovery.error_summary(error))
        return
    if tally.received:
        logger.info("queue_processed %s", tally)


@shared_task
def check_dead_letters() -> None:
    try:
        sqs.check_dead_letters()
    except (PlatformNotConfigured, *sqs.AWAY) as error:
        logger.warning("dead_letters_not_checked error=%s", discovery.error_summary(error))


@shared_task
def check_transcriber() -> None:
    reachability.check()


@shared_task(soft_time_limit=LISTING_SECONDS, time_limit=LISTING_SECONDS + 30)
def find_recordings() -> None:
    """Look for recordings that nobody told of; what was found before the time is over is kept."""
    discovery.find_everywhere()


@shared_task
def process_recording_from_url(recording_url: str, meeting_id: str, recording_id: str) -> None:
    """Take in a recording by an address that lasts for a while; `meeting_id` is ours or the provider's.

    Raises Meeting.DoesNotExist, and ValueError when there is no `recording_id`.
    """
    meeting = _meeting(meeting_id)
    ref = RecordingRef(
        platform=meeting.platform,
        recording_id=recording_id,
        room_name=meeting.room_name,
        meeting_id=meeting.provider_meeting_id,
        kind=Recording.Kind.FILE,
        download_url=recording_url,
    )
    recording = register.register_recording(ref)
    if recording.state == Recording.State.UNMATCHED:
        register.link(recording, meeting)


def _meeting(meeting_id: str) -> Meeting:
    meant = Q(provider_meeting_id=meeting_id) & ~Q(provider_meeting_id="")
    with suppress(ValueError):
        meant |= Q(pk=uuid.UUID(meeting_id))
    return Meeting.objects.filter(meant).latest("start_date")


@shared_task
def enforce_consent() -> None:
    """Delete what people refused, and pictures that are not to be kept, once it is processed."""
    consent.enforce_recent()


@shared_task
def enforce_all_consent() -> None:
    """The same for what was not looked at while it was new."""
    consent.enforce_all()


@shared_task
def prune_recordings() -> None:
    retention.prune()


@shared_task
def prune_transcript_events() -> None:
    TranscriptEvent.prune()
