"""Which of its live meetings a room's page leads to."""

from datetime import datetime

from django.db.models import Q

from meetings.models import SETTINGS_FIELDS, Meeting
from meetings.opening import MOST_PER_ROOM
from platforms.exceptions import PlatformError
from rooms.models import Room
from rooms.selection import select_for_room


def meetings_to_join(room: Room, now: datetime) -> list[Meeting]:
    """Live meetings, oldest first; none when one is to be opened.

    An empty one that was opened while the room was set otherwise, or on another platform, is left alone: what
    the room's owner changed counts at once, as when a meeting is opened by the API.
    """
    under_way = Q(end_date__gt=now) | Q(num_clients__gt=0)
    meetings = Meeting.objects.live().filter(under_way, room=room).order_by("start_date", "pk")
    try:
        platform = select_for_room(room).platform
    except PlatformError:
        return list(meetings[:MOST_PER_ROOM])  # nothing can be opened: what is there is better than nothing
    return [m for m in meetings[:MOST_PER_ROOM] if m.num_clients or m.calendar_event_id or _fits(m, room, platform)]


def _fits(meeting: Meeting, room: Room, platform: str) -> bool:
    return meeting.platform == platform and all(
        getattr(meeting, name) == getattr(room, name) for name in SETTINGS_FIELDS
    )
