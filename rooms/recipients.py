"""Lists of e-mail addresses that people enter as one line."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from rooms.services import why_no_email

MOST = 20


def parse(text: str) -> list[str]:
    """The addresses, each once. Raises ValidationError, which names the one that is none."""
    found = _split(text)
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(
                gettext("“%(address)s” is not an e-mail address.") % {"address": address[:100]}, code="invalid"
            ) from None
    if len(found) > MOST:
        raise ValidationError(gettext("Enter at most %(count)s addresses.") % {"count": MOST}, code="too_many")
    return found


def check(text: str) -> None:
    """Raises ValidationError where one of them is no address, and where nothing could be sent to them."""
    if why := why_no_email():
        raise ValidationError(why, code="not_configured")
    parse(text)


def usable(text: str) -> list[str]:
    """Those of a text that was stored before it was checked."""
    found = []
    for address in _split(text):
        try:
            found += parse(address)
        except ValidationError:
            continue
    return found[:MOST]


def _split(text: str) -> list[str]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    return list({word.lower(): word for word in reversed(words)}.values())[::-1]
