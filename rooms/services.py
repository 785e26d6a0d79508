"""What the operator sets up once for all rooms, and what is said where a room's setting needs what is not there."""

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

NO_EMAIL = gettext_noop("This server sends no e-mail: its operator has to set EMAIL_URL.")


ZULIP_VARIABLES = ("ZULIP_REALM", "ZULIP_BOT_EMAIL", "ZULIP_API_KEY")


def why_no_email() -> str:
    """Empty where e-mail is sent."""
    return "" if settings.EMAIL_IS_SENT else gettext(NO_EMAIL)


def why_no_zulip() -> str:
    """Empty where Zulip is posted to."""
    missing = [name for name in ZULIP_VARIABLES if not getattr(settings, name)]
    said = gettext("This server posts nothing to Zulip: its operator has to set %(variables)s.")
    return said % {"variables": ", ".join(missing)} if missing else ""
