import uuid
from datetime import datetime
from pathlib import Path

from django.db import models
from django.utils import timezone

from platforms.durable import Work
from platforms.handler import create_platform_client, platform_choices
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


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def live(self) -> "MeetingQuerySet":
        return self.filter(state=Meeting.State.LIVE)

    def unfinished(self) -> "MeetingQuerySet":
        return self.filter(state__in=[Meeting.State.OPENING, Meeting.State.LIVE])


class Meeting(models.Model):
    """One time that people meet in a room, on one platform for its whole life."""

    class State(models.TextChoices):
        OPENING = "opening"
        LIVE = "live"
        ENDED = "ended"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, related_name="meetings")
    room_label = models.CharField(max_length=100, help_text="The room's name when the meeting opened.")
    state = models.CharField(max_length=16, choices=State, default=State.OPENING)
    # Openings that may share one meeting have the same slot; one asked for as a duplicate has its own.
    slot = models.CharField(max_length=64, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True, default="", help_text="Why it could not be opened.")

    platform = models.CharField(max_length=32, choices=platform_choices)
    platform_reason = models.TextField(help_text="Why it opened on this platform.")
    provider_meeting_id = models.CharField(max_length=255, blank=True, default="")
    room_name = models.CharField(max_length=255, blank=True, default="", help_text="The provider's room name.")
    room_url = models.URLField(max_length=2000, blank=True, default="")
    host_room_url = models.TextField(blank=True, default="")

    start_date = models.DateTimeField(default=timezone.now)
    end_date = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    num_clients = models.PositiveIntegerField(default=0)

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
            models.CheckConstraint(
                condition=~models.Q(state="live") | ~models.Q(room_url=""), name="live_meeting_has_a_room_url"
            ),
        ]
        indexes = [
            models.Index(fields=["platform", "room_name"], name="meeting_by_provider_room"),
            models.Index(fields=["room", "state"], name="meeting_by_room_and_state"),
        ]

    def __str__(self) -> str:
        return f"{self.room_label}, {self.start_date:%Y-%m-%d %H:%M} UTC"

    @property
    def is_active(self) -> bool:
        return self.state == self.State.LIVE

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed and nobody is known to be in it any more."""
        return self.end_date <= now and self.num_clients == 0


class ProviderCall(Work):
    """Something to tell a meeting's provider that must not delay the person who caused it."""

    class Kind(models.TextChoices):
        SET_LOGO = "set_logo"
        CLOSE_ROOM = "close_room"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="provider_calls")
    kind = models.CharField(max_length=16, choices=Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "kind"], name="one_provider_call_per_kind"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="provider_call_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.meeting}"

    def perform(self) -> None:
        client = create_platform_client(self.meeting.platform)
        if self.kind == self.Kind.CLOSE_ROOM:
            client.delete_room(self.meeting.room_name, self.meeting.provider_meeting_id)
        elif self.meeting.room and self.meeting.room.logo:
            client.upload_logo(self.meeting.room_name, Path(self.meeting.room.logo.path))
