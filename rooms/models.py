import hashlib
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MaxLengthValidator, MinValueValidator
from django.db import models

from platforms.handler import platform_choices
from rooms import names


class RoomQuerySet(models.QuerySet["Room"]):
    def listed_for(self, user: Any) -> "RoomQuerySet":
        """A person's own rooms and those that are shared; shared ones only for people who are not signed in."""
        if not user.is_authenticated:
            return self.filter(is_shared=True)
        return self.filter(models.Q(is_shared=True) | models.Q(owner=user))


class Room(models.Model):
    """A durable place where people meet. It has no provider room of its own: each meeting opens one."""

    class Mode(models.TextChoices):
        NORMAL = "normal"
        GROUP = "group"

    class RecordingType(models.TextChoices):
        NONE = "none"
        LOCAL = "local"
        CLOUD = "cloud"

    class RecordingTrigger(models.TextChoices):
        NONE = "none"
        PROMPT = "prompt"
        AUTOMATIC = "automatic"
        AUTOMATIC_2ND_PARTICIPANT = "automatic-2nd-participant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=names.MAX_LENGTH,
        unique=True,
        validators=[names.url_safe, names.not_reserved],
        error_messages={"unique": "Room name is not unique"},
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rooms")
    platform = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_index=True,
        choices=platform_choices,
        help_text="Leave empty for automatic: the rollout rules decide at each opening.",
    )
    is_locked = models.BooleanField(default=False, help_text="People knock, and a host lets them in.")
    room_mode = models.CharField(max_length=16, choices=Mode, default=Mode.NORMAL)
    recording_type = models.CharField(max_length=16, choices=RecordingType, default=RecordingType.CLOUD)
    recording_trigger = models.CharField(
        max_length=32, choices=RecordingTrigger, default=RecordingTrigger.AUTOMATIC_2ND_PARTICIPANT
    )
    is_shared = models.BooleanField(default=False, help_text="Listed for everybody, not only for its owner.")
    skip_consent = models.BooleanField(default=False, help_text="Do not ask people for consent to recording.")
    store_video = models.BooleanField(default=False, help_text="Keep the video besides the audio.")
    recording_retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days until recordings are deleted. Empty: the default; 0: never."
    )
    logo = models.ImageField(
        upload_to="logos/",
        blank=True,
        help_text="A PNG, at least 400 px wide, shown in the room where supported.",
    )
    email_transcript_to = models.TextField(null=True, blank=True)
    zulip_auto_post = models.BooleanField(default=False)
    zulip_stream = models.CharField(max_length=100, blank=True, default="")
    zulip_topic = models.CharField(max_length=100, blank=True, default="")
    ics_url = models.URLField(max_length=2000, null=True, blank=True)
    ics_fetch_interval = models.PositiveIntegerField(
        default=300,
        validators=[MinValueValidator(60)],
        help_text="Seconds between two looks at the calendar.",
    )
    ics_enabled = models.BooleanField(default=False)
    ics_last_sync = models.DateTimeField(null=True, blank=True, editable=False)
    ics_last_etag = models.TextField(null=True, blank=True, editable=False)
    webhook_url = models.URLField(max_length=2000, null=True, blank=True)
    webhook_secret = models.TextField(null=True, blank=True, validators=[MaxLengthValidator(200)])
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoomQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="room_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A webhook address always has a secret; one that is stored is never replaced behind its owner's back."""
        if self.webhook_url and not self.webhook_secret:
            self.webhook_secret = secrets.token_urlsafe(32)
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "webhook_secret"}
        super().save(*args, **kwargs)

    def is_managed_by(self, user: Any) -> bool:
        """Whether a person sees the room's private side: its owner, and staff."""
        return bool(user.is_authenticated and (user.is_staff or user.pk == self.owner_id))


class ApiKey(models.Model):
    """A long-lived credential for programs. Only its hash is kept; the key itself is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, null=True, blank=True)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name or str(self.id)

    @staticmethod
    def hash(key: str) -> str:
        """SHA-256 is enough: a key is 256 random bits, so there is nothing to guess slowly."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(cls, user: Any, name: str | None) -> tuple["ApiKey", str]:
        key = secrets.token_urlsafe(32)
        return cls.objects.create(user=user, name=name, key_hash=cls.hash(key)), key
