import uuid
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from platforms.visible import visible
from recordings.models.event import TranscriptEvent
from recordings.models.recording import Recording
from rooms.models import Room

# Who may read a transcript depends on these.
ACCESS_FIELDS = ("user_id", "is_everybodys", "share_mode")
TOLD_FIELDS = {
    "title": TranscriptEvent.Kind.TITLE,
    "short_summary": TranscriptEvent.Kind.SHORT_SUMMARY,
    "long_summary": TranscriptEvent.Kind.LONG_SUMMARY,
    "duration": TranscriptEvent.Kind.DURATION,
    "status": TranscriptEvent.Kind.STATUS,
}
NOT_DELETED = models.Q(deleted_at__isnull=True)


class Transcript(models.Model):
    """What was said, from one source: a recording of a room, or a file that somebody uploaded."""

    class Status(models.TextChoices):
        IDLE = "idle", _("Idle")
        UPLOADED = "uploaded", _("Uploaded")
        RECORDING = "recording", _("Recording")
        PROCESSING = "processing", _("Processing")
        ERROR = "error", _("Error")
        ENDED = "ended", _("Ended")

    class ShareMode(models.TextChoices):
        PRIVATE = "private", _("Private")
        SEMI_PRIVATE = "semi-private", _("Semi Private")
        PUBLIC = "public", _("Public")

    class SourceKind(models.TextChoices):
        ROOM = "room", _("Room")
        LIVE = "live", _("Live")
        FILE = "file", _("File")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Whoever deletes a user says first who is to have the transcripts: one without an owner is out of all control.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="transcripts"
    )
    is_everybodys = models.BooleanField(
        default=False, help_text=_("Made by somebody who was not signed in: everybody may read it and fill it.")
    )
    recording = models.OneToOneField(Recording, on_delete=models.SET_NULL, null=True, blank=True)
    # The file of the same call, where the recording is in tracks.
    video = models.OneToOneField(
        Recording, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="video_of"
    )
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
    note = models.TextField(blank=True, default="", help_text=_("What people should know, such as why it is empty."))
    source_language = models.CharField(max_length=16, blank=True, default="", help_text=_("Empty: not known."))
    target_language = models.CharField(max_length=16, blank=True, default="en")
    duration = models.FloatField(default=0, help_text=_("Seconds."))
    # What processors called the voices -> the number in the segments: so a voice is known again in another result.
    voices = models.JSONField(default=dict, blank=True, editable=False)
    audio_file = models.TextField(blank=True, default="", help_text=_("The MP3 for the player, in the storage."))
    waveform = models.JSONField(
        default=list, blank=True, editable=False, help_text=_("Loudness of the MP3, from 0 to 1.")
    )
    audio_deleted = models.BooleanField(default=False, help_text=_("True once audio and video are gone everywhere."))
    change_seq = models.BigIntegerField(default=0, db_index=True, help_text=_("Grows with every change of any."))
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_everybodys=False) | models.Q(user__isnull=True), name="everybodys_is_nobodys_own"
            ),
        ]
        # On PostgreSQL those of shared rooms have one as well, over a column of its own: see migration 0031.
        indexes = [
            models.Index(fields=["user", "created_at", "id"], condition=NOT_DELETED, name="transcript_by_user"),
            models.Index(fields=["user", "change_seq", "id"], condition=NOT_DELETED, name="transcript_by_user_change"),
            models.Index(fields=["room", "created_at", "id"], condition=NOT_DELETED, name="transcript_by_room"),
            models.Index(
                fields=["user", "source_kind", "created_at", "id"],
                condition=NOT_DELETED,
                name="transcript_by_user_kind",
            ),
            models.Index(fields=["deleted_at"], condition=~NOT_DELETED, name="transcript_in_trash"),
            # What Admin's filters ask for, as far as few have it.
            models.Index(
                fields=["status", "created_at", "id"], condition=~models.Q(status="ended"), name="transcript_not_ended"
            ),
            models.Index(
                fields=["source_kind", "created_at", "id"],
                condition=~models.Q(source_kind="room"),
                name="transcript_of_no_room",
            ),
            models.Index(
                fields=["created_at", "id"], condition=models.Q(audio_deleted=True), name="transcript_without_audio"
            ),
        ]

    def __str__(self) -> str:
        return visible(self.title) or visible(self.name) or f"transcript {self.id}"

    @property
    def recordings(self) -> list[Recording]:
        """That which it is made of, and that which is its video."""
        return [recording for recording in (self.recording, self.video) if recording]

    def is_awaited(self) -> bool:
        """Whether nothing was ever said in it: its row is all there is."""
        is_from_room = self.source_kind == self.SourceKind.ROOM
        return is_from_room and self.status != self.Status.ENDED and not self.segments.exists()

    @property
    def shown_title(self) -> str:
        """Its title; until it has one its name, with the day where a room has many of that name."""
        return shown_title(self.title, self.name, self.source_kind, self.created_at, self.recorded_at)

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded; where nothing was, or nobody knows, when the transcript was made."""
        return (self.recording.recorded_at if self.recording else None) or self.created_at

    def touch(self, *also: TranscriptEvent.Kind) -> None:
        """Save a change, so that a client that asks what changed since its last look is told of it.

        Clients that follow it are told what changed in this row, and of `also`.
        """
        with transaction.atomic():
            # The row first, as all who change it lock it: in the other order two of them would wait for each other.
            before = Transcript.objects.select_for_update().filter(pk=self.pk, change_seq__gt=0).first()
            _wait_for_other_changes()
            newest = Transcript.objects.aggregate(newest=models.Max("change_seq"))["newest"] or 0
            self.change_seq = newest + 1
            self.save()
            TranscriptEvent.objects.bulk_create(self._events_since(before, also))

    def _events_since(
        self, before: "Transcript | None", also: tuple[TranscriptEvent.Kind, ...]
    ) -> Iterator[TranscriptEvent]:
        """The status comes last: a client may stop listening once the transcript has ended."""
        kinds = TranscriptEvent.Kind
        found: list[tuple[TranscriptEvent.Kind, object]] = []
        if before is None:
            found.append((kinds.CREATED, None))
            before = Transcript(**{name: getattr(self, name) for name in ACCESS_FIELDS})
        if bool(self.deleted_at) != bool(before.deleted_at):
            found.append((kinds.DELETED if self.deleted_at else kinds.RESTORED, None))
        if any(getattr(self, name) != getattr(before, name) for name in ACCESS_FIELDS):
            found.append((kinds.ACCESS, None))
        found += [(kind, None) for kind in also]
        if self.waveform != before.waveform:
            found.append((kinds.WAVEFORM, None))
        for name, kind in TOLD_FIELDS.items():
            if getattr(self, name) != getattr(before, name):
                found.append((kind, self.shown_title if name == "title" else getattr(self, name)))
        for kind, value in found:
            yield TranscriptEvent(transcript_id=self.pk, user_id=self.user_id, kind=kind, value=value)


def shown_title(title: str, name: str, source_kind: str, created_at: datetime, recorded_at: datetime | None) -> str:
    if title or source_kind != Transcript.SourceKind.ROOM:
        return title or name
    return f"{name}, {(recorded_at or created_at).date()}"


def _wait_for_other_changes() -> None:
    """Changes and events get their numbers in the order in which they become visible, or a client would miss some.

    On SQLite the transaction itself keeps other writers out (see DATABASES).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('recordings_transcript.change_seq'))")


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
    words = models.JSONField(
        null=True, editable=False, help_text=_("[start, end, text] each; joined they are the text. Null: not known.")
    )

    class Meta:
        ordering = ["start", "pk"]
        indexes = [models.Index(fields=["transcript", "start"], name="segment_by_time")]

    def __str__(self) -> str:
        return self.text[:60]


class Correction(models.Model):
    """What somebody let a line say instead. Unlike a general history it is deleted with its transcript."""

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="corrections")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    at = models.DateTimeField(default=timezone.now)
    start = models.FloatField(help_text=_("Seconds: where the line begins, as its number may change."))
    before = models.TextField()
    after = models.TextField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.before[:60]} → {self.after[:60]}"
