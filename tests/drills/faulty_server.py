"""A file server on loopback on which everything goes wrong that goes wrong on the way from a provider."""

import gzip
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

PIECE = 16 * 1024  # bytes
DRIP = 0.05  # seconds between two bytes
ANYWHERE = "http://169.254.169.254/latest/meta-data/"


@dataclass
class Hosted:
    """A file, and what goes wrong with it. `rate` is in bytes per second for each connection, 0 for no limit."""

    path: str
    content: bytes
    fault: "Fault"
    rate: float = 0
    chance: random.Random = field(default_factory=random.Random)
    requests: int = 0
    sent: int = 0  # bytes of bodies
    link: int = 1  # the number of the link that is valid
    version: int = 1

    @property
    def etag(self) -> str:
        return f'"{self.version}-{sha256(self.content).hexdigest()[:16]}"'

    def replace(self) -> None:
        """Become another file, as when a recording is rendered anew."""
        self.content = self.chance.randbytes(len(self.content))
        self.version += 1


class Reset(Exception):
    """The connection is to end as if the machine at its other end had gone."""


@dataclass
class Exchange:
    """One request for a file, and the ways to answer it."""

    connection: socket.socket
    file: Hosted
    number: int  # of the requests for this file, from 1
    link: int
    start: int | None
    if_range: str
    over: threading.Event

    def serve(
        self, share: float = 1.0, announced: int = 0, ranges: bool = True, any_version: bool = False, **headers: str
    ) -> None:
        """Answer as a good server would, but send only a share of it, and say that it is longer than it is."""
        content, start = self.file.content, self.start or 0
        if not ranges or not (any_version or self.if_range in {"", self.file.etag}):
            start = 0
        if start and start >= len(content):
            self.say(416, Content_Range=f"bytes */{len(content)}", Content_Length="0")
            return
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if ranges:
            headers["Accept_Ranges"] = "bytes"
        length = len(content) - start + announced
        self.say(206 if start else 200, **{"ETag": self.file.etag, "Content_Length": str(length), **headers})
        self.send(content[start : start + round((len(content) - start) * share)])

    def say(self, status: int, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} -", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, content: bytes) -> None:
        view = memoryview(content)
        for position in range(0, len(view), PIECE):
            piece = view[position : position + PIECE]
            self.connection.sendall(piece)
            self.file.sent += len(piece)
            if self.file.rate:
                time.sleep(len(piece) / self.file.rate)

    def chunks(self, content: bytes, is_whole: bool = True) -> None:
        for position in range(0, len(content), PIECE):
            piece = content[position : position + PIECE]
            self.connection.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
            self.file.sent += len(piece)
        if is_whole:
            self.connection.sendall(b"0\r\n\r\n")

    def drip(self, content: bytes) -> None:
        for position in range(len(content)):
            if self.over.wait(DRIP):
                return
            self.send(content[position : position + 1])


Fault = Callable[[Exchange], None]


def nothing(x: Exchange) -> None:
    x.serve()


def reset(x: Exchange) -> None:
    x.serve(x.file.chance.random() if x.number <= 3 else 1)
    if x.number <= 3:
        raise Reset


def close(x: Exchange) -> None:
    x.serve(x.file.chance.random() if x.number <= 3 else 1)


def stall(x: Exchange) -> None:
    x.serve(x.file.chance.random() if x.number == 1 else 1)
    if x.number == 1:
        x.over.wait()


def drip(x: Exchange) -> None:
    share = x.file.chance.random() if x.number == 1 else 1
    x.serve(share)
    x.drip(x.file.content[round(len(x.file.content) * share) :])


def drip_always(x: Exchange) -> None:
    x.serve(0)
    x.drip(x.file.content[x.start or 0 :])


def drip_headers(x: Exchange) -> None:
    x.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    x.drip(b"x" * 1000)


def announce_more_once(x: Exchange) -> None:
    x.serve(announced=1000 if x.number == 1 else 0)


def announce_more(x: Exchange) -> None:
    x.serve(announced=1000)


def announce_less(x: Exchange) -> None:
    x.serve(announced=-1000)


def announce_less_and_stop(x: Exchange) -> None:
    if x.start:
        x.serve()
    else:
        x.serve(1 - 1000 / len(x.file.content), announced=-1000)


