"""What the operator sets up once for all rooms, and what is said where a room's setting needs what is not there."""

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from platforms.http.safe_http import UnsafeAddress

NO_EMAIL = gettext_noop("This server sends no e-mail: its operator has to set EMAIL_URL.")
IN_LOG = gettext_noop("Mails are written to this server's log, and reach nobody until its operator sets EMAIL_URL.")
CONSOLE = "django.core.mail.backends.console.EmailBackend"

ZULIP_VARIABLES = ("ZULIP_REALM", "ZULIP_BOT_EMAIL", "ZULIP_API_KEY")


def why_no_email() -> str:
    """Empty where e-mail is sent."""
    return "" if settings.EMAIL_IS_SENT else gettext(NO_EMAIL)


def mail_is_logged() -> bool:
    """Whether mails are written to the log, as in development, and nobody receives them."""
    return bool(settings.EMAIL_BACKEND == CONSOLE)


def where_mail_goes() -> str:
    """Said where a page offers to mail something; empty where mails are sent."""
    return gettext(IN_LOG) if mail_is_logged() else ""


def why_no_zulip() -> str:
    """Empty where Zulip is posted to."""
    missing = [name for name in ZULIP_VARIABLES if not getattr(settings, name)]
    said = gettext("This server posts nothing to Zulip: its operator has to set %(variables)s.")
    return said % {"variables": ", ".join(missing)} if missing else ""


def why_not_called(error: UnsafeAddress) -> list[str]:
    """What is wrong with an address that somebody gave, and where an operator could let it through, how."""
    said = gettext(
        "At addresses that people give it, this server calls only web servers on the public internet. Its operator can "
        "let %(place)s through: OUTBOUND_ALLOWED_HOSTS=%(place)s."
    )
    return [gettext(str(error)), *([said % {"place": error.place}] if error.place else [])]
