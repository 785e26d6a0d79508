import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from meetings.models import Meeting, ParticipantSession
from platforms.handler import platform_choices
from platforms.listing import NEWEST_FIRST, Listing
from platforms.work.models import Job, JobQuerySet
from recordings.models.consent import Consent
from rooms.models import Room
from rooms.permissions import staff_may_view

# Equal and not earlier, so that clocks that differ do no harm.
NOT_ENFORCED = ~models.Q(enforced_at=models.F("updated_at"))


def is_erased(*alternatives: models.Q, **conditions: Any) -> models.Exists:
    """A condition on recordings: that all of one is to be deleted, or is deleted. More may be asked of such a job."""
    jobs = apps.get_model("recordings", "Erasure")._default_manager  # which is a model that refers to this one
    return models.Exists(jobs.filter(*alternatives, recording=models.OuterRef("pk"), only_video=False, **conditions))


class RecordingQuerySet(models.QuerySet["Recording"]):
    def being_deleted(self) -> "RecordingQuerySet":
        """Those of which all is to be deleted, or is deleted."""
        return self.filter(is_erased())

    def not_being_deleted(self) -> "RecordingQuerySet":
        return self.filter(~is_erased())

    def not_enforced(self) -> "RecordingQuerySet":
        """Those that changed since somebody looked whether they may stay."""
        return self.filter(NOT_ENFORCED)

    def visible_to(self, user: Any) -> "RecordingQuerySet":
        """Those of rooms that one owns or co-owns, also when one owned them as they were deleted, and uploads.

        For staff who may view recordings, all of them. To look one up; `listed_for` is for lists.
        """
        if staff_may_view(user, Recording):
            return self
        co_owned = Room.co_owners.through.objects.filter(user=user).values("room")
        of_rooms = models.Q(meeting__room__owner=user) | models.Q(meeting__room__in=co_owned)
        of_deleted_rooms = models.Q(meeting__last_owner=user)
        return self.filter(of_rooms | of_deleted_rooms | models.Q(kind=Recording.Kind.UPLOAD, transcript__user=user))

    def listed_for(self, user: Any) -> Listing["Recording"]:
        """The same, newest first."""
        return self.all_listed() if staff_may_view(user, Recording) else self.listed_for_person(user.pk)

    def all_listed(self) -> Listing["Recording"]:
        """As for staff who may view recordings."""
        return Listing(self, [Recording.objects.order_by()], NEWEST_FIRST)

    def listed_for_person(self, user_id: int) -> Listing["Recording"]:
        """As for all others."""
        every = Recording.objects.order_by()
        co_owned = Room.co_owners.through.objects.filter(user=user_id).values("room")
        parts = [
            every.filter(meeting__room__owner=user_id),
            every.filter(meeting__room__in=co_owned).exclude(meeting__room__owner=user_id),
            every.filter(meeting__room=None, meeting__last_owner=user_id),
            every.filter(meeting=None, kind=Recording.Kind.UPLOAD, transcript__user=user_id),
        ]
        return Listing(self, parts, NEWEST_FIRST)

    def with_tracks(self) -> "RecordingQuerySet":
        """With their tracks, the people of these, and their transcripts."""
        return self.select_related("transcript", "video_of").prefetch_related(tracks())


