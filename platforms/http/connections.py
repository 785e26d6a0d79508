"""Connections of one conversation: to checked addresses only, and over in time, however slowly the bytes drip in.

A guard says what may be called and until when. The pieces below plug into `requests` as an adapter.
"""

import http.client
import io
import queue
import socket
import threading
from functools import partial
from typing import Any, Protocol, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

CONNECT_LIMIT_SECONDS = 10.0  # to look a name up, and for each of its addresses
END_WAIT_SECONDS = 0.5  # for a server to close the connection after the last byte of its answer

Address = tuple[Any, ...]  # as getaddrinfo gives them


class LongerThanAnnounced(http.client.HTTPException):
    """More follows than Content-Length says, so that where the body ends is not known."""


class Guard(Protocol):
    silence: float  # seconds without a byte

    def remaining(self) -> float:
        """Seconds left for the whole conversation; raises TimeoutError when there are none."""

    def check(self, host: str, port: int, addresses: list[Address]) -> None:
        """Raise, with no error that urllib3 catches, unless all of these may be called."""


class GuardedAdapter(HTTPAdapter):
    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        super().__init__(pool_connections=2, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": _Pool, "https": _SecurePool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: partial(pool, guard=self.guard) for scheme, pool in pools.items()
        }


def read_some(response: requests.Response, buffer: memoryview) -> int:
    """Read what comes next of a body into `buffer`, as it comes and without unpacking; how many bytes, 0 at the end.

    Waits for one piece at most, and copies nothing, unlike the reading of `requests` and urllib3. Raises OSError and
    http.client.HTTPException, also when the body ends before it should. `response` is one of a guarded session.
    """
    original = cast(_Response, response.raw._original_response)
    return original.read_some(buffer)


def look_up(host: str, port: int, seconds: float) -> list[Address]:
    """getaddrinfo, which itself cannot be told when to give up."""
    answers: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    # One that hangs in the resolver cannot be ended: as a daemon it keeps no process from ending.
    threading.Thread(target=ask, name="look up", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("The name was not found in time.") from None
    if isinstance(answer, Exception):
        raise socket.gaierror("The name is not known.") from answer
    return answer


class _Guarded:
    """Part of a connection: looks the name up, has the addresses checked, and connects to one of these."""

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self.response_class: Any = partial(_Response, guard)

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        host, port = connection.host, connection.port
        try:
            addresses = look_up(host, port, self._limit())
            self.guard.check(host, port, addresses)
            # Not looked up again: a second answer could name another address than the one that was checked.
            return self._connect_to_one(addresses)
        # The first two are OSErrors as well, so they come first.
        except socket.gaierror as error:
            raise NameResolutionError(host, connection, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, str(error)) from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    def _connect_to_one(self, addresses: list[Address]) -> socket.socket:
        failure = OSError("There is no address.")
        for family, kind, protocol, _, address in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                # Asked anew for each: all addresses together may not take longer than the conversation.
                sock.settimeout(self._limit())
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure

    def _limit(self) -> float:
        return min(CONNECT_LIMIT_SECONDS, self.guard.remaining())


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn_kw["guard"] = guard


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn_kw["guard"] = guard


class _InTime(io.RawIOBase):
    """What comes from a socket until the conversation's time is over."""

    def __init__(self, guard: Guard, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._guard = guard
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        # Before every read: a socket's own timeout begins anew with each byte, so a server that drips would never be
        # over it.
        self._sock.settimeout(min(self._guard.silence, self._guard.remaining()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    announced: int | None = None  # bytes of the body

    def __init__(self, guard: Guard, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        # Below the buffer that http.client reads, so that a status line and headers that drip in are bounded too.
        self.fp: io.BufferedReader = io.BufferedReader(_InTime(guard, sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        self.announced = self.length

    def read_some(self, buffer: memoryview) -> int:
        if self.fp is None:
            return 0
        # After the last chunk this closes the connection.
        announced = (self._get_chunk_left() or 0) if self.chunked else self.length  # type: ignore[attr-defined]
        if announced == 0:
            return 0
        # At most one read of the socket: readinto would wait until the buffer is full, however slowly.
        count = self.fp.readinto1(buffer if announced is None else buffer[:announced])
        # http.client, read piece by piece, takes a body that breaks off for a whole one.
        if announced and not count:
            raise http.client.IncompleteRead(b"", announced)
        left = None if announced is None else announced - count
        if self.chunked:
            self.chunk_left = left
        else:
            self.length = left
            if not count or left == 0:
                self._close_conn()
        return count

    def _close_conn(self) -> None:
        """Look whether more follows than was announced: a body that ends at a wrong length would pass for whole."""
        try:
            more = bool(self.announced) and self.length == 0 and self._has_more()
        finally:
            super()._close_conn()  # type: ignore[misc]
        if more:
            raise LongerThanAnnounced

    def _has_more(self) -> bool:
        """Connections are not used again, so that the server's closing follows the last byte."""
        try:
            self._sock.settimeout(END_WAIT_SECONDS)
            return bool(self.fp.peek(1))
        except (OSError, ValueError):
            return False
