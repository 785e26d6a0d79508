from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.work.models import Job
from recordings.models.recording import Recording


class Erasure(Job):
    """What of a recording must go from one place. All has gone when every place of the recording says so."""

    class Location(models.TextChoices):
        STORAGE = "storage", _("our storage")
        BUCKET = "bucket", _("the bucket that the provider writes to")
        PROVIDER = "provider", _("the provider")

    # With the pauses of Job: more than a month, so that a provider's long outage leaves nothing behind.
    MAX_ATTEMPTS: ClassVar[int] = 800
    QUEUE: ClassVar[str] = "long"
    LINE: ClassVar[str] = "recordings"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="erasures")
    location = models.CharField(max_length=16, choices=Location)
    only_video = models.BooleanField(default=False, help_text=_("The audio stays."))
    files = models.JSONField(default=list, blank=True, help_text=_("Names in our storage that no other row knows."))
    gone_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Of one that is done: whatever can be deleted has gone, and the copy that cannot is kept.
    IS_KEPT: ClassVar[models.Q] = models.Q(state=Job.State.DONE, gone_at=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "location"], name="one_erasure_per_location"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="erasure_due")]

    @property
    def is_kept(self) -> bool:
        return self.state == Job.State.DONE and self.gone_at is None

    def __str__(self) -> str:
        what = gettext("video") if self.only_video else gettext("audio and video")
        return gettext("{what} of {recording} in {place}").format(
            what=what, recording=self.recording, place=self.get_location_display()
        )
