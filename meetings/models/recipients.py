import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.meeting import Meeting


class EmailRecipient(models.Model):
    """Somebody who asked in a meeting to be sent what is said in it."""

    MOST: int = 50  # of one meeting

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="email_recipients", db_index=False)
    email = models.EmailField()
    include_link = models.BooleanField(default=False, help_text=_("With the address of the transcript's page."))
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["added_at", "pk"]
        constraints = [
            models.UniqueConstraint("meeting", Lower("email"), name="one_row_per_email_recipient"),
        ]

    def __str__(self) -> str:
        return self.email
