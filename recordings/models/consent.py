import uuid

from django.conf import settings
from django.db import models

from meetings.models import Meeting


class Consent(models.Model):
    """One person's answer to being recorded; for somebody who is not signed in each answer is a row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="consents")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    # What somebody who is not signed in calls themselves; an account has its own.
    name = models.CharField(max_length=100, blank=True, default="", db_default="")
    given = models.BooleanField()
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "user"],
                condition=models.Q(user__isnull=False),
                name="one_consent_per_user_and_meeting",
            )
        ]
        indexes = [
            models.Index(fields=["answered_at", "id"], name="consent_by_time"),
            models.Index(fields=["answered_at"], condition=models.Q(given=False), name="refusal_by_time"),
            models.Index(fields=["meeting"], condition=models.Q(given=False), name="refusal_by_meeting"),
        ]

    def __str__(self) -> str:
        return f"{'consent' if self.given else 'refusal'} for {self.meeting}"
