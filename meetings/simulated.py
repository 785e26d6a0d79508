"""Meetings on platforms that are only played, which know nothing any more when the sandbox starts anew."""

from meetings.models import Meeting
from meetings.opening import end_gone_meeting
from platforms.handler import find_platform_client


def end_simulated_meetings() -> int:
    """Their rooms are gone with everybody in them: the next who come open new ones."""
    return sum(end_gone_meeting(meeting) for meeting in Meeting.objects.live() if _is_simulated(meeting.platform))


def _is_simulated(platform: str) -> bool:
    client = find_platform_client(platform)
    return client is not None and client.is_simulated
