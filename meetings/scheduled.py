"""Meetings that calendars ask for: opened shortly before their events, once each, and moved and cancelled with them."""

import logging
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from meetings.models import Meeting, ProviderCall
from meetings.opening import end_meeting, open_reserved
from meetings.reserving import reserve
from platforms.exceptions import PlatformError
from platforms.handler import create_platform_client, why_unavailable
from rooms.models import CalendarEvent
from rooms.selection import current_policy, select_for_room

logger = logging.getLogger(__name__)


def due_events(now: datetime | None = None) -> list[uuid.UUID]:
    """Events that begin soon or run now, and have no meeting yet. Those of whole days have no time to meet."""
    now = now or timezone.now()
    soon = CalendarEvent.objects.upcoming(now, settings.CALENDAR_OPEN_AHEAD)
    found = list(soon.filter(is_all_day=False, room__ics_enabled=True).values_list("pk", flat=True))
    opened = Meeting.objects.exclude(state=Meeting.State.FAILED).filter(calendar_event_id__in=list(map(str, found)))
    known = set(opened.values_list("calendar_event_id", flat=True))
    return [pk for pk in found if str(pk) not in known]


def open_for(event_id: uuid.UUID | str) -> Meeting | None:
    """Open the meeting of an event, on the platform that is selected now.

    None when there is one already, when the event is not to take place now any more, or when the platform cannot open
    it, which is tried again for as long as the event lasts.
    """
    event = CalendarEvent.objects.select_related("room").filter(pk=event_id).first()
    if event is None or event.pk not in due_events():
        return None
    policy = current_policy()
    try:
        reserved = reserve(
            event.room,
            f"calendar:{event.pk}",
            select_for_room(event.room, policy),
            start_date=event.start_time,
            end_date=event.end_time,
            calendar_event_id=str(event.pk),
            calendar_metadata=metadata_of(event),
        )
        return open_reserved(reserved, event.room, policy) if reserved else None
    except PlatformError as error:
        logger.warning("scheduled_meeting_not_opened event=%s room=%s error=%s", event.pk, event.room_id, error)
        return None


def metadata_of(event: CalendarEvent) -> dict[str, Any]:
    return {"title": event.title, "description": event.description, "attendees": event.attendees}


def follow_events() -> None:
    """Let meetings that are open follow their events: moved, renamed, or cancelled while nobody is in."""
    meetings = {m.calendar_event_id: m for m in Meeting.objects.live().filter(calendar_event_id__isnull=False)}
    known = {str(event.pk): event for event in CalendarEvent.objects.filter(pk__in=_uuids(meetings))}
    for event_id, meeting in meetings.items():
        event = known.get(event_id or "")
        if event is None or event.gone_at or event.is_cancelled:
            _cancel(meeting)
        elif changed := _changes(meeting, event):
            _move(meeting, changed)


def _uuids(texts: Any) -> list[uuid.UUID]:
    return [uuid.UUID(text) for text in texts]


def _cancel(meeting: Meeting) -> None:
    """Who is in it stays: the meeting then ends as any other does."""
    if meeting.num_clients:
        Meeting.objects.filter(pk=meeting.pk).update(calendar_event_id=None)
    else:
        logger.info("scheduled_meeting_cancelled meeting=%s", meeting.pk)
        end_meeting(meeting)


def _changes(meeting: Meeting, event: CalendarEvent) -> dict[str, Any]:
    """What the event says otherwise. An end that people's presence has put off is not brought forward."""
    wanted: dict[str, Any] = {"start_date": event.start_time, "calendar_metadata": metadata_of(event)}
    if event.end_time > meeting.end_date or (event.end_time < meeting.end_date and not meeting.first_joined_at):
        wanted["end_date"] = event.end_time
    return {name: value for name, value in wanted.items() if getattr(meeting, name) != value}


def _move(meeting: Meeting, changed: dict[str, Any]) -> None:
    live = Meeting.objects.live().filter(pk=meeting.pk)
    if not live.update(**changed):
        return
    logger.info("scheduled_meeting_moved meeting=%s", meeting.pk)
    is_later = changed.get("end_date", meeting.end_date) > meeting.end_date
    if is_later and _can_extend(meeting.platform):
        ProviderCall.ask_again(meeting, ProviderCall.Kind.EXTEND_ROOM)


def _can_extend(platform: str) -> bool:
    return not why_unavailable(platform) and create_platform_client(platform).supports_extension
