"""Sending one message: by e-mail, or to a webhook that takes what Slack's incoming webhooks take.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.http.safe_http import DEFAULT_PORTS, read_start, safe_session
from platforms.models import NoticeMessage
from platforms.work.models import ResultPending

SUBJECT_CHARACTERS = 120
TOTAL_SECONDS = 15.0
SOME_SECONDS = 15.0
PASSING = frozenset({408, 425, 429})  # of the answers 4xx, those that may be others later
ANSWER_BYTES = 1024


class NotSent(ResultPending):
    """It was not taken now: it is sent again."""


def perform(message: NoticeMessage) -> None:
    """Raises NotSent, PlatformRejected where trying again cannot help, and PlatformNotConfigured."""
    if message.channel == NoticeMessage.Channel.MAIL:
        _mail(message)
    else:
        _post(message)


def _mail(message: NoticeMessage) -> None:
    if not settings.NOTICE_EMAILS:
        raise PlatformNotConfigured("NOTICE_EMAILS is not set any more.")
    host = urlsplit(settings.PUBLIC_URL).hostname
    subject = f"[{host}] {'Over: ' if message.is_over else ''}{' '.join(message.text.split())}"
    mail = EmailMessage(
        subject=subject if len(subject) <= SUBJECT_CHARACTERS else f"{subject[: SUBJECT_CHARACTERS - 1]}…",
        body=f"{_sentences(message)}\n\n{settings.PUBLIC_URL}/admin/\n",
        to=settings.NOTICE_EMAILS,
        headers={"Message-ID": f"<notice.{message.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server could not be used: {type(error).__name__}", SOME_SECONDS) from None


def _post(message: NoticeMessage) -> None:
    if not settings.NOTICE_WEBHOOK_URL:
        raise PlatformNotConfigured("NOTICE_WEBHOOK_URL is not set any more.")
    text = f"{'✅' if message.is_over else '⚠️'} {_sentences(message)} {settings.PUBLIC_URL}/admin/"
    try:
        with safe_session(TOTAL_SECONDS, allowed=[_place(settings.NOTICE_WEBHOOK_URL)]) as session:
            answer = session.post(settings.NOTICE_WEBHOOK_URL, json={"text": _escaped(text)}, allow_redirects=False)
            read_start(answer, ANSWER_BYTES)
    except PlatformUnavailable as error:
        raise NotSent(str(error), SOME_SECONDS) from None
    status = answer.status_code
    if 300 <= status < 500 and status not in PASSING:
        raise PlatformRejected(f"The address of NOTICE_WEBHOOK_URL answered {status}.")
    if status >= 300:
        raise NotSent(f"The address of NOTICE_WEBHOOK_URL answered {status}.", SOME_SECONDS)


def _sentences(message: NoticeMessage) -> str:
    since = f"{message.opened_at:%Y-%m-%d %H:%M} UTC"
    return f"Over, after it began at {since}: {message.text}" if message.is_over else f"Since {since}: {message.text}"


def _escaped(text: str) -> str:
    """As Slack wants it, where < begins a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _place(url: str) -> str:
    """An operator may have it inside the own network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"
