"""Noticing that a provider's room is gone, which no provider tells: deleted by hand there, or lost by the sandbox."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from meetings.models import Meeting, latest
from platforms.abilities import RoomLookup
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformError
from platforms.handler import adapter_errors, create_platform_client

logger = logging.getLogger(__name__)

# How old a sign of life may be before the provider is asked; so a crowd that comes in costs one call a minute.
FRESH = timedelta(seconds=60)


def is_gone(meeting: Meeting) -> bool:
    """Whether the provider says that a live meeting's room is not there. While it cannot be asked, the room counts
    as there.
    """
    try:
        client = create_platform_client(meeting.platform)
        if not (isinstance(client, RoomLookup) and _is_to_be_asked(meeting, client, timezone.now())):
            return False
        with adapter_errors(meeting.platform):
            return not client.has_room(meeting.room_name, meeting.provider_meeting_id)
    except PlatformError as error:
        logger.warning("room_unknown meeting=%s platform=%s error=%s", meeting.pk, meeting.platform, error)
        return False


def _is_to_be_asked(meeting: Meeting, client: VideoPlatformClient, now: datetime) -> bool:
    """Of several requests at once, one asks. What is played on this machine may be gone at any moment."""
    if not client.is_simulated and _last_sign_of_life(meeting) > now - FRESH:
        return False
    this = Meeting.objects.live().filter(pk=meeting.pk, room_checked_at=meeting.room_checked_at)
    return bool(this.update(room_checked_at=now))


def _last_sign_of_life(meeting: Meeting) -> datetime:
    seen_at = meeting.presence_checked_at if meeting.num_clients else None  # nobody is in a room that is gone
    return latest(meeting.start_date, meeting.last_active_at, meeting.room_checked_at, seen_at) or meeting.start_date
