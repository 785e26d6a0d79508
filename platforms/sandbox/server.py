"""The sandbox as one server: the world, the providers' sides of the wire, the meeting pages and the storage."""

import importlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from platforms.sandbox.world import World

MODULES = ("daily", "whereby", "mock", "page", "transcription", "controls")


class Sandbox:
    """Everything of one sandbox. `url` is its own address, known once it listens."""

    def __init__(self, folder: Path, product: str = "", secret: str = "", time_scale: float = 1.0) -> None:
        self.url = ""
        self.storage_url = ""
        self.product = product.rstrip("/")
        self.secret = secret
        self.world = World(folder, time_scale)
        self.app = Flask("platforms.sandbox")
        for name in MODULES:
            if find_spec(f"platforms.sandbox.{name}"):
                self.app.register_blueprint(importlib.import_module(f"platforms.sandbox.{name}").routes(self))

    def room_url(self, platform: str, name: str) -> str:
        return f"{self.url}/{platform}/{name}"


@contextmanager
def running_sandbox(
    product: str = "", secret: str = "", storage: bool = True, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> Iterator[Sandbox]:
    """A sandbox that answers, in threads of this process."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder), product, secret, **options)
        server = make_server(host, port, sandbox.app, threaded=True)
        sandbox.url = f"http://{host}:{server.port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield sandbox
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
