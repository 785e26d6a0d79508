from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.work.models import Job
from recordings.models.transcript import Transcript


class TranscriptMail(Job):
    """A transcript for one person by e-mail. That the row is there keeps it from being sent a second time."""

    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "mail"
    LEASE: ClassVar[timedelta] = timedelta(minutes=3)
    # 30 s, 60 s, ... 4 h, 4 h: a day and a half in all.
    MAX_ATTEMPTS: ClassVar[int] = 16
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=30)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(hours=4)
    TIME_LIMIT: ClassVar[int] = 120
    MOST: ClassVar[int] = 100  # of one transcript
    SAVED_FIELDS: ClassVar[tuple[str, ...]] = ("is_logged",)

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="mails", db_index=False)
    recipient = models.EmailField()
    include_link = models.BooleanField(default=False, help_text=_("With the address of the transcript's page."))
    is_logged = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("It was written to this server's log, as there was no mail server then."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("transcript", Lower("recipient"), name="one_mail_per_recipient"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="transcript_mail_due")]

    def __str__(self) -> str:
        return gettext("mail to {recipient}").format(recipient=self.recipient)


class ZulipPost(Job):
    """A message about a transcript where its room wants it in Zulip."""

    QUEUE: ClassVar[str] = "outbound"
    LINE: ClassVar[str] = "zulip"
    LEASE: ClassVar[timedelta] = timedelta(minutes=2)
    MAX_ATTEMPTS: ClassVar[int] = 16
    FIRST_PAUSE: ClassVar[timedelta] = timedelta(seconds=30)
    LONGEST_PAUSE: ClassVar[timedelta] = timedelta(hours=4)
    SAVED_FIELDS: ClassVar[tuple[str, ...]] = ("message_id",)

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="zulip_posts", db_index=False)
    stream = models.CharField(max_length=100)
    topic = models.CharField(max_length=100)
    include_topics = models.BooleanField(default=True, db_default=True, help_text=_("What was talked about is listed."))
    message_id = models.BigIntegerField(default=0, editable=False, help_text=_("At Zulip."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transcript", "stream", "topic"], name="one_post_per_topic"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="zulip_post_due")]

    def __str__(self) -> str:
        return f"{self.stream} > {self.topic}"
