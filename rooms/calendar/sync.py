"""Keeping the events of rooms as their calendars say."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from rooms.calendar import parsing
from rooms.calendar.feed import FeedUnavailable, fetch
from rooms.calendar.parsing import Occurrence, UnreadableCalendar
from rooms.models import CalendarEvent, CalendarSync, Room

logger = logging.getLogger(__name__)

PAST = timedelta(days=7)
AHEAD = timedelta(days=60)
READ_AGAIN = timedelta(hours=6)  # also a feed that has not changed: the window goes on
LONGEST_PAUSE = timedelta(days=1)  # between two tries of a feed that fails
SOONEST_AGAIN = timedelta(seconds=5)  # by hand
SAME_MEETING = timedelta(hours=24)  # by which a recurring event may be moved as a whole, and its instances be the same
FIELDS = [
    "title",
    "description",
    "location",
    "attendees",
    "start_time",
    "end_time",
    "is_all_day",
    "first_day",
    "is_cancelled",
]

KEPT = ["source", "etag", "last_modified", "read_at", "next_sync_at", "failures", "error", "result"]

TOLD = {
    "success": gettext_noop("The calendar was read. Events of this room: {total_events}."),
    "unchanged": gettext_noop("The calendar was looked at, and is as it was."),
    "skipped": "{reason}",
    "error": "{error}",
}

Key = tuple[str, str]


@dataclass
class SyncResult:
    """What came of one fetch, in the words of the API's contract."""

    status: str
    hash: str | None = None
    events_found: int = 0  # that point at the room
    total_events: int = 0  # that the room has now
    events_created: int = 0
    events_updated: int = 0
    events_deleted: int = 0
    error: str | None = None
    reason: str | None = None


def room_address(room: Room) -> str:
    """Where the room is found, as it stands in an invitation."""
    return f"{settings.PUBLIC_URL}/{room.name}".partition("://")[2]


def source_of(room: Room) -> str:
    """Tells one calendar of a room from another, without keeping its address twice."""
    settings_of_feed = f"{room.ics_url}|{room.ics_all_events}|{room.name}"
    return hashlib.sha256(settings_of_feed.encode()).hexdigest()


def ask_for_sync(room: Room) -> CalendarSync:
    """Have the room's calendar fetched now. The row of that work."""
    job, created = CalendarSync.objects.get_or_create(room=room)
    if not created:
        CalendarSync.objects.filter(pk=job.pk).run_again()
    job.enqueue_on_commit()
    return job


def ask_for_due() -> int:
    """Have fetched what is due. How many calendars that are."""
    now = timezone.now()
    enabled = Room.objects.filter(ics_enabled=True, ics_url__gt="").order_by()
    missing = enabled.filter(calendar_sync=None)
    CalendarSync.objects.bulk_create([CalendarSync(room=room) for room in missing], ignore_conflicts=True)
    resting = CalendarSync.objects.exclude(state__in=[CalendarSync.State.WAITING, CalendarSync.State.RUNNING])
    return resting.filter(next_sync_at__lte=now, room__in=enabled).run_again()


def sync_now(room: Room) -> dict[str, Any]:
    """Fetch the room's calendar in this call, and say what came of it; `skipped` while a worker is at it anyway."""
    job, _ = CalendarSync.objects.get_or_create(room=room)
    mine = CalendarSync.objects.filter(pk=job.pk)
    if job.finished_at and timezone.now() - job.finished_at < SOONEST_AGAIN:
        return asdict(SyncResult("skipped", reason=gettext_noop("It was fetched a moment ago.")))
    mine.run_again()
    if not CalendarSync.run(job.pk):
        return asdict(SyncResult("skipped", reason=gettext_noop("It is being fetched.")))
    result: dict[str, Any] = mine.values_list("result", flat=True).get()
    return result


def in_words(result: dict[str, Any]) -> str:
    """What came of a fetch, for the person who asked for it."""
    said = {name: gettext(value) if value and isinstance(value, str) else value for name, value in result.items()}
    return gettext(TOLD[result["status"]]).format(**said)


def follow_room(room: Room) -> None:
    """After a room was saved: another calendar is fetched at once, and one that is off takes its events along."""
    if not (room.ics_enabled and room.ics_url):
        now = timezone.now()
        room.calendar_events.filter(gone_at=None).update(gone_at=now, updated_at=now, sequence=F("sequence") + 1)
    elif not CalendarSync.objects.filter(room=room, source=source_of(room)).exists():
        ask_for_sync(room)


def perform(job: CalendarSync) -> None:
    """Fetch and keep. What is wrong with a feed is kept with the room and is no failure of the work."""
    room = Room.objects.get(pk=job.room_id)
    if not (room.ics_enabled and room.ics_url):
        return
    if job.source != (source := source_of(room)):
        job.source, job.read_at, job.failures = source, None, 0
    now = timezone.now()
    try:
        result = _sync(job, room, now)
    except (FeedUnavailable, UnreadableCalendar) as error:
        result = SyncResult("error", error=str(error))
        logger.info("calendar_not_synced room=%s error=%s", room.pk, error)
    _record(job, room, result, now)


