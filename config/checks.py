"""What `manage.py check --deploy` says of this product's own settings; Django's checks say the rest."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from config import telemetry
from rooms.services import ZULIP_VARIABLES, why_no_zulip

# What must not hold in production -> what comes of it, and what to do.
PROBLEMS: dict[str, tuple[Callable[[], bool], str, str]] = {
    "config.W001": (
        lambda: bool(settings.CELERY_BROKER_URL == "files://"),
        "REDIS_URL is not set: the queue is files in DATA_DIR, which processes of another machine do not share.",
        "Set REDIS_URL, or CELERY_BROKER_URL.",
    ),
    "config.W002": (
        lambda: "*" in settings.ALLOWED_HOSTS,
        "ALLOWED_HOSTS lets every name in: links could be made that lead to somebody else's server.",
        "Leave it empty to answer to the host of PUBLIC_URL, or name the hosts.",
    ),
    "config.W003": (
        lambda: bool(settings.SANDBOX_ENABLED),
        "SANDBOX_ENABLED is true: platforms without a key are only played, on this machine, by anybody on it.",
        "Set SANDBOX_ENABLED=false.",
    ),
    "config.W004": (
        lambda: bool(settings.SECURE_SSL_REDIRECT) and not settings.TRUSTED_PROXIES,
        "PUBLIC_URL is https and TRUSTED_PROXIES is 0: as this server speaks http only, every request, webhooks "
        "included, is sent elsewhere for ever.",
        "Set TRUSTED_PROXIES to the number of proxies in front that set X-Forwarded-Proto.",
    ),
    "config.W005": (
        lambda: connection.vendor == "sqlite",
        "DATABASE_URL is not set or names a SQLite file: one writes at a time, and a second machine cannot share it.",
        "Use PostgreSQL.",
    ),
    "config.W006": (
        lambda: bool(settings.FIELD_ENCRYPTION_KEY_IS_KEPT_HERE),
        "FIELD_ENCRYPTION_KEYS is not set: the key to the rooms' secrets is in DATA_DIR of this machine only.",
        "Set it to what the file field_encryption_key of DATA_DIR holds, on every machine.",
    ),
}


@register
def check_zulip(**kwargs: Any) -> Iterable[CheckMessage]:
    """One variable of three is a slip; none is no wish for Zulip."""
    is_wanted = any(getattr(settings, name) for name in ZULIP_VARIABLES)
    if is_wanted and (why := why_no_zulip()):
        yield Warning(why, id="config.W007")


@register
def check_telemetry(**kwargs: Any) -> Iterable[CheckMessage]:
    for variable in telemetry.missing():
        yield Error(
            f"{variable} is set, and the package {telemetry.PACKAGES[variable]} is not installed: nothing is sent.",
            hint="Install requirements-watch.lock in the place of requirements.lock, or take the variable away.",
            id="config.E001",
        )


@register(Tags.security, deploy=True)
def check_deployment(**kwargs: Any) -> Iterable[CheckMessage]:
    for identity, (holds, text, hint) in PROBLEMS.items():
        if holds():
            yield Warning(text, hint=hint, id=identity)
