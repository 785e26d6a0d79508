from datetime import timedelta

from django.db import models
from django.utils import timezone

from platforms.durable import Work
from platforms.handler import create_platform_client, platform_choices
from platforms.signals import event_received


class WebhookEvent(Work):
    """One event that a platform reported by webhook, byte for byte; its state says what became of it."""

    class Outcome(models.TextChoices):
        APPLIED = "applied"
        IGNORED = "ignored"

    ATOMIC = True
    DRAINED = True
    # An event is processed in milliseconds; what a killed worker had taken is taken over after this long.
    LEASE = timedelta(seconds=10)
    # With the pauses of Work: about a day, until a meeting that nobody knows of is given up.
    MAX_ATTEMPTS = 33
    NOTED = ("room_name", "meeting_id", "outcome")

    # The same for the same event (see platforms.inbox): so no second index has to be kept to tell duplicates.
    id = models.UUIDField(primary_key=True, editable=False)
    platform = models.CharField(max_length=32, choices=platform_choices)
    event_id = models.CharField(max_length=255, blank=True, help_text="The provider's own.")
    type = models.CharField(max_length=255, blank=True)
    body = models.BinaryField()
    room_name = models.CharField(max_length=255, blank=True, default="", help_text="The provider's room name.")
    meeting_id = models.CharField(max_length=255, blank=True, default="", help_text="The provider's meeting id.")
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

    def perform(self) -> None:
        self.outcome = ""
        found = create_platform_client(self.platform).parse_webhook(bytes(self.body))
        self.room_name = next((event.room_name for event in found if event.room_name), "")
        self.meeting_id = next((event.meeting_id for event in found if event.meeting_id), "")
        answers = [event_received.send(sender=type(event), event=event) for event in found]
        applied = any(answer for receivers in answers for _, answer in receivers)
        self.outcome = self.Outcome.APPLIED if applied else self.Outcome.IGNORED


class StaffNotice(models.Model):
    """A standing problem that staff must know of; `platforms.notices` opens and resolves them."""

    key = models.CharField(max_length=255, unique=True, help_text="Which problem: there is one notice of each.")
    text = models.TextField()
    opened_at = models.DateTimeField(help_text="When it was first seen, this time.")
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    sightings = models.PositiveIntegerField(default=1, help_text="How many times in a row it was seen.")
    shown_after = models.PositiveIntegerField(default=1, help_text="From how many sightings on staff are shown it.")

    class Meta:
        ordering = ["-last_seen_at", "-pk"]

    def __str__(self) -> str:
        return self.text
