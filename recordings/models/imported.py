from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportedRow(models.Model):
    """What came here from another installation. It comes once: what was deleted here since does not come back."""

    class Kind(models.TextChoices):
        ROOM = "room", _("Room")
        MEETING = "meeting", _("Meeting")
        RECORDING = "recording", _("Recording")
        TRANSCRIPT = "transcript", _("Transcript")

    kind = models.CharField(max_length=16, choices=Kind)
    source_id = models.CharField(max_length=255, help_text=_("What it is called there."))
    row = models.UUIDField(help_text=_("Its id here."))
    imported_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "source_id"], name="imported_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}"
