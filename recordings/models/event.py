from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT = timedelta(days=1)  # for clients that were cut off; who was away for longer reads everything anew


class TranscriptEvent(models.Model):
    """Something that happened to a transcript, to be told to clients that follow it.

    The id is the cursor by which a client resumes. A row is written with the change itself, and ids become visible in
    their order, as only `Transcript.touch` writes any: so whoever has read up to one id has missed nothing before it.
    """

    class Kind(models.TextChoices):
        CREATED = "created", _("Created")
        STATUS = "status", _("Status")
        TITLE = "title", _("Title")
        SHORT_SUMMARY = "short_summary", _("Short Summary")
        LONG_SUMMARY = "long_summary", _("Long Summary")
        DURATION = "duration", _("Duration")
        WAVEFORM = "waveform", _("Waveform")
        TOPICS = "topics", _("Topics")  # what was said
        ACTION_ITEMS = "action_items", _("Action Items")
        ACCESS = "access", _("Access")  # who may read it
        DELETED = "deleted", _("Deleted")
        RESTORED = "restored", _("Restored")

    id = models.BigAutoField(primary_key=True)
    # No relation: that it was deleted is told when it is gone.
    transcript_id = models.UUIDField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", help_text=_("Its owner then.")
    )
    kind = models.CharField(max_length=16, choices=Kind)
    value = models.JSONField(null=True, help_text=_("What it became; null for what is read from the transcript."))
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["transcript_id", "id"], name="event_by_transcript"),
            models.Index(fields=["user", "id"], name="event_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.transcript_id}"

    @classmethod
    def prune(cls) -> int:
        deleted, _ = cls.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        return deleted
