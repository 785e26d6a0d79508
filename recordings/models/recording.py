import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from meetings.models import Meeting, ParticipantSession
from platforms.durable import Work
from platforms.handler import platform_choices


class Recording(models.Model):
    """One recording, however it became known: a single file, or a track for each person and medium."""

    class State(models.TextChoices):
        REPORTED = "reported"  # known; not fetched yet
        FETCHING = "fetching"
        STORED = "stored"  # whole, checked, with audio
        PROCESSING = "processing"  # handed to the processor
        DONE = "done"  # its transcript is there
        NO_AUDIO = "no_audio"  # final: nothing in it to hear
        FAILED = "failed"
        UNMATCHED = "unmatched"  # no meeting is known that it belongs to; staff can link it
        DELETED = "deleted"  # final: stays so when it is reported again

    class Kind(models.TextChoices):
        FILE = "file"
        TRACKS = "tracks"
        UPLOAD = "upload"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.CharField(max_length=32, blank=True, default="", choices=platform_choices)
    meeting = models.ForeignKey(Meeting, on_delete=models.SET_NULL, null=True, blank=True, related_name="recordings")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.FILE)
    state = models.CharField(max_length=16, choices=State, default=State.REPORTED)
    error = models.TextField(blank=True, default="", help_text="Why it failed or has no transcript.")
    can_retry = models.BooleanField(default=False, help_text="Whether fetching it again can help.")

    # What the provider calls it, and where its file is.
    provider_recording_id = models.CharField(max_length=255, blank=True, default="")
    room_name = models.CharField(max_length=255, blank=True, default="", help_text="The provider's room name.")
    bucket = models.CharField(max_length=255, blank=True, default="")
    key = models.TextField(blank=True, default="")
    # A link that came with the report; signed, so never shown and never logged.
    source_url = models.TextField(blank=True, default="", editable=False)
    recorded_at = models.DateTimeField(null=True, blank=True)

    # What is stored: filled when the whole file is there and checked.
    file = models.TextField(blank=True, default="", help_text="Its name in the recordings storage.")
    duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=100, blank=True, default="")
    has_video = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            # Webhook, poller, bucket event and backfill report the same recording: it is one row.
            models.UniqueConstraint(
                fields=["platform", "provider_recording_id"],
                condition=~models.Q(provider_recording_id=""),
                name="provider_recording_id_unique_per_platform",
            ),
            models.UniqueConstraint(
                fields=["bucket", "key"], condition=~models.Q(key=""), name="one_recording_per_object"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="deleted") | models.Q(deleted_at__isnull=False),
                name="deleted_recording_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "created_at"], name="recording_by_state"),
            models.Index(fields=["platform", "room_name"], name="recording_by_provider_room"),
            models.Index(fields=["created_at", "id"], name="recording_by_creation"),
        ]

    def __str__(self) -> str:
        return f"{self.room_name or self.id}, {self.recorded_at or self.created_at:%Y-%m-%d %H:%M} UTC"


class Track(models.Model):
    """One person's audio or video of a recording that was made in tracks."""

    class State(models.TextChoices):
        REPORTED = "reported"
        STORED = "stored"
        NO_AUDIO = "no_audio"
        FAILED = "failed"
        DELETED = "deleted"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="tracks")
    participant = models.ForeignKey(
        ParticipantSession, on_delete=models.SET_NULL, null=True, blank=True, related_name="tracks"
    )
    session_id = models.CharField(max_length=255, blank=True, default="", help_text="The provider's, from the key.")
    medium = models.CharField(max_length=32, help_text="cam-audio, cam-video, screen-audio or screen-video.")
    key = models.TextField()
    state = models.CharField(max_length=16, choices=State, default=State.REPORTED)
    error = models.TextField(blank=True, default="")
    offset = models.FloatField(default=0, help_text="Seconds from the recording's start to the track's.")
    file = models.TextField(blank=True, default="")
    duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["offset", "id"]
        constraints = [models.UniqueConstraint(fields=["recording", "key"], name="one_track_per_object")]

    def __str__(self) -> str:
        return f"{self.medium} of {self.session_id or 'unknown'}"


class RecordingWork(Work):
    """Work about one recording; there is at most one row of each kind for it."""

    LEASE: ClassVar[timedelta] = timedelta(seconds=25)  # renewed while the work goes on
    QUEUE: ClassVar[str] = "long"
    TIME_LIMIT: ClassVar[int] = 12 * 3600  # fetching and transcribing hours of audio; each step has limits of its own

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} of {self.recording}"


class Ingest(RecordingWork):
    """Fetch the files, check them, and mark the recording stored."""

    # With the pause of the sweep, and a moment for the broker: half a minute after a worker died another goes on.
    LEASE: ClassVar[timedelta] = timedelta(seconds=12)

    def perform(self) -> None:
        from recordings.ingest import ingest

        ingest(self)

    def on_given_up(self, error: Exception) -> None:
        from recordings.ingest import give_up

        give_up(self, error)


class HandOff(RecordingWork):
    """Give a stored recording to the processor, and take its transcript."""

    # What has been done so far and need not be done, or paid for, again after a crash.
    kept = models.JSONField(default=dict, editable=False)

    def perform(self) -> None:
        from recordings.handoff import hand_off

        hand_off(self)

    def on_given_up(self, error: Exception) -> None:
        from recordings.handoff import give_up

        give_up(self, error)


class Consent(models.Model):
    """One person's answer to being recorded; for somebody who is not signed in each answer is a row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="consents")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    given = models.BooleanField()
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "user"],
                condition=models.Q(user__isnull=False),
                name="one_consent_per_user_and_meeting",
            )
        ]

    def __str__(self) -> str:
        return f"{'consent' if self.given else 'refusal'} for {self.meeting}"
