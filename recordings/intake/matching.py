"""Which meeting a recording belongs to: by the provider's own ids, and the nearest in time where a room had several."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from meetings.models import Meeting
from platforms.types import RecordingRef

# A recording may be reported long after it was made; further away in time it is somebody else's.
WINDOW = timedelta(hours=168)
LIKELY = 10  # meetings that staff are shown to choose from


def match_meeting(ref: RecordingRef) -> Meeting | None:
    """None when no meeting fits, or when the time that would decide between several is not known.

    Raises ValueError for a time without a zone: an hour off, it could name another meeting.
    """
    if ref.started_at and timezone.is_naive(ref.started_at):
        raise ValueError("A recording's start needs a time zone.")
    known = Meeting.objects.known_to_provider().filter(platform=ref.platform)
    if ref.meeting_id and (meeting := known.filter(provider_meeting_id=ref.meeting_id).first()):
        return meeting
    if not ref.room_name:
        return None
    held = known.in_provider_room(ref.room_name)
    if ref.started_at is None:
        candidates = held[:2]
        return candidates[0] if len(candidates) == 1 else None
    around = (ref.started_at - WINDOW, ref.started_at + WINDOW)
    return nearest(held.filter(start_date__range=around), ref.started_at)


def nearest(meetings: Iterable[Meeting], moment: datetime) -> Meeting | None:
    """The meeting whose start is nearest, within WINDOW before or after; of equally near ones that of the lower id."""

    def distance(meeting: Meeting) -> timedelta:
        return abs(meeting.start_date - moment)

    near = [meeting for meeting in meetings if distance(meeting) <= WINDOW]
    return min(near, key=lambda meeting: (distance(meeting), str(meeting.pk)), default=None)


def likely_meetings(platform: str, room_name: str, moment: datetime | None) -> list[Meeting]:
    """For staff to choose from: those of that room name, and those that began near that time, nearest first."""
    known = Meeting.objects.known_to_provider()
    if platform:
        known = known.filter(platform=platform)
    found = {meeting.pk: meeting for meeting in known.in_provider_room(room_name)[:LIKELY]} if room_name else {}
    if moment is None:
        return list(found.values())
    after = known.filter(start_date__gte=moment).order_by("start_date")[:LIKELY]
    before = known.filter(start_date__lt=moment).order_by("-start_date")[:LIKELY]
    near = sorted([*after, *before], key=lambda meeting: abs(meeting.start_date - moment))
    return list((found | {meeting.pk: meeting for meeting in near}).values())[:LIKELY]