def _sync(job: CalendarSync, room: Room, now: datetime) -> SyncResult:
    is_recent = job.read_at is not None and not job.error and now - job.read_at < READ_AGAIN
    known = (job.etag, job.last_modified) if is_recent else ("", "")
    feed = fetch(room.ics_url or "", *known)
    digest = room.ics_last_etag if feed.body is None else hashlib.sha256(feed.body).hexdigest()
    if feed.body is None or (is_recent and digest == room.ics_last_etag):
        return SyncResult("unchanged", digest, total_events=room.calendar_events.filter(gone_at=None).count())
    address = "" if room.ics_all_events else room_address(room)
    result = keep(room, parsing.parser.occurrences(feed.body, now - PAST, now + AHEAD, address), now)
    result.hash = digest
    job.etag, job.last_modified, job.read_at = feed.etag, feed.last_modified, now
    return result


def _record(job: CalendarSync, room: Room, result: SyncResult, now: datetime) -> None:
    job.failures = job.failures + 1 if result.error else 0
    pause = timedelta(seconds=interval_seconds(room)) * 2 ** min(job.failures, 10)
    job.next_sync_at, job.error = now + min(pause, LONGEST_PAUSE), result.error or ""
    job.result = asdict(result)
    job.save(update_fields=KEPT)
    if not result.error:
        # Not a change that somebody made: updated_at stays.
        Room.objects.filter(pk=room.pk).update(ics_last_sync=now, ics_last_etag=result.hash)


def interval_seconds(room: Room) -> int:
    """Seconds between two fetches. The existing client offers 1 to 60 and means minutes."""
    return room.ics_fetch_interval * 60 if room.ics_fetch_interval <= 60 else room.ics_fetch_interval


def keep(room: Room, found: Iterable[Occurrence], now: datetime) -> SyncResult:
    """Make the rows of a room's events what was found in its window; rows that are right already are not written."""
    wanted = {(occurrence.uid, occurrence.recurrence): _values(occurrence) for occurrence in found}
    with transaction.atomic():
        Room.objects.select_for_update().get(pk=room.pk)  # one at a time
        known = {(event.ics_uid, event.recurrence): event for event in room.calendar_events.all()}
        _follow_moved_series(known, wanted)
        created = [
            CalendarEvent(room=room, ics_uid=uid, recurrence=recurrence, **values)
            for (uid, recurrence), values in wanted.items()
            if (uid, recurrence) not in known
        ]
        CalendarEvent.objects.bulk_create(created, batch_size=500)
        updated = [event for key, event in known.items() if key in wanted and _update(event, wanted[key])]
        gone = [event for key, event in known.items() if key not in wanted and _is_missed(event, now)]
        for event in gone:
            event.gone_at = now
            event.sequence += 1
            event.save(update_fields=["gone_at", "sequence", "updated_at"])
    return SyncResult(
        "success",
        events_found=len(wanted),
        total_events=len(wanted),
        events_created=len(created),
        events_updated=len(updated),
        events_deleted=len(gone),
    )


def _values(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "title": occurrence.title,
        "description": occurrence.description,
        "location": occurrence.location,
        "attendees": occurrence.attendees,
        "start_time": occurrence.start,
        "end_time": occurrence.end,
        "is_all_day": occurrence.first_day is not None,
        "first_day": occurrence.first_day,
        "is_cancelled": occurrence.cancelled,
    }


def _update(event: CalendarEvent, values: dict[str, Any]) -> bool:
    """Whether there was anything to change."""
    if event.gone_at is None and all(getattr(event, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(event, name, value)
    event.gone_at = None
    event.sequence += 1
    event.save(update_fields=[*FIELDS, "gone_at", "recurrence", "sequence", "updated_at"])
    return True


def _is_missed(event: CalendarEvent, now: datetime) -> bool:
    """Whether the feed would name it if it still took place: what has left the window is no news."""
    return event.gone_at is None and event.end_time > now - PAST and event.start_time < now + AHEAD


def _follow_moved_series(known: dict[Key, CalendarEvent], wanted: dict[Key, dict[str, Any]]) -> None:
    """Let rows go along with a recurring event that was moved as a whole, so that each stays the same meeting."""
    for key in [key for key in wanted if key not in known and key[1]]:
        start = wanted[key]["start_time"]
        left = [
            event
            for other, event in known.items()
            if other[0] == key[0] and other[1] and other not in wanted and abs(event.start_time - start) < SAME_MEETING
        ]
        if left:
            nearest = min(left, key=lambda event: abs(event.start_time - start))
            del known[nearest.ics_uid, nearest.recurrence]
            nearest.recurrence = key[1]
            known[key] = nearest
