import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Replace
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.moments import latest
from platforms.handler import platform_choices
from rooms.models import Room

# What a meeting takes over from its room. While these stay the same, an opening finds the live meeting again.
SETTINGS_FIELDS = (
    "is_locked",
    "room_mode",
    "recording_type",
    "recording_trigger",
    "skip_consent",
    "store_video",
)

# What the first page shows of recordings that are awaited.
RECORDED = models.Q(recording_started_at__isnull=False)
FAILED_TO_RECORD = models.Q(recording_failed_at__isnull=False)


def room_key(name: models.F | models.Value) -> Replace:
    """What two spellings of a provider's room name have in common: case and slashes do not count."""
    return Replace(Lower(name), models.Value("/"), models.Value(""))


def room_key_of(name: str) -> str:
    """The same as `room_key`, of a name that is not in the database."""
    return name.lower().replace("/", "")


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def live(self) -> "MeetingQuerySet":
        return self.filter(state=Meeting.State.LIVE)

    def under_way(self, now: datetime) -> "MeetingQuerySet":
        """Those that people can join: live, and not past their time with nobody in."""
        return self.live().filter(models.Q(end_date__gt=now) | models.Q(num_clients__gt=0))

    def unfinished(self) -> "MeetingQuerySet":
        return self.filter(state__in=[Meeting.State.OPENING, Meeting.State.LIVE])

    def known_to_provider(self) -> "MeetingQuerySet":
        """Those whose provider ids are known: only to them can an event belong."""
        return self.filter(state__in=[Meeting.State.LIVE, Meeting.State.ENDED])

    def in_provider_room(self, name: str) -> "MeetingQuerySet":
        return self.filter(room_key=room_key(models.Value(name))).order_by("-start_date", "-pk")