class Recording(models.Model):
    """One recording, however it became known: a single file, or a track for each person and medium."""

    class State(models.TextChoices):
        REPORTED = "reported", _("Reported")  # known; not fetched yet
        FETCHING = "fetching", _("Fetching")
        STORED = "stored", _("Stored")  # whole, checked, with audio
        PROCESSING = "processing", _("Processing")  # handed to the processor
        DONE = "done", _("Done")  # its transcript is there
        NO_AUDIO = "no_audio", _("No Audio")  # final: nothing in it to hear
        FAILED = "failed", _("Failed")
        UNMATCHED = "unmatched", _("Unmatched")  # no meeting is known that it belongs to; staff can link it
        DELETED = "deleted", _("Deleted")  # final: stays so when it is reported again

    class Kind(models.TextChoices):
        FILE = "file", _("File")
        TRACKS = "tracks", _("Tracks")
        UPLOAD = "upload", _("Upload")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    platform = models.CharField(max_length=32, blank=True, default="", choices=platform_choices)
    meeting = models.ForeignKey(Meeting, on_delete=models.SET_NULL, null=True, blank=True, related_name="recordings")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.FILE)
    state = models.CharField(max_length=16, choices=State, default=State.REPORTED)
    error = models.TextField(blank=True, default="", help_text=_("Why it failed or has no transcript."))
    can_retry = models.BooleanField(default=False, help_text=_("Whether fetching it again can help."))

    # What the provider calls it, and where its file is.
    provider_recording_id = models.CharField(max_length=255, blank=True, default="")
    room_name = models.CharField(max_length=255, blank=True, default="", help_text=_("The provider's room name."))
    bucket = models.CharField(max_length=255, blank=True, default="")
    key = models.TextField(blank=True, default="")
    # A link that came with the report; signed, so never shown and never logged.
    source_url = models.TextField(blank=True, default="", editable=False)
    recorded_at = models.DateTimeField(null=True, blank=True)

    # Another content than the one that came to nothing is news, and so is a file that was not there; see news.py.
    reported_version = models.CharField(max_length=255, blank=True, default="", editable=False)
    fetched_version = models.CharField(
        max_length=255, null=True, editable=False, help_text=_("None while nothing of it could be had.")
    )
    restarts = models.PositiveSmallIntegerField(default=0, editable=False, help_text=_("How often news set it going."))

    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    # What is stored: filled when the whole file is there and checked.
    file = models.TextField(blank=True, default="", help_text=_("Its name in the recordings storage."))
    duration = models.FloatField(null=True, blank=True, help_text=_("Seconds."))
    size = models.BigIntegerField(null=True, blank=True, help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=100, blank=True, default="")
    has_video = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True, help_text=_("It is kept for its time from then on."))
    # Its `updated_at` as it was when somebody looked whether it may stay; see privacy/consent.py.
    enforced_at = models.DateTimeField(null=True, editable=False)

    objects = RecordingQuerySet.as_manager()

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
            models.Index(fields=["updated_at"], name="recording_by_change"),
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(deleted_at__isnull=False) & ~models.Q(state="deleted"),
                name="recording_in_trash",
            ),
            models.Index(
                fields=["created_at"], condition=models.Q(has_video=True, state="done"), name="recording_with_video"
            ),
            # What Admin's filters ask for, as far as few have it.
            models.Index(fields=["created_at", "id"], condition=models.Q(can_retry=True), name="recording_to_retry"),
            models.Index(fields=["created_at", "id"], condition=models.Q(kind="upload"), name="recording_uploaded"),
            models.Index(fields=["state", "updated_at"], condition=NOT_ENFORCED, name="recording_not_enforced"),
        ]

    def __str__(self) -> str:
        return f"{self.room_name or self.id}, {self.recorded_at or self.created_at:%Y-%m-%d %H:%M} UTC"

    def is_being_deleted(self) -> bool:
        """Whether all of it is to be deleted, or is deleted."""
        return self.erasures.filter(only_video=False).exists()

    def is_discarded(self) -> bool:
        """Or in the trash: whoever wants it takes it out first."""
        return self.deleted_at is not None or self.is_being_deleted()

    def is_refused(self) -> bool:
        """By somebody in its meeting; also before it is deleted for that: it may still have to be transcribed."""
        return bool(self.meeting_id) and Consent.objects.filter(meeting=self.meeting_id, given=False).exists()

    def may_be_played(self) -> bool:
        """By whoever may otherwise: the one rule for every way to what is stored.

        Nothing that is deleted or about to be, that rests in the trash, or that somebody in its meeting refused.
        """
        return self.state != self.State.DELETED and not self.is_discarded() and not self.is_refused()


