from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from platforms.handler import platform_choices
from platforms.work.models import Job

APPEND_ONLY = "The audit trail is only added to; platforms.audit.retention takes away what is old."


class WebhookEvent(Job):
    """One event that a platform reported by webhook, byte for byte; its state says what became of it."""

    class Outcome(models.TextChoices):
        APPLIED = "applied", _("Applied")
        IGNORED = "ignored", _("Ignored")

    TRANSACTIONAL = True
    LINE = "events"
    BATCH = 50
    # An event is processed in milliseconds; what a killed worker had taken is taken over after this long.
    LEASE = timedelta(seconds=10)
    # With the pauses of Job: about a day, so that what was wrong here meanwhile loses nothing.
    MAX_ATTEMPTS = 33
    SAVED_FIELDS = ("room_name", "meeting_id", "outcome")
    MADE_AT = "received_at"

    # The same for the same event (see platforms.webhooks.inbox): so no second index has to be kept to tell duplicates.
    id = models.UUIDField(primary_key=True, editable=False)
    platform = models.CharField(max_length=32, choices=platform_choices)
    event_id = models.CharField(max_length=255, blank=True, help_text=_("The provider's own."))
    type = models.CharField(max_length=255, blank=True)
    body = models.BinaryField()
    room_name = models.CharField(max_length=255, blank=True, default="", help_text=_("The provider's room name."))
    meeting_id = models.CharField(max_length=255, blank=True, default="", help_text=_("The provider's meeting id."))
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True, default="")
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = None  # type: ignore[assignment]  # it is received_at

    class Meta:
        indexes = [
            # Not partial, although most rows are done: of a state that is a parameter, SQLite could not use it.
            models.Index(fields=["state", "next_attempt_at"], name="webhook_event_by_state"),
            models.Index(fields=["received_at"], name="webhook_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.type} {self.event_id}"

    def log_ids(self) -> dict[str, Any]:
        """Its `meeting_id` is the provider's; which meeting that is here is found out."""
        return {"job": self._meta.model_name, "event": self.pk, "platform": self.platform}


class StaffNotice(models.Model):
    """A standing problem that staff must know of; `platforms.health.notices` opens and resolves them."""

    key = models.CharField(max_length=255, unique=True, help_text=_("Which problem: there is one notice of each."))
    text = models.TextField()
    opened_at = models.DateTimeField(help_text=_("When it was first seen, this time."))
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    sightings = models.PositiveIntegerField(default=1, help_text=_("How many times in a row it was seen."))
    shown_after = models.PositiveIntegerField(default=1, help_text=_("From how many sightings on staff are shown it."))

    class Meta:
        ordering = ["-last_seen_at", "-pk"]

    def __str__(self) -> str:
        return self.text


class NoticeMessage(Job):
    """What people elsewhere are told of a notice. That the row is there keeps them from being told twice."""

    class Channel(models.TextChoices):
        MAIL = "mail", _("Mail")
        WEBHOOK = "webhook", _("Webhook")

    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "notices"
    # 15 s, 30 s, ... 30 min, 30 min: some three hours in all.
    MAX_ATTEMPTS: ClassVar[int] = 13
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=15)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(minutes=30)

    key = models.CharField(max_length=255, help_text=_("The notice's."))
    opened_at = models.DateTimeField(help_text=_("When what it tells of began."))
    is_over = models.BooleanField(default=False, help_text=_("It tells of the end."))
    channel = models.CharField(max_length=16, choices=Channel)
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "opened_at", "is_over", "channel"], name="told_once_of_a_notice"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="notice_message_due")]

    def __str__(self) -> str:
        return f"{'over: ' if self.is_over else ''}{self.text}"


class Revision(models.Model):
    """One row that is another after each change of what staff decided; see `platforms.revision`."""

    ONLY = 1

    token = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.token


