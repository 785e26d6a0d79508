import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models.functions import Lower, Replace
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


def room_key(name: models.F | models.Value) -> Replace:
    """What two spellings of a provider's room name have in common: case and slashes do not count."""
    return Replace(Lower(name), models.Value("/"), models.Value(""))


def earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


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
    room_key = models.GeneratedField(
        expression=room_key(models.F("room_name")), output_field=models.CharField(max_length=255), db_persist=True
    )
    room_url = models.URLField(max_length=2000, blank=True, default="")
    host_room_url = models.TextField(blank=True, default="")

    start_date = models.DateTimeField(default=timezone.now)
    end_date = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    calendar_event_id = models.CharField(
        max_length=255, null=True, blank=True, help_text="Set for a meeting that a calendar asked for."
    )

    # What the provider reported, each the earliest or the latest of its kind, so that the order of arrival is all the
    # same; see meetings/transitions.py.
    num_clients = models.PositiveIntegerField(default=0, help_text="How many people are in now.")
    counted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the provider counted them, where it does."
    )
    presence_checked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the provider was last asked who is in."
    )
    first_joined_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_active_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When somebody last came, went or asked for the way in."
    )
    call_started_at = models.DateTimeField(null=True, blank=True, editable=False)
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
            models.CheckConstraint(
                condition=~models.Q(state="live") | ~models.Q(room_url=""), name="live_meeting_has_a_room_url"
            ),
        ]
        indexes = [
            models.Index(fields=["platform", "room_key"], name="meeting_by_provider_room"),
            models.Index(fields=["room", "state"], name="meeting_by_room_and_state"),
            # Not partial: of a state that is a parameter, SQLite could not use it.
            models.Index(fields=["state", "platform"], name="meeting_by_state"),
            models.Index(fields=["presence_checked_at"], name="meeting_by_presence_check"),
        ]

    def __str__(self) -> str:
        return f"{self.room_label}, {self.start_date:%Y-%m-%d %H:%M} UTC"

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

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed and nobody is known to be in it any more."""
        return self.end_date <= now and self.num_clients == 0


class ParticipantSession(models.Model):
    """One connection of one person, or bot, to a meeting, under the provider's own id.

    The methods merge what is told about it. Told again, or in another order, the same things give the same row.
    """

    # The unique constraint's index begins with the meeting.
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    session_id = models.CharField(max_length=255)
    user_id = models.CharField(max_length=255, blank=True, default="")
    user_name = models.CharField(max_length=255, blank=True, default="")
    named_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_bot = models.BooleanField(default=False)
    joined_at = models.DateTimeField(null=True, blank=True)
    # Later than joined_at where a provider gives a person who comes back the same id.
    last_joined_at = models.DateTimeField(null=True, blank=True, editable=False)
    left_at = models.DateTimeField(null=True, blank=True)
    # left_at is when they were found gone; when they went is not known.
    left_is_observed = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "session_id"], name="one_row_per_provider_session"),
        ]

    def __str__(self) -> str:
        return self.user_name or self.session_id

    @property
    def is_open(self) -> bool:
        return self.left_at is None

    def came(self, at: datetime) -> None:
        self.joined_at = earliest(self.joined_at, at)
        self.last_joined_at = latest(self.last_joined_at, at)
        if self.left_at and self.left_at < at:
            self._reopen()

    def went(self, at: datetime) -> None:
        """The provider's own word, which replaces what was observed."""
        if self.last_joined_at and at < self.last_joined_at:
            return  # the end of an earlier stay
        self.left_at = at if self.left_is_observed else latest(self.left_at, at)
        self.left_is_observed = False

    def seen(self, at: datetime) -> None:
        if self.left_at and self.left_is_observed and self.left_at < at:
            self._reopen()

    def missed(self, at: datetime) -> None:
        """Found gone, or the meeting is over."""
        if self.left_at is None:
            self.left_at = latest(self.last_joined_at, at)
            self.left_is_observed = True

    def called(self, user_id: str | None, user_name: str | None, at: datetime) -> None:
        """The newest name counts. An id does not change during a connection; were there two, the greater counts."""
        self.user_id = max(self.user_id, user_id or "")
        if user_name and (self.named_at is None or (at, user_name) > (self.named_at, self.user_name)):
            self.user_name, self.named_at = user_name, at

    def state(self) -> tuple[Any, ...]:
        """All that can change; equal when there is nothing to save."""
        return self.user_id, self.user_name, self.joined_at, self.last_joined_at, self.left_at, self.left_is_observed

    def _reopen(self) -> None:
        self.left_at = None
        self.left_is_observed = False


def people_in(sessions: Iterable[ParticipantSession]) -> int:
    return sum(session.is_open and not session.is_bot for session in sessions)


class RecordingStart(models.Model):
    """A recording that was asked for here, under an id of ours: some of its events name nothing else."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="recording_starts")
    instance_id = models.CharField(max_length=36, unique=True, help_text="A UUID, in lower case.")
    # As the provider tells when it has started; of several under the same instance id the last.
    recording_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    error = models.TextField(blank=True, default="", help_text="Why the provider stopped it.")
    asked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.instance_id} of {self.meeting}"


class ProviderCall(Work):
    """Something to tell a meeting's provider that must not delay the person who caused it."""

    class Kind(models.TextChoices):
        SET_LOGO = "set_logo"
        CLOSE_ROOM = "close_room"
        EXTEND_ROOM = "extend_room"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="provider_calls")
    kind = models.CharField(max_length=16, choices=Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "kind"], name="one_provider_call_per_kind"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="provider_call_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.meeting}"

    @classmethod
    def ask_again(cls, meeting: Meeting, kind: Kind) -> None:
        """Have a call made that may have been made before. One that is under way is followed by another."""
        call, _ = cls.objects.update_or_create(
            meeting=meeting,
            kind=kind,
            defaults={
                "state": cls.State.WAITING,
                "attempts": 0,
                "next_attempt_at": timezone.now(),
                "last_error": "",
                "finished_at": None,
                "lease_token": None,  # the one under way cannot record its outcome over this
            },
        )
        call.nudge_on_commit()

    def perform(self) -> None:
        """What is asked for is read from the meeting as it is now, so that a repeated call only says it again."""
        client = create_platform_client(self.meeting.platform)
        match self.kind:
            case self.Kind.CLOSE_ROOM:
                client.delete_room(self.meeting.room_name, self.meeting.provider_meeting_id)
            case self.Kind.EXTEND_ROOM if self.meeting.is_active:
                client.extend_meeting(self.meeting.room_name, self.meeting.end_date)
            case self.Kind.SET_LOGO if self.meeting.room and self.meeting.room.logo:
                client.upload_logo(self.meeting.room_name, Path(self.meeting.room.logo.path))
