"""Sending a transcript by e-mail, once: by the settings that EMAIL_URL gives Django."""

import smtplib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from platforms.exceptions import PlatformNotConfigured, PlatformRejected
from platforms.work.models import ResultPending
from recordings.models import Transcript, TranscriptMail
from recordings.transcripts.formats import as_text, speaker_names
from rooms.languages import language_of_mails
from rooms.services import mail_is_logged, why_no_email

SUBJECT_CHARACTERS = 150
BODY_CHARACTERS = 50_000  # of what was said; the file that goes with it has all
SOME_SECONDS = 30.0


class NotSent(ResultPending):
    """The mail server did not take it now: it is sent again."""


def perform(mail: TranscriptMail) -> None:
    """Raises NotSent, PlatformRejected where trying again cannot help, and PlatformNotConfigured."""
    if why := why_no_email():
        raise PlatformNotConfigured(why)
    transcript = Transcript.objects.select_related("room", "recording").get(pk=mail.transcript_id)
    if transcript.deleted_at:
        raise PlatformRejected("The transcript was deleted meanwhile.")
    try:
        with translation.override(language_of_mails(mail.recipient)):
            message = message_of(mail, transcript)
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(*next(iter(error.recipients.values()))) from None
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server could not be used: {_words(error)}", SOME_SECONDS) from None
    mail.is_logged = mail_is_logged()


def message_of(mail: TranscriptMail, transcript: Transcript) -> EmailMessage:
    """One that is sent twice, because a worker went away, has the same Message-ID."""
    text = as_text(transcript.segments.all(), speaker_names(transcript), timestamps=True)
    host = urlsplit(settings.PUBLIC_URL).hostname
    message = EmailMessage(
        subject=_("Transcript: {title}").format(title=" ".join(str(transcript).split()))[:SUBJECT_CHARACTERS],
        body=_body(mail, transcript, text),
        to=[mail.recipient],
        headers={"Message-ID": f"<{transcript.pk}.{mail.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    if text:
        message.attach("transcript.txt", text, "text/plain")
    return message


def _body(mail: TranscriptMail, transcript: Transcript, text: str) -> str:
    context = {
        "transcript": transcript,
        "address": f"{settings.PUBLIC_URL}/transcripts/{transcript.pk}" if mail.include_link else "",
        "said": text[:BODY_CHARACTERS],
        "is_cut": len(text) > BODY_CHARACTERS,
    }
    return render_to_string("recordings/transcript_mail.txt", context)


def _refusal(code: int, said: bytes | str) -> Exception:
    """A server says with 4xx that it may take it later, with 5xx that it never will (RFC 5321, 4.2.1)."""
    words = f"The mail server answered {code}: {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return PlatformRejected(words) if code >= 500 else NotSent(words, SOME_SECONDS)


def _words(error: Exception) -> Any:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return type(error).__name__
