"""A room's events as a calendar that people subscribe to, by a link that its owner makes and can take back.

RFC 5545, with the names that calendar programs know from RFC 7986. What is for those in the meeting alone, the
description and who is invited, is left out. An event that was cancelled, or that vanished from the room's own calendar,
stays a while as cancelled, so that programs which have it take it away.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import icalendar
from django.conf import settings
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from rooms.calendar.sync import PAST
from rooms.models import CalendarEvent, Room

PRODUCT = "-//Reflector Rooms//Calendar//EN"
LOOK_AGAIN = timedelta(minutes=15)  # how often programs are asked to
MOST_EVENTS = 5000
SECRET_BYTES = 24


def make_link(room: Room) -> str:
    """Another link for the room; the one before it ends."""
    room.calendar_secret = secrets.token_urlsafe(SECRET_BYTES)
    room.save(update_fields=["calendar_secret", "updated_at"])
    return link_of(room) or ""


def revoke_link(room: Room) -> None:
    room.calendar_secret = None
    room.save(update_fields=["calendar_secret", "updated_at"])


def link_of(room: Room) -> str | None:
    """For those who may change the room. Raises WrongKey."""
    if not room.calendar_secret:
        return None
    return f"{settings.PUBLIC_URL}/v1/rooms/{room.name}/calendar.ics?key={room.calendar_secret}"


def opens(room: Room, key: str) -> bool:
    return bool(room.calendar_secret) and constant_time_compare(key, room.calendar_secret)


def version_of(room: Room) -> str:
    """Another one whenever the calendar would be another one."""
    state = _events(room).order_by().aggregate(count=Count("pk"), changed=Max("updated_at"))
    text = f"{settings.PUBLIC_URL}|{room.name}|{room.label}|{state['count']}|{state['changed']}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def as_calendar(room: Room) -> bytes:
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for name in ("name", "x-wr-calname"):
        calendar.add(name, room.label)
    calendar.add("refresh-interval", LOOK_AGAIN, parameters={"VALUE": "DURATION"})
    for event in _events(room)[:MOST_EVENTS]:
        calendar.add_component(_event(room, event))
    content: bytes = calendar.to_ical()
    return content


def _events(room: Room) -> QuerySet[CalendarEvent]:
    return room.calendar_events.filter(end_time__gt=timezone.now() - PAST)


def _event(room: Room, event: CalendarEvent) -> Any:
    address = f"{settings.PUBLIC_URL}/{room.name}"
    shown = icalendar.Event()
    shown.add("uid", f"{event.pk}@{urlsplit(settings.PUBLIC_URL).hostname}")
    shown.add("sequence", event.sequence)
    shown.add("dtstamp", event.updated_at)
    shown.add("last-modified", event.updated_at)
    shown.add("summary", event.title or room.label)
    shown.add("location", address)
    shown.add("url", address)
    shown.add("status", "CANCELLED" if event.is_cancelled or event.gone_at else "CONFIRMED")
    start, end = _times(event)
    shown.add("dtstart", start)
    shown.add("dtend", end)
    return shown


def _times(event: CalendarEvent) -> tuple[Any, Any]:
    if event.first_day is None:
        return _whole(event.start_time), _whole(event.end_time)
    days = max(1, round((event.end_time - event.start_time) / timedelta(days=1)))
    return event.first_day, event.first_day + timedelta(days=days)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
