"""The sandbox as one server: the world, the providers' sides of the wire, the meeting pages and the storage.

All its state is in memory: what a sandbox knew is gone when it stops.
"""

import importlib
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.routing import PathConverter
from werkzeug.serving import WSGIRequestHandler, make_server

from platforms.sandbox.door import Door
from platforms.sandbox.faults import Faults
from platforms.sandbox.finishing import finish_recordings
from platforms.sandbox.links import Links
from platforms.sandbox.provider import Provider
from platforms.sandbox.webhooks import Courier
from platforms.sandbox.world import World

if TYPE_CHECKING:
    from platforms.sandbox.storage import Storage

PLATFORMS = ("daily", "whereby", "mock")
API_KEY = "sandbox"
MODULES = (*PLATFORMS, "links", "controls", "page", "transcription")
MOMENT = 0.1  # seconds between two looks at what time alone brings about


class Sandbox:
    """Everything of one sandbox. `url` is its own address, known once it listens.

    `addresses` are what rooms' addresses begin with, by platform, where that is not the sandbox's own address; `reach`
    are public addresses of webhooks (scheme and host) that lead to another one, on this machine.
    """

    def __init__(
        self,
        folder: Path,
        product: str = "",
        secret: str = "",
        time_scale: float = 1.0,
        api_key: str = API_KEY,
        addresses: Mapping[str, str] | None = None,
        reach: Mapping[str, str] | None = None,
    ) -> None:
        self.url = ""
        self.storage: Storage | None = None
        self.product = product.rstrip("/")
        self.api_key = api_key
        self.addresses = addresses or {}
        self.world = World(folder, time_scale)
        self.faults = {platform: Faults() for platform in PLATFORMS}
        self.couriers = {platform: Courier(faults, time_scale, reach) for platform, faults in self.faults.items()}
        self.links = Links(self)
        self.chores: list[Callable[[], object]] = [self.world.review]  # done every moment; see `Clock`
        self.providers = _providers(self)
        self.app = Flask("platforms.sandbox")
        self.app.url_map.merge_slashes = False  # a redirect would be an answer that no provider gives
        self.app.url_map.converters["anything"] = Anything
        for name in MODULES:
            self.app.register_blueprint(importlib.import_module(f"platforms.sandbox.{name}").routes(self))
        self.world.listen(self._tell)
        self.world.listen(partial(finish_recordings, self))
        if product:
            for provider in self.providers.values():
                provider.register(self.product, secret)

    @property
    def storage_url(self) -> str:
        return self.storage.url if self.storage else ""

    def room_url(self, platform: str, name: str) -> str:
        return f"{self.addresses.get(platform) or f'{self.url}/{platform}'}/{name}"

    def _tell(self, what: str, room: Any, **facts: Any) -> None:
        self.providers[room.platform].tell(what, room, **facts)


def _providers(sandbox: Sandbox) -> dict[str, Provider]:
    from platforms.sandbox.daily import Daily
    from platforms.sandbox.mock import Mock
    from platforms.sandbox.whereby import Whereby

    return {provider.name: provider(sandbox) for provider in (Daily, Whereby, Mock)}


class Anything(PathConverter):
    """The rest of a path, whatever it begins with."""

    regex = ".*?"
    part_isolating = False


class Clock:
    """Does the chores of a sandbox every moment."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(MOMENT):
            for chore in list(self.sandbox.chores):
                chore()


class QuietHandler(WSGIRequestHandler):
    """Requests are not written down but for debugging."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  (werkzeug's own name)
        logging.getLogger("werkzeug").debug(message, *args)


class Listener:
    """The HTTP server of a sandbox, in a thread."""

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        app = Door(sandbox.app, host, sandbox.addresses.values())
        self._server = make_server(host, port, app, threaded=True, request_handler=QuietHandler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.port = self._server.port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def running_sandbox(
    product: str = "",
    secret: str = "",
    storage: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    storage_port: int = 0,
    **options: Any,
) -> Iterator[Sandbox]:
    """A sandbox that answers, in threads of this process; the options are those of `Sandbox`.

    Its address is that of `host`, by the name localhost where that is this machine.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        sandbox = Sandbox(Path(folder), product, secret, **options)
        if storage:
            from platforms.sandbox.storage import Storage

            sandbox.storage = Storage(host, storage_port)
            _run(running, sandbox.storage)
        listener = Listener(sandbox, host, port)
        sandbox.url = f"http://{_name(host)}:{listener.port}"
        for part in (*sandbox.couriers.values(), Clock(sandbox), listener):
            _run(running, part)
        yield sandbox


def _run(running: ExitStack, part: Any) -> None:
    part.start()
    running.callback(part.stop)


def _name(host: str) -> str:
    return "localhost" if host in {"127.0.0.1", "0.0.0.0"} else host  # noqa: S104  (not bound to here)
