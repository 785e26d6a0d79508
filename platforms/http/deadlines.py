"""A transport for `requests` on which the read timeout bounds the whole answer, however slowly it drips in.

Usually that timeout starts again at every read from the socket, so that a server which sends a byte now and then
holds its caller for ever. Not bounded here: looking the host's name up, and trying each of its addresses in turn.
"""

import http.client
import io
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# Seconds. Gateways forget idle connections without a word, and what is then sent on one gets no answer.
IDLE_LIMIT_SECONDS = 50.0


class BoundedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _UntilDeadline(io.RawIOBase):
    """What comes from a socket until its timeout is over, counted once from now."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        # urllib3 has set the read timeout on the socket before it makes the response.
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._deadline is not None:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # Below the buffer that http.client reads, so that headers that drip in are bounded as well as the body.
        self.fp: io.BufferedReader = io.BufferedReader(_UntilDeadline(sock, self.fp.detach()))


class _Reused:
    """Part of a connection: one that has been idle for long counts as closed."""

    last_used = 0.0

    def request(self, *args: Any, **kwargs: Any) -> None:
        self.last_used = time.monotonic()
        super().request(*args, **kwargs)  # type: ignore[misc]

    @property
    def is_connected(self) -> bool:
        connected: bool = super().is_connected  # type: ignore[misc]
        return connected and time.monotonic() - self.last_used < IDLE_LIMIT_SECONDS


class _Connection(_Reused, HTTPConnection):
    response_class = _Response


class _SecureConnection(_Reused, HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
