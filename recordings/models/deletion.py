from typing import ClassVar

from django.db import models

from platforms.durable import Work
from recordings.models.recording import Recording


class Destruction(Work):
    """What of a recording must go from one place. All has gone when every place of the recording says so."""

    class Place(models.TextChoices):
        STORAGE = "storage", "our storage"
        BUCKET = "bucket", "the bucket that the provider writes to"
        PROVIDER = "provider", "the provider"

    # With the pauses of Work: more than a month, so that a provider's long outage leaves nothing behind.
    MAX_ATTEMPTS: ClassVar[int] = 800
    QUEUE: ClassVar[str] = "long"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="destructions")
    place = models.CharField(max_length=16, choices=Place)
    only_video = models.BooleanField(default=False, help_text="The audio stays.")
    files = models.JSONField(default=list, blank=True, help_text="Names in our storage that no other row knows.")
    gone_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "place"], name="one_destruction_per_place"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="destruction_due")]

    def __str__(self) -> str:
        what = "video" if self.only_video else "audio and video"
        return f"{what} of {self.recording} in {self.get_place_display()}"

    def perform(self) -> None:
        from recordings.deletion import destroy_in_place

        destroy_in_place(self)
