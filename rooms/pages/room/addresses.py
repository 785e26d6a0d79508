"""Addresses that are secrets: the page says at whose server they are, and shows no more of them."""

from urllib.parse import urlsplit

from django.utils.translation import gettext, gettext_noop

from rooms.keyring import WrongKey
from rooms.models import Room
from rooms.models.sealed import is_set

UNREADABLE = gettext_noop("an unreadable address, as the server's keys were changed: remove it and enter it anew")


def masked(room: Room, name: str) -> str:
    """What may be shown of an address that is stored; empty where there is none."""
    if not is_set(room, name):
        return ""
    try:
        host = urlsplit(getattr(room, name)).hostname or gettext("an unknown server")
    except (WrongKey, ValueError):
        return gettext(UNREADABLE)
    return gettext("an address at %(host)s") % {"host": host}