def ignore_ranges(x: Exchange) -> None:
    x.serve(x.file.chance.uniform(0, 0.5) if x.number == 1 else 1, ranges=False)


def replace(x: Exchange) -> None:
    x.serve(x.file.chance.random() if x.number == 1 else 1)
    if x.number == 1:
        x.file.replace()


def replace_and_ignore_if_range(x: Exchange) -> None:
    x.serve(x.file.chance.random() if x.number == 1 else 1, any_version=True)
    if x.number == 1:
        x.file.replace()


def no_validator(x: Exchange) -> None:
    x.serve(x.file.chance.uniform(0, 0.5) if x.number == 1 else 1, ETag='W/"weak"')


def expire(x: Exchange) -> None:
    if x.link != x.file.link:
        x.say(403, Content_Length="0")
        return
    x.serve(x.file.chance.random() if x.number == 1 else 1)
    if x.number == 1:
        x.file.link += 1


def refuse(x: Exchange) -> None:
    x.say(403, Content_Length="0")


def be_busy(x: Exchange) -> None:
    if x.number in {1, 3}:
        x.say({1: 429, 3: 503}[x.number], Retry_After="1", Content_Length="0")
    else:
        x.serve(x.file.chance.random() if x.number == 2 else 1)


def fail(x: Exchange) -> None:
    x.say(500, Content_Length="0")


def be_gone(x: Exchange) -> None:
    x.say(404, Content_Length="0")


def redirect_inside(x: Exchange) -> None:
    x.say(302, Location=ANYWHERE, Content_Length="0")


def redirect(x: Exchange) -> None:
    if x.link == 0:
        x.serve()
    else:
        x.say(302, Location=f"{x.file.path}?link=0", Content_Length="0")


def pack(x: Exchange) -> None:
    packed = gzip.compress(x.file.content[:PIECE])
    x.say(200, Content_Encoding="gzip", Content_Length=str(len(packed)))
    x.send(packed)


def never_end(x: Exchange) -> None:
    x.say(200, Transfer_Encoding="chunked")
    while not x.over.is_set():
        x.chunks(x.file.content, is_whole=False)


def chunk(x: Exchange) -> None:
    x.say(200, Transfer_Encoding="chunked", ETag=x.file.etag)
    x.chunks(x.file.content)


def chunk_and_close(x: Exchange) -> None:
    if x.number > 1:
        x.serve()
        return
    x.say(200, Transfer_Encoding="chunked", ETag=x.file.etag)
    x.chunks(x.file.content[: round(len(x.file.content) * x.file.chance.random())], is_whole=False)


def say_no_length(x: Exchange) -> None:
    x.say(200, Connection="close")
    x.send(x.file.content[: round(len(x.file.content) * x.file.chance.random())])


class FaultyServer:
    """Serves files at made-up paths; a thread for each connection."""

    def __init__(self) -> None:
        self.files: dict[str, Hosted] = {}
        self.over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="faulty server", daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def host(self, content: bytes, fault: Fault = nothing, seed: int = 0, rate: float = 0) -> Hosted:
        path = f"/{len(self.files) + 1}"
        self.files[path] = Hosted(path, content, fault, rate, random.Random(seed))
        return self.files[path]

    def link(self, file: Hosted) -> str:
        """A link that is valid now."""
        return f"http://{self.place}{file.path}?link={file.link}&signature=secret"

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            # Little is under way at a time, so that what was sent is about what has arrived.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * PIECE)
            exchange = self._read(connection)
            try:
                exchange.file.fault(exchange)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1)
                connection.recv(1)
            except Reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _read(self, connection: socket.socket) -> Exchange:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                raise OSError("no request")
            head += more
        text = head.decode("latin-1")
        found = re.match(r"GET (/\d+)(?:\?link=(\d+))?", text)
        if not found:
            raise OSError("an unknown request")
        file = self.files[found[1]]
        file.requests += 1
        start = re.search(r"(?im)^Range: bytes=(\d+)-", text)
        condition = re.search(r"(?im)^If-Range: (\S+)", text)
        return Exchange(
            connection,
            file,
            number=file.requests,
            link=int(found[2] or 0),
            start=int(start[1]) if start else None,
            if_range=condition[1] if condition else "",
            over=self.over,
        )
