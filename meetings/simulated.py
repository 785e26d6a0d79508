"""Meetings on platforms that are only played, which know nothing any more when the sandbox starts anew."""

import logging

from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import end_meeting
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client

logger = logging.getLogger(__name__)


def end_simulated_meetings() -> int:
    """Their rooms are gone with everybody in them: the next who come open new ones. A recording was cut off."""
    ended = 0
    for meeting in Meeting.objects.live():
        if _is_simulated(meeting.platform):
            if meeting.is_recording:
                Meeting.objects.filter(pk=meeting.pk).update(recording_failed_at=timezone.now())
            ended += end_meeting(meeting, close_room=False)
            logger.info(
                "meeting_closed meeting=%s platform=%s reason='sandbox restarted'", meeting.pk, meeting.platform
            )
    return ended


def _is_simulated(platform: str) -> bool:
    try:
        return create_platform_client(platform).is_simulated
    except PlatformNotConfigured:
        return False
