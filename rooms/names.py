"""What a room may be called: its name is its address, so it must fit a URL and leave the product's own paths alone."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

MAX_LENGTH = 100

RESERVED = frozenset(
    {"about", "account", "accounts", "admin", "api", "app", "assets", "auth", "docs", "events", "favicon.ico"}
    | {"health", "healthz", "home", "login", "logout", "media", "meeting", "meetings", "metrics", "mock"}
    | {"name", "new"}
    | {"ready", "recordings", "robots.txt", "room", "rooms", "sandbox", "schema", "search", "settings", "signin"}
    | {"signout", "signup", "static", "transcripts", "user", "users", "v1", "webhooks", "ws"}
)

url_safe = RegexValidator(
    r"\A[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\Z",
    "Use letters, digits, hyphens and underscores only, with a letter or digit first and last.",
    code="invalid_name",
)


def not_reserved(name: str) -> None:
    if name.lower() in RESERVED:
        raise ValidationError(f"“{name}” is one of the product's own addresses; choose another name.", code="reserved")
