"""The certificate of PUBLIC_URL, wherever TLS ends: staff hear of it before browsers and providers turn away."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from platforms.health import notices

KEY = "certificate"
SOON = timedelta(days=14)  # those that renew themselves do so a month before the end
ANSWER_SECONDS = 10.0


def check() -> None:
    """Where the address cannot be called from here, as in many networks, nothing is known and nothing is changed."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme != "https":
        notices.resolve(KEY)
        return
    try:
        problem = _problem(parts.hostname or "", parts.port or 443)
    except ssl.SSLCertVerificationError as error:
        problem = f"The certificate of PUBLIC_URL is not valid: {error.verify_message}."
    except OSError:
        return
    if problem:
        notices.report(KEY, f"{problem} Renew it at the proxy in front.")
    else:
        notices.resolve(KEY)


def _problem(host: str, port: int) -> str:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), ANSWER_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host) as encrypted,
    ):
        certificate = encrypted.getpeercert() or {}
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    if end - timezone.now() > SOON:
        return ""
    return f"The certificate of PUBLIC_URL ends on {end:%Y-%m-%d %H:%M} UTC."
