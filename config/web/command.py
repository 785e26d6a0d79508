"""How the web server is started."""

import sys

from django.conf import settings

HEADER_SECONDS = 10  # in which the headers of a request come, also those of the next one on a kept connection
BUFFER_BYTES = 64 * 1024  # that a connection may hold of what was sent and not yet read
CONNECTIONS = 8192  # at a time in each process; those that wait hold no thread
ENDING_SECONDS = 3  # for requests that are being answered when the server is ended


def web_command(port: int | None = None, processes: int | None = None) -> list[str]:
    """With the settings' port and number of processes unless others are given."""
    options = {
        "--interface": "asginl",
        "--http": 1,  # one way to send a body, one deadline
        "--host": settings.HOST,
        "--port": port or settings.PORT,
        "--workers": processes or settings.WEB_PROCESSES,
        "--workers-kill-timeout": ENDING_SECONDS,
        "--backlog": 2048,
        "--backpressure": CONNECTIONS,
        "--http1-buffer-size": BUFFER_BYTES,
        "--http1-header-read-timeout": HEADER_SECONDS * 1000,
        "--log-level": "error",
    }
    flags = ["--respawn-failed-workers"]
    words = [word for name, value in options.items() for word in (name, str(value))]
    return [sys.executable, "-m", "config.web.granian", *words, *flags, "config.asgi:application"]