class Meeting(models.Model):
    """One time that people meet in a room, on one platform for its whole life."""

    class State(models.TextChoices):
        OPENING = "opening", _("Opening")
        LIVE = "live", _("Live")
        ENDED = "ended", _("Ended")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, related_name="meetings")
    last_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="meetings_of_deleted_rooms",
        help_text=_("Whose the room was when it was deleted: what was recorded in it is theirs."),
    )
    room_label = models.CharField(max_length=100, help_text=_("The room's name when the meeting opened."))
    state = models.CharField(max_length=16, choices=State, default=State.OPENING)
    # Openings that may share one meeting have the same slot; one asked for as a duplicate has its own.
    slot = models.CharField(max_length=64, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True, default="", help_text=_("Why it could not be opened."))

    platform = models.CharField(max_length=32, choices=platform_choices)
    platform_reason = models.TextField(help_text=_("Why it opened on this platform."))
    wanted_platform = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Where it was to open by the room's choice and the rollout."),
    )
    provider_meeting_id = models.CharField(max_length=255, blank=True, default="")
    room_name = models.CharField(max_length=255, blank=True, default="", help_text=_("The provider's room name."))
    room_key = models.GeneratedField(
        expression=room_key(models.F("room_name")), output_field=models.CharField(max_length=255), db_persist=True
    )
    room_url = models.URLField(max_length=2000, blank=True, default="")
    host_room_url = models.TextField(blank=True, default="")

    opening_ms = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text=_("Milliseconds that the platform took to open it.")
    )
    start_date = models.DateTimeField(default=timezone.now)
    end_date = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    calendar_event_id = models.CharField(
        max_length=255, null=True, blank=True, help_text=_("Set for a meeting that a calendar asked for.")
    )
    calendar_metadata = models.JSONField(
        null=True, blank=True, help_text=_("Title, description and attendees, as they stood in the calendar.")
    )

    # What the provider reported, each the earliest or the latest of its kind, so that the order of arrival is all the
    # same; see meetings/transitions.py.
    num_clients = models.PositiveIntegerField(default=0, help_text=_("How many people are in now."))
    counted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the provider counted them, where it does.")
    )
    presence_checked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the provider was last asked who is in.")
    )
    first_joined_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_active_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When somebody last came or went, as the provider told.")
    )
    expected_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When somebody was last given the way in.")
    )
    room_checked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the provider was last asked whether its room is there."),
    )
    call_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    recording_started_at = models.DateTimeField(null=True, blank=True, editable=False)
    recording_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    recording_failed_at = models.DateTimeField(null=True, blank=True, editable=False)

    is_locked = models.BooleanField(default=False)
    room_mode = models.CharField(max_length=16, choices=Room.Mode, default=Room.Mode.NORMAL)
    recording_type = models.CharField(max_length=16, choices=Room.RecordingType, default=Room.RecordingType.CLOUD)
    recording_trigger = models.CharField(
        max_length=32, choices=Room.RecordingTrigger, default=Room.RecordingTrigger.AUTOMATIC_2ND_PARTICIPANT
    )
    skip_consent = models.BooleanField(default=False)
    store_video = models.BooleanField(default=False)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-start_date", "-id"]
        constraints = [
            # Of all requests that open a room with the same settings, one makes the meeting.
            models.UniqueConstraint(
                fields=["room", "slot"],
                condition=models.Q(state__in=["opening", "live"]),
                name="one_unfinished_meeting_per_room_and_slot",
            ),
            # Events name the provider's ids; two meetings must never answer to the same one.
            models.UniqueConstraint(
                fields=["platform", "provider_meeting_id"],
                condition=~models.Q(provider_meeting_id=""),
                name="provider_meeting_id_unique_per_platform",
            ),
            # However often an event is moved, and whoever opens it.
            models.UniqueConstraint(
                fields=["calendar_event_id"],
                condition=models.Q(calendar_event_id__isnull=False) & ~models.Q(state="failed"),
                name="one_meeting_per_calendar_event",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="live") | ~models.Q(room_url=""), name="live_meeting_has_a_room_url"
            ),
        ]
        indexes = [
            models.Index(fields=["platform", "room_key"], name="meeting_by_provider_room"),
            models.Index(fields=["room", "state"], name="meeting_by_room_and_state"),
            # Not partial: of a state that is a parameter, SQLite could not use it.
            models.Index(fields=["state", "platform"], name="meeting_by_state"),
            models.Index(fields=["platform", "start_date"], name="meeting_by_platform_and_time"),
            models.Index(fields=["presence_checked_at"], name="meeting_by_presence_check"),
            models.Index(fields=["start_date", "id"], name="meeting_by_start"),
            models.Index(fields=["recording_started_at"], condition=RECORDED, name="meeting_by_recording"),
            models.Index(
                fields=["recording_failed_at"], condition=FAILED_TO_RECORD, name="meeting_by_failed_recording"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_label}, {self.start_date:%Y-%m-%d %H:%M} UTC"

    @property
    def owner_id(self) -> int | None:
        """Whose the room is, or was when it was deleted; None where that person is gone as well."""
        return self.room.owner_id if self.room else self.last_owner_id

    @property
    def room_title(self) -> str:
        """What people call its room; of one that was deleted, the name."""
        return self.room.label if self.room else self.room_label

    @property
    def is_elsewhere(self) -> bool:
        """Whether it could not open where it was to."""
        return self.wanted_platform not in {"", self.platform}

    @property
    def is_active(self) -> bool:
        return self.state == self.State.LIVE

    @property
    def is_recording(self) -> bool:
        """As far as the provider tells: a recording began, and none ended or failed since."""
        if self.recording_started_at is None:
            return False
        over = latest(self.recording_ended_at, self.recording_failed_at)
        return over is None or over < self.recording_started_at

    @property
    def is_counted_by_sessions(self) -> bool:
        """Whether the provider gives no number of people, or gave the last one before they were looked for."""
        looked_at = self.presence_checked_at
        return self.counted_at is None or (looked_at is not None and self.counted_at < looked_at)

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed and nobody is known to be in it any more."""
        return self.end_date <= now and self.num_clients == 0
