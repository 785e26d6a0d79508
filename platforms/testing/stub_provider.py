"""A provider on loopback: answers as scripted and keeps every request, so that the wire itself can be asserted."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # as sent, still percent-encoded, without the query
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0  # seconds before the answer

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        return b"" if self.json is None else json.dumps(self.json).encode()


Handler = Callable[[Request], Answer]


class StubProvider:
    """`on("POST", "/rooms", *answers)` answers in turn, the last one for ever; an answer may be a function."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[tuple[str, str], list[Answer | Handler]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> "StubProvider":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(self, method: str, path: str, *answers: Answer | Handler) -> None:
        """`path` may end in * to stand for everything that begins so; an exact path goes first."""
        self._answers[method, path] = list(answers)

    def sent(self, method: str, path: str = "") -> list[Request]:
        """The requests that arrived so far, by method and by how their path begins."""
        return [r for r in self.requests if r.method == method and r.path.startswith(path)]

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            key = self._match(request.method, request.path)
            if key is None:
                return Answer(404, {"error": "not-found", "info": f"no stub for {request.method} {request.path}"})
            answers = self._answers[key]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Answer) else answer(request)

    def _match(self, method: str, path: str) -> tuple[str, str] | None:
        if (method, path) in self._answers:
            return method, path
        prefixes = [key for key in self._answers if key[0] == method and key[1].endswith("*")]
        fitting = [key for key in prefixes if path.startswith(key[1][:-1])]
        return max(fitting, key=lambda key: len(key[1]), default=None)

    def _handler_class(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805  (self is the handler below)
        class StubHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                request = Request(
                    method=self.command,
                    path=parts.path,
                    query=parse_qs(parts.query, keep_blank_values=True),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                )
                answer = stub._answer(request)
                time.sleep(answer.delay)
                content = answer.content()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(ConnectionError):  # its client is gone
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        return StubHandler
