"""What WSGI tells of a request, from what ASGI tells."""

import sys
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
PLAIN = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def environ_of(scope: dict[str, Any], body: Any, length: int | None) -> Environ:
    """For a view that reads `body`; `length` is None where only the client's header says it."""
    server, port = scope["server"]
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if key := variable_of(name):
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


@lru_cache(maxsize=512)
def variable_of(name: bytes) -> str:
    """Empty for a name with an underscore: it would pass for another one, which a proxy in front has set or removed."""
    if b"_" in name:
        return ""
    return PLAIN.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
