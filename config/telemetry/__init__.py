"""Errors to Sentry and traces to a collector of OpenTelemetry, each only where its variable is set.

Their packages are in a lock file of their own (requirements-watch.lock), and are imported only then.
"""

import logging
from importlib.util import find_spec

from django.conf import settings

logger = logging.getLogger(__name__)

PACKAGES = {"SENTRY_DSN": "sentry_sdk", "OTEL_EXPORTER_OTLP_ENDPOINT": "opentelemetry.exporter.otlp.proto.http"}


def begin() -> None:
    """In each process, once the apps are there. What is missing ends none."""
    for variable in missing():
        logger.error("telemetry_not_installed variable=%s package=%s", variable, PACKAGES[variable])
    if is_on("SENTRY_DSN"):
        from config.telemetry import errors

        errors.begin()
    if is_on("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from config.telemetry import traces

        traces.begin()


def missing() -> list[str]:
    """The variables that are set for nothing."""
    return [variable for variable in PACKAGES if getattr(settings, variable) and not is_installed(PACKAGES[variable])]


def is_on(variable: str) -> bool:
    return bool(getattr(settings, variable)) and is_installed(PACKAGES[variable])


def is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False
