from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.work.models import Job
from recordings.models.transcript import Transcript


class Summary(Job):
    """What a language model makes of a transcript: a title, two summaries, what was decided, and names for its topics.

    The transcript is there before, and stays as it is where this fails: `last_error` says why.
    """

    LEASE: ClassVar[timedelta] = timedelta(seconds=25)  # renewed while the work goes on
    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "summaries"
    # 15 s, 30 s, 60 s: whoever waits for the finished transcript waits for minutes, not for hours.
    MAX_ATTEMPTS: ClassVar[int] = 4
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=15)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(minutes=5)
    TIME_LIMIT: ClassVar[int] = 1800

    transcript = models.OneToOneField(Transcript, on_delete=models.CASCADE, primary_key=True)
    # The model's answers so far, which need not be paid for again after a crash.
    checkpoint = models.JSONField(default=dict, editable=False)
    # What the model said last of each field of the transcript: only that, never what a person wrote, is replaced.
    said = models.JSONField(default=dict, editable=False)
    # {"decisions": [{decision, decided_by, context}], "next_steps": [{task, assigned_to, deadline, context}]}
    action_items = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name_plural = _("summaries")
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="summary_due"),
            models.Index(fields=["created_at"], name="summary_by_time"),
        ]

    def __str__(self) -> str:
        return gettext("summary of {transcript}").format(transcript=self.transcript_id)


class TopicHeading(models.Model):
    """What a language model calls a topic. `topic` is its id, as recordings.transcripts.topics makes it."""

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="headings")
    topic = models.UUIDField()
    title = models.TextField()
    summary = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["transcript", "topic"], name="one_heading_per_topic")]

    def __str__(self) -> str:
        return self.title
