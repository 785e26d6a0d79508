"""What a meeting's provider is asked for."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from meetings.models.meeting import Meeting
from platforms.abilities import Closing, Extension, Logo
from platforms.handler import create_platform_client
from platforms.work.models import Job
from rooms.logos import copied


class RecordingStart(models.Model):
    """A recording that was asked for here, under an id of ours: some of its events name nothing else."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="recording_starts")
    instance_id = models.CharField(max_length=36, unique=True, help_text=_("A UUID, in lower case."))
    # As the provider tells when it has started; of several under the same instance id the last.
    recording_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    error = models.TextField(blank=True, default="", help_text=_("Why the provider stopped it."))
    asked_at = models.DateTimeField(auto_now=True)
    accepted_at = models.DateTimeField(null=True, blank=True, help_text=_("When the provider last took it."))

    def __str__(self) -> str:
        return f"{self.instance_id} of {self.meeting}"


class ProviderCall(Job):
    """Something to tell a meeting's provider that must not delay the person who caused it."""

    class Kind(models.TextChoices):
        SET_LOGO = "set_logo", _("Set Logo")
        CLOSE_ROOM = "close_room", _("Close Room")
        EXTEND_ROOM = "extend_room", _("Extend Room")

    LINE = "provider calls"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="provider_calls")
    kind = models.CharField(max_length=16, choices=Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "kind"], name="one_provider_call_per_kind"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="provider_call_due")]

    def __str__(self) -> str:
        return gettext("{call} for {meeting}").format(call=self.get_kind_display(), meeting=self.meeting)

    @classmethod
    def ask_again(cls, meeting: Meeting, kind: Kind) -> None:
        """Have a call made that may have been made before. One that is under way is followed by another."""
        call, _ = cls.objects.update_or_create(
            meeting=meeting,
            kind=kind,
            defaults={
                "state": cls.State.WAITING,
                "attempts": 0,
                "losses": 0,
                "next_attempt_at": timezone.now(),
                "last_error": "",
                "finished_at": None,
                "lease_token": None,  # the one under way cannot record its outcome over this
            },
        )
        call.enqueue_on_commit()

    def perform(self) -> None:
        """What is asked for is read from the meeting as it is now, so that a repeated call only says it again."""
        client = create_platform_client(self.meeting.platform)
        match self.kind:
            case self.Kind.CLOSE_ROOM:
                client.require(Closing).delete_room(self.meeting.room_name, self.meeting.provider_meeting_id)
            case self.Kind.EXTEND_ROOM if self.meeting.is_active:
                client.require(Extension).extend_meeting(self.meeting.room_name, self.meeting.end_date)
            case self.Kind.SET_LOGO if self.meeting.room and self.meeting.room.logo:
                with copied(self.meeting.room.logo) as logo:
                    client.require(Logo).upload_logo(self.meeting.room_name, logo)