class Track(models.Model):
    """One person's audio or video of a recording that was made in tracks."""

    class State(models.TextChoices):
        REPORTED = "reported", _("Reported")
        STORED = "stored", _("Stored")
        NO_AUDIO = "no_audio", _("No Audio")
        FAILED = "failed", _("Failed")
        DELETED = "deleted", _("Deleted")

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="tracks")
    participant = models.ForeignKey(
        ParticipantSession, on_delete=models.SET_NULL, null=True, blank=True, related_name="tracks"
    )
    session_id = models.CharField(max_length=255, blank=True, default="", help_text=_("The provider's, from the key."))
    # Of a person without a name, given when it is first needed: what it is called must not change with other tracks.
    unnamed_number = models.PositiveIntegerField(null=True, blank=True, editable=False)
    medium = models.CharField(max_length=32, help_text=_("cam-audio, cam-video, screen-audio or screen-video."))
    key = models.TextField()
    state = models.CharField(max_length=16, choices=State, default=State.REPORTED)
    error = models.TextField(blank=True, default="")
    offset = models.FloatField(default=0, help_text=_("Seconds from the recording's start to the track's."))
    file = models.TextField(blank=True, default="")
    duration = models.FloatField(null=True, blank=True, help_text=_("Seconds."))
    size = models.BigIntegerField(null=True, blank=True, help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["offset", "id"]
        constraints = [models.UniqueConstraint(fields=["recording", "key"], name="one_track_per_object")]
        indexes = [
            models.Index(
                fields=["recording"],
                condition=models.Q(medium__endswith="video") & ~models.Q(state="deleted"),
                name="track_with_pictures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.medium} of {self.session_id or 'unknown'}"


def tracks() -> "models.Prefetch[str]":
    """What recordings are read with: their tracks, and whose these are."""
    return models.Prefetch("tracks", Track.objects.select_related("participant"))


class RecordingJob(Job):
    """Work about one recording; there is at most one row of each kind for it."""

    LEASE: ClassVar[timedelta] = timedelta(seconds=25)  # renewed while the work goes on
    QUEUE: ClassVar[str] = "long"
    LINE: ClassVar[str] = "recordings"
    TIME_LIMIT: ClassVar[int] = 12 * 3600  # fetching and transcribing hours of audio; each step has limits of its own

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="%(class)s_due")]

    def __str__(self) -> str:
        return gettext("{work} of {recording}").format(work=self._meta.verbose_name, recording=self.recording)


class Ingest(RecordingJob):
    """Fetch the files, check them, and mark the recording stored."""

    # With the pause of the sweep, and a moment for the broker: half a minute after a worker died another goes on.
    LEASE: ClassVar[timedelta] = timedelta(seconds=12)


class Submission(RecordingJob):
    """Give a stored recording to the processor, and take its transcript."""

    # What has been done so far and need not be done, or paid for, again after a crash.
    checkpoint = models.JSONField(default=dict, editable=False)
    is_upload = models.BooleanField(default=False, db_default=False, editable=False)
    language = models.CharField(
        max_length=16, null=True, editable=False, help_text=_("What its owner chose; empty: to be found out.")
    )

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_upload = self.recording.kind == Recording.Kind.UPLOAD
        super().save(*args, **kwargs)

    @classmethod
    def rows(cls) -> JobQuerySet:
        return cls._default_manager.filter(is_upload=False)

    def enqueue_on_commit(self) -> None:
        model = UploadSubmission if self.is_upload else Submission
        transaction.on_commit(model.enqueue)


class UploadSubmission(Submission):
    """The same of a file that somebody uploaded, by workers of its own: so no upload delays a recording."""

    QUEUE: ClassVar[str] = "uploads"
    LINE: ClassVar[str] = "uploads"

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def rows(cls) -> JobQuerySet:
        return cls._default_manager.filter(is_upload=True)
