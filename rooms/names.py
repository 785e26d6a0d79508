"""What a room may be called: its name is its address, so it must fit a URL and leave the product's own paths alone."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MAX_LENGTH = 100
MAX_TITLE_LENGTH = 200

RESERVED = frozenset(
    {"about", "account", "accounts", "admin", "api", "app", "assets", "auth", "docs", "events", "favicon.ico"}
    | {"openapi.json"}
    # Of a single-page app that is served from the same address.
    | {"_next", "browse", "monitoring", "webinars"}
    | {"health", "healthz", "home", "login", "logout", "media", "meeting", "meetings", "metrics", "mock"}
    | {"name", "new"}
    | {"ready", "recordings", "robots.txt", "room", "rooms", "sandbox", "schema", "search", "settings", "signin"}
    | {"signout", "signup", "static", "transcripts", "user", "users", "v1", "webhooks", "ws"}
)

url_safe = RegexValidator(
    r"\A[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\Z",
    _("Use letters, digits, hyphens and underscores only, with a letter or digit first and last."),
    code="invalid_name",
)


def not_reserved(name: str) -> None:
    if name.lower() in RESERVED:
        said = gettext("“%(name)s” is one of the product's own addresses; choose another name.")
        raise ValidationError(said % {"name": name}, code="reserved")


def address_of(title: str) -> str:
    """What a room of this title is called in its address; empty where nothing of the title can stand in one.

    As static/rooms/new_room.js shows it while somebody types.
    """
    plain = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss"))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9_]+", "-", kept)[:MAX_LENGTH].strip("-_")
