"""How the web server is started."""

import os
import sys
from typing import NoReturn

from django.conf import settings

HEADER_SECONDS = 10  # in which the headers of a request come, also those of the next one on a kept connection
BUFFER_BYTES = 64 * 1024  # that a connection may hold of what was sent and not yet read
CONNECTIONS = 8192  # at a time in each process; those that wait hold no thread
ENDING_SECONDS = 3  # for requests that are being answered when the server is ended


def be_web(port: int | None = None, processes: int | None = None) -> NoReturn:
    """Have this process be the web server."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", *web_module(port, processes)])  # noqa: S606  (itself)


def web_module(port: int | None = None, processes: int | None = None) -> list[str]:
    """What follows `python -m`: with the settings' port and number of processes unless others are given."""
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
    return ["config.web.granian", *words, *flags, "config.asgi:application"]