class Heartbeat(models.Model):
    """When a worker, or the scheduler, last said that it lives; see `platforms.health.heartbeats`."""

    name = models.CharField(primary_key=True, max_length=255)
    queues = models.CharField(max_length=255, blank=True, default="", help_text=_("Separated by commas."))
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class PlatformState(models.Model):
    """What every process must know of a platform; `platforms.health.states` reads and writes it.

    Staff may have cordoned it: no new meeting opens there, and those that run finish. The breaker leaves it alone while
    `open_since` is set. Where there is no row, nothing of the kind has happened yet.
    """

    CORDON = ("cordoned_at", "cordoned_by", "cordon_reason")

    platform = models.CharField(primary_key=True, max_length=32, choices=platform_choices)
    cordoned_at = models.DateTimeField(null=True, blank=True)
    cordoned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    cordon_reason = models.TextField(blank=True, default="", help_text=_("Why, in the words of who cordoned it."))
    failures = models.PositiveIntegerField(default=0, help_text=_("Calls in a row, of all processes together."))
    failing_since = models.DateTimeField(null=True, blank=True, help_text=_("The first of these."))
    last_error = models.TextField(blank=True, default="", help_text=_("The last of these."))
    open_since = models.DateTimeField(null=True, blank=True, help_text=_("Left alone by the breaker since."))
    probe_at = models.DateTimeField(null=True, blank=True, help_text=_("No call is tried before."))
    last_good_at = models.DateTimeField(null=True, blank=True, help_text=_("The last call that was answered."))
    last_event_at = models.DateTimeField(null=True, blank=True, help_text=_("When a webhook of it last arrived."))
    checked_at = models.DateTimeField(null=True, blank=True, help_text=_("When its credentials were last tried."))
    check_error = models.TextField(blank=True, default="", help_text=_("What that found; empty when they are good."))

    # Of what staff decide; the rest is written past it.
    history = HistoricalRecords(
        excluded_fields=[
            *("failures", "failing_since", "last_error", "open_since", "probe_at"),
            *("last_good_at", "last_event_at", "checked_at", "check_error"),
        ],
    )

    class Meta:
        permissions = [("operate", "Can check, cordon and drain platforms")]

    def __str__(self) -> str:
        return self.platform


class PlatformFigures(models.Model):
    """What happened on a platform in five minutes, of all processes together; see `platforms.health.figures`."""

    platform = models.CharField(max_length=32, choices=platform_choices)
    since = models.DateTimeField(help_text=_("When the five minutes began."))
    calls = models.PositiveIntegerField(default=0, help_text=_("To the provider, those that failed included."))
    failures = models.PositiveIntegerField(
        default=0, help_text=_("Calls that were not answered, or with an error of its.")
    )
    durations = models.JSONField(default=list, help_text=_("How many calls lasted up to each of the bounds."))
    opened = models.PositiveIntegerField(default=0, help_text=_("Meetings."))
    not_opened = models.PositiveIntegerField(default=0, help_text=_("Meetings that could not be opened."))

    class Meta:
        verbose_name_plural = _("platform figures")
        constraints = [
            models.UniqueConstraint(fields=["platform", "since"], name="figures_once_per_platform_and_time"),
        ]
        indexes = [models.Index(fields=["since"], name="figures_by_time")]

    def __str__(self) -> str:
        return f"{self.platform}, {self.since:%Y-%m-%d %H:%M} UTC"


class AuditQuerySet(models.QuerySet[Any]):
    def update(self, **values: Any) -> int:
        raise TypeError(APPEND_ONLY)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(APPEND_ONLY)


class AuditEntry(models.Model):
    """Somebody did something, or saw what not everybody sees; `platforms.audit` adds these.

    No entry is ever changed, nor deleted before its time: on PostgreSQL a trigger refuses both. So who and what is
    meant is kept as text and numbers, which stay when the person or the thing is gone.
    """

    class Action(models.TextChoices):
        READ = "read", _("Read")
        CREATED = "created", _("Created")
        CHANGED = "changed", _("Changed")
        ENDED = "ended", _("Ended")
        DELETED = "deleted", _("Deleted")
        RESTORED = "restored", _("Restored")
        SENT = "sent", _("Sent")
        SIGNED_IN = "signed in", _("Signed in")
        SIGNED_OUT = "signed out", _("Signed out")
        REFUSED = "refused", _("Refused to sign in")

    class Via(models.TextChoices):
        PAGES = "pages", _("Pages")
        API = "api", _("API")
        ADMIN = "admin", _("Admin")
        COMMAND = "command", _("manage.py")

    at = models.DateTimeField(default=timezone.now)
    person_id = models.BigIntegerField(null=True, help_text=_("Null: somebody who was not signed in."))
    person = models.CharField(max_length=150, blank=True, default="", help_text=_("The name of the account then."))
    api_key_id = models.CharField(_("API key"), max_length=36, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    via = models.CharField(max_length=8, choices=Via)
    action = models.CharField(max_length=16, choices=Action)
    kind = models.CharField(max_length=64, help_text=_("Of what was done something to."))
    object_id = models.CharField(max_length=255, blank=True, default="")
    what = models.CharField(max_length=100, blank=True, default="", help_text=_("What it was more exactly."))
    details = models.JSONField(default=dict, help_text=_("Names of what was sent, never what they were set to."))

    objects: ClassVar[Any] = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["person", "at"], name="audit_by_person"),
            models.Index(fields=["object_id", "at"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.person or 'Somebody'}: {self.kind} {self.object_id} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(APPEND_ONLY)
