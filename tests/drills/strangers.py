"""Other people's servers, in a process of their own: calendars, and receivers that are well, fail at random or hang.

What they were asked is a line each in a file, so that it is known whatever becomes of those who asked.
"""

import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.drills.processes import fork, kill

HANG_SECONDS = 60.0
EVENTS = 20  # of a calendar, one a day


@dataclass(frozen=True)
class Asked:
    at: float  # Unix time
    path: str
    event_id: str
    status: int  # 0: the connection was broken off
    digest: str  # of the body


class Strangers:
    """`/well/...`, `/flaky/...` and `/dead/...` take events; `/feed/...` is a calendar."""

    def __init__(self, folder: Path, seed: int = 0, failures: float = 0.2) -> None:
        self.log = folder / "asked"
        self.chance = random.Random(seed)
        self.failures = failures
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        self.place = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.place}"

    def __enter__(self) -> "Strangers":
        self._file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._pid = fork(self._server.serve_forever)
        return self

    def __exit__(self, *exc_info: object) -> None:
        kill(self._pid)
        os.close(self._file)
        self._server.server_close()

    def asked(self) -> list[Asked]:
        found = []
        for line in self.log.read_text().splitlines():
            at, path, event_id, status, digest = line.split(" ")
            found.append(Asked(float(at), path, event_id, int(status), digest))
        return found

    def forget(self) -> None:
        os.truncate(self.log, 0)

    def status_for(self, path: str) -> int:
        """Some are taken, and the answer is lost."""
        if not path.startswith("/flaky/") or self.chance.random() >= self.failures:
            return 200
        return self.chance.choice([0, 429, 500, 503])

    def _handler_class(strangers) -> type[BaseHTTPRequestHandler]:  # noqa: N805  (self is the handler below)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.startswith("/dead/"):
                    time.sleep(HANG_SECONDS)
                self.answer(strangers.status_for(self.path), b"", sha256(body).hexdigest())

            def do_GET(self) -> None:
                self.answer(200, calendar(self.path), "-")

            def answer(self, status: int, content: bytes, digest: str) -> None:
                event_id = self.headers.get("webhook-id", "-")
                os.write(strangers._file, f"{time.time()} {self.path} {event_id} {status} {digest}\n".encode())
                self.close_connection = True
                if status:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def calendar(name: str) -> bytes:
    """A meeting every day at nine, and one that was moved."""
    first = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return f"""BEGIN:VCALENDAR
BEGIN:VEVENT
UID:{name}
DTSTART:{first:%Y%m%dT%H%M%SZ}
DURATION:PT30M
RRULE:FREQ=DAILY;COUNT={EVENTS}
SUMMARY:Daily
END:VEVENT
BEGIN:VEVENT
UID:{name}
RECURRENCE-ID:{first:%Y%m%dT%H%M%SZ}
DTSTART:{first + timedelta(hours=1):%Y%m%dT%H%M%SZ}
DURATION:PT30M
SUMMARY:Later
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()
