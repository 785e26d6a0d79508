from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recordings.models.transcript import Transcript


class Upload(models.Model):
    """A file that is being sent in pieces; it is gone once the file is whole, or given up."""

    transcript = models.OneToOneField(Transcript, on_delete=models.CASCADE, primary_key=True)
    total = models.PositiveIntegerField()
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)
    # While a request puts the pieces together.
    lease_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"upload for {self.transcript_id}"


class UploadPart(models.Model):
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    file = models.TextField(help_text=_("Its name in the recordings storage."))
    size = models.BigIntegerField(help_text=_("Bytes."))

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="one_part_per_number")]

    def __str__(self) -> str:
        return self.file
