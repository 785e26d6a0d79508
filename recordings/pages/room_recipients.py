"""Who is sent the transcripts of a room, on its page: the addresses, and what became of the latest mails."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recordings.models import Transcript, TranscriptMail, ZulipPost
from recordings.transcripts.access import is_owner, may_read
from rooms.models import Room
from rooms.pages.room.section import Facts, Section, SectionForm, tell
from rooms.recipients import MOST
from rooms.services import where_mail_goes, why_no_email, why_no_zulip

NAME = "transcripts"
SENT = 6  # that are shown


class RecipientsForm(SectionForm):
    stored = ("email_transcript_to", "zulip_auto_post", "zulip_stream", "zulip_topic")

    email_transcript_to = forms.CharField(
        label=gettext_lazy("Send each transcript to"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    zulip_auto_post = forms.BooleanField(label=gettext_lazy("Post in Zulip when one is ready"), required=False)
    zulip_stream = forms.CharField(
        label=gettext_lazy("Channel"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "zulip-streams"}),
    )
    zulip_topic = forms.CharField(
        label=gettext_lazy("Topic"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"list": "zulip-topics"}),
    )

    def __init__(self, room: Room, data: object = None) -> None:
        super().__init__(room, data)
        addresses = _("E-mail addresses, separated by commas; {most} at most.").format(most=MOST)
        self.fields["email_transcript_to"].help_text = f"{addresses} {where_mail_goes()}".strip()
        self._explain("email_transcript_to", why=why_no_email())
        self._explain("zulip_auto_post", "zulip_stream", "zulip_topic", why=why_no_zulip())

    def _explain(self, *names: str, why: str) -> None:
        """What is set can be taken away, whether or not anything comes of it."""
        if why:
            self.fields[names[0]].help_text = why
            for name in names:
                self.fields[name].disabled = not any(getattr(self.room, other) for other in names)

    @property
    def is_usable(self) -> bool:
        return not all(field.disabled for field in self.fields.values())

    def changes(self) -> Facts:
        return self.cleaned_data | {"email_transcript_to": self.cleaned_data["email_transcript_to"] or None}


def facts(request: HttpRequest, room: Room) -> Facts:
    mails = TranscriptMail.objects.filter(transcript__room=room).select_related("transcript")
    posts = ZulipPost.objects.filter(transcript__room=room).select_related("transcript")
    return {"sent": [(job, shown_name(request.user, job.transcript)) for job in [*newest(mails), *newest(posts)]]}


def shown_name(user: Any, transcript: Transcript) -> str:
    """What is not for everybody who runs the room has no name to them."""
    is_open = transcript.deleted_at is None and may_read(user, transcript)
    return str(transcript) if is_open or is_owner(user, transcript) else _("a transcript")


def newest(jobs: QuerySet[Any]) -> QuerySet[Any]:
    return jobs.order_by("-created_at", "-pk")[:SENT]


def save(request: HttpRequest, room: Room) -> SectionForm | None:
    form = RecipientsForm(room, request.POST)
    if not form.save():
        return form
    tell(request, NAME, _("Saved."))
    return None


SECTION = Section(
    NAME, gettext_lazy("Transcripts"), "recordings/room_recipients.html", facts, RecipientsForm, {"save": save}
)
