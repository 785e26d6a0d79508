"""The way into a live meeting, for one person."""

import logging

from meetings.models import Meeting
from meetings.opening import end_gone_meeting, end_if_gone
from meetings.transitions import touch_activity
from platforms.exceptions import PlatformRejected
from platforms.handler import adapter_errors, create_platform_client
from platforms.types import JoinLink, JoinRequest

logger = logging.getLogger(__name__)


class MeetingGone(Exception):
    """The provider no longer has the meeting's room; the meeting has been ended, so that the next opens another."""


def let_in(meeting: Meeting, wanted: JoinRequest) -> JoinLink:
    """Raises MeetingGone, PlatformUnavailable, PlatformRejected and PlatformNotConfigured."""
    if end_if_gone(meeting):
        raise MeetingGone
    try:
        with adapter_errors(meeting.platform):
            link = create_platform_client(meeting.platform).join_link(wanted)
    except PlatformRejected as error:
        if error.status != 404:
            raise
        end_gone_meeting(meeting)
        raise MeetingGone from error
    touch_activity(meeting)
    return link
