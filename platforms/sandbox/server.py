"""The sandbox as one server: the world, the providers' sides of the wire, the meeting pages and the storage.

All its state is in memory: what a sandbox knew is gone when it stops.
"""

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flask import Flask
from werkzeug.routing import PathConverter
from werkzeug.serving import WSGIRequestHandler, make_server

from platforms.sandbox.addresses import Addresses
from platforms.sandbox.context import Context
from platforms.sandbox.media import links, transcription
from platforms.sandbox.media.links import Links
from platforms.sandbox.media.recording_pipeline import finish_recordings
from platforms.sandbox.registry import find_providers
from platforms.sandbox.storage import Storage
from platforms.sandbox.web import controls, page
from platforms.sandbox.web.allowed_hosts import AllowedHosts
from platforms.sandbox.wire.faults import Faults
from platforms.sandbox.wire.webhooks import Courier
from platforms.sandbox.world.connections import Connections
from platforms.sandbox.world.model import Room
from platforms.sandbox.world.world import World

API_KEY = "sandbox"
TICK_SECONDS = 0.1  # between two looks at what time alone brings about


class Running(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


Part = TypeVar("Part", bound=Running)


class Sandbox:
    """Everything of one sandbox.

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
        storage: Storage | None = None,
    ) -> None:
        self.api_key = api_key
        self.storage = storage
        self.addresses = Addresses(rooms=addresses or {})
        self.world = World(folder, time_scale)
        self.links = Links(self.world, self.addresses)
        played = find_providers()
        self.faults = {platform: Faults() for platform in played}
        self.couriers = {platform: Courier(faults, time_scale, reach) for platform, faults in self.faults.items()}
        self.providers = {platform: provider(self._context(platform)) for platform, provider in played.items()}
        self.connections = Connections(self.world)
        self.chores: tuple[Callable[[], object], ...] = (self.world.review, self.connections.review)  # see `Clock`
        self.app = self._app()
        self.world.listen(self._tell)
        self.world.listen(partial(finish_recordings, self.providers))
        if product:
            for provider in self.providers.values():
                provider.register(product.rstrip("/"), secret)

    @property
    def url(self) -> str:
        """Its own address, known once it listens."""
        return self.addresses.own

    @property
    def storage_url(self) -> str:
        return self.storage.url if self.storage else ""

    def _context(self, platform: str) -> Context:
        return Context(
            self.api_key,
            self.world,
            self.addresses,
            self.links,
            self.storage,
            self.faults[platform],
            self.couriers[platform],
        )

    def _app(self) -> Flask:
        app = Flask("platforms.sandbox")
        app.url_map.merge_slashes = False  # a redirect would be an answer that no provider gives
        app.url_map.converters["anything"] = Anything
        for provider in self.providers.values():
            app.register_blueprint(provider.routes())
        app.register_blueprint(links.routes(self.links))
        app.register_blueprint(transcription.routes())
        app.register_blueprint(controls.routes(self.providers))
        app.register_blueprint(page.routes(self.providers, self.world, self.connections))
        return app

    def _tell(self, what: str, room: Room, **facts: Any) -> None:
        self.providers[room.platform].tell(what, room, **facts)


class Anything(PathConverter):
    """The rest of a path, whatever it begins with."""

    regex = ".*?"
    part_isolating = False


class Ticker:
    """Does the chores of a sandbox every moment."""

    def __init__(self, chores: Sequence[Callable[[], object]]) -> None:
        self._chores = chores
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            for chore in self._chores:
                chore()


class QuietHandler(WSGIRequestHandler):
    """Requests are not written down but for debugging."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  (werkzeug's own name)
        logging.getLogger("werkzeug").debug(message, *args)


class Listener:
    """The HTTP server of a sandbox, in a thread."""

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        scripts = [path for provider in sandbox.providers.values() for path in provider.scripts]
        app = AllowedHosts(sandbox.app, host, sandbox.addresses.rooms.values(), scripts)
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
        stored = _run(running, _storage(host, storage_port)) if storage else None
        sandbox = Sandbox(Path(folder), product, secret, storage=stored, **options)
        listener = Listener(sandbox, host, port)
        sandbox.addresses.own = f"http://{_name(host)}:{listener.port}"
        parts: list[Running] = [*sandbox.couriers.values(), Ticker(sandbox.chores), listener]
        for part in parts:
            _run(running, part)
        yield sandbox


def _storage(host: str, port: int) -> Storage:
    played = find_providers().values()
    buckets = [bucket for provider in played for bucket in provider.buckets]
    return Storage(host, port, buckets, [bucket for provider in played for bucket in provider.queued_buckets])


def _run(running: ExitStack, part: Part) -> Part:
    part.start()
    running.callback(part.stop)
    return part


def _name(host: str) -> str:
    return "localhost" if host in {"127.0.0.1", "0.0.0.0"} else host  # noqa: S104  (not bound to here)
