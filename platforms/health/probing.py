"""Asking platforms whether they are there and take their credentials: when staff ask, and while one is down."""

import logging

from django.utils import timezone

from platforms.abilities import CredentialCheck
from platforms.exceptions import PlatformError
from platforms.handler import (
    adapter_errors,
    create_platform_client,
    get_available_platforms,
)
from platforms.health import breakers, states
from platforms.models import PlatformState

logger = logging.getLogger(__name__)


def check_platform(name: str) -> PlatformState:
    """Try the credentials, and keep what came of it: `check_error` is empty for good ones.

    Raises PlatformNotConfigured, and UnsupportedCapability for a platform that has no call for it.
    """
    client = create_platform_client(name).require(CredentialCheck)
    error = ""
    try:
        with adapter_errors(name):
            client.check_credentials()
    except PlatformError as failure:
        error = str(failure)
    logger.info("platform_checked platform=%s error=%s", name, error)
    return states.note_check(name, error)


def probe() -> None:
    """See whether platforms that are left alone are back, so that none of a meeting's people has to find out."""
    breakers.forget_untried()
    due = PlatformState.objects.filter(open_since__isnull=False, probe_at__lte=timezone.now())
    names = set(due.values_list("pk", flat=True)) & set(get_available_platforms())
    for name in filter(states.can_be_checked, names):
        check_platform(name)
