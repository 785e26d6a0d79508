import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.work.models import Job
from rooms.models.room import Room


class CalendarEventQuerySet(models.QuerySet["CalendarEvent"]):
    def listed(self) -> "CalendarEventQuerySet":
        """What takes place as far as the calendar says."""
        return self.filter(gone_at=None, is_cancelled=False)

    def upcoming(self, now: datetime, within: timedelta) -> "CalendarEventQuerySet":
        """Those that run now or begin within that time, by start."""
        return self.listed().filter(end_time__gt=now, start_time__lte=now + within)

    def next_of(self, rooms: Collection[Room], now: datetime) -> dict[uuid.UUID, "CalendarEvent"]:
        """What begins next in each of the rooms, within a day."""
        coming = self.upcoming(now, timedelta(days=1)).filter(room__in=rooms, start_time__gt=now)
        return {event.room_id: event for event in coming.order_by("-start_time")}


class CalendarEvent(models.Model):
    """One time that an event of a room's calendar takes place. One that vanishes from the feed may come back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="calendar_events")
    ics_uid = models.TextField()
    recurrence = models.CharField(
        max_length=40, blank=True, default="", help_text=_("Which instance of a recurring one.")
    )
    title = models.TextField(blank=True, default="")
    description = models.TextField(blank=True, default="")
    location = models.TextField(blank=True, default="")
    attendees = models.JSONField(default=list, blank=True)
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    is_all_day = models.BooleanField(default=False)
    first_day = models.DateField(
        null=True, blank=True, help_text=_("Of an event of whole days, where its calendar is.")
    )
    is_cancelled = models.BooleanField(default=False)
    sequence = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text=_("How often it changed.")
    )
    gone_at = models.DateTimeField(null=True, blank=True, help_text=_("When the feed was first seen without it."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CalendarEventQuerySet.as_manager()

    class Meta:
        ordering = ["start_time", "ics_uid"]
        constraints = [
            models.UniqueConstraint(fields=["room", "ics_uid", "recurrence"], name="one_row_per_occurrence"),
        ]
        indexes = [models.Index(fields=["room", "start_time"], name="calendar_event_by_start")]

    def __str__(self) -> str:
        return self.title or self.ics_uid


class CalendarSync(Job):
    """Fetch the calendar of a room, again and again. A fetch that fails leaves the events as they were."""

    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "calendars"
    LEASE: ClassVar[timedelta] = timedelta(seconds=60)
    MAX_ATTEMPTS: ClassVar[int] = 3  # of one time; the next one comes anyway

    room = models.OneToOneField(Room, on_delete=models.CASCADE, related_name="calendar_sync")
    source = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text=_("Hash of the address.")
    )
    etag = models.TextField(blank=True, default="", editable=False)
    last_modified = models.TextField(blank=True, default="", editable=False)
    read_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When the events were last read from a feed.")
    )
    next_sync_at = models.DateTimeField(default=timezone.now, db_index=True)
    failures = models.PositiveIntegerField(default=0, help_text=_("In a row."))
    error = models.TextField(blank=True, default="", help_text=_("Why the last fetch brought nothing."))
    result = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="calendar_sync_due")]

    def __str__(self) -> str:
        return gettext("calendar of {room}").format(room=self.room)
