import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from recordings.models.recording import Recording
from rooms.models import Room


class Transcript(models.Model):
    """What was said, from one source: a recording of a room, or a file that somebody uploaded."""

    class Status(models.TextChoices):
        IDLE = "idle"
        UPLOADED = "uploaded"
        RECORDING = "recording"
        PROCESSING = "processing"
        ERROR = "error"
        ENDED = "ended"

    class ShareMode(models.TextChoices):
        PRIVATE = "private"
        SEMI_PRIVATE = "semi-private"
        PUBLIC = "public"

    class SourceKind(models.TextChoices):
        ROOM = "room"
        LIVE = "live"
        FILE = "file"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="transcripts"
    )
    recording = models.OneToOneField(Recording, on_delete=models.SET_NULL, null=True, blank=True)
    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, blank=True, related_name="transcripts")
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=Status, default=Status.IDLE)
    source_kind = models.CharField(max_length=8, choices=SourceKind)
    share_mode = models.CharField(max_length=16, choices=ShareMode, default=ShareMode.PRIVATE)
    locked = models.BooleanField(default=False)
    reviewed = models.BooleanField(default=False)
    title = models.TextField(blank=True, default="")
    short_summary = models.TextField(blank=True, default="")
    long_summary = models.TextField(blank=True, default="")
    note = models.TextField(blank=True, default="", help_text="What people should know, such as why it is empty.")
    source_language = models.CharField(max_length=16, blank=True, default="en")
    target_language = models.CharField(max_length=16, blank=True, default="en")
    duration = models.FloatField(default=0, help_text="Seconds.")
    audio_file = models.TextField(blank=True, default="", help_text="The MP3 for the player, in the storage.")
    audio_deleted = models.BooleanField(default=False, help_text="True once audio and video are gone everywhere.")
    change_seq = models.BigIntegerField(default=0, db_index=True, help_text="Grows with every change of any.")
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.title or self.name


class TranscriptParticipant(models.Model):
    """A name for one of the voices of a transcript; `speaker` is the number that its segments carry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="participants")
    speaker = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    email = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        ordering = ["speaker", "name"]
        constraints = [
            models.UniqueConstraint(fields=["transcript", "speaker"], name="one_participant_per_speaker"),
        ]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """Something that one voice said; times are seconds from the start of the recording."""

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="segments")
    start = models.FloatField()
    end = models.FloatField()
    speaker = models.PositiveIntegerField(default=0)
    text = models.TextField()

    class Meta:
        ordering = ["start", "pk"]
        indexes = [models.Index(fields=["transcript", "start"], name="segment_by_time")]

    def __str__(self) -> str:
        return self.text[:60]
