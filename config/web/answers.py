"""Answers on their way to clients: what is long is sent part by part, as fast as the client takes it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any

from recordings.live.messages import Channel
from recordings.live.nudges import Page

PART_BYTES = 256 * 1024  # that are read at a time
SEND_SECONDS = 60.0  # in which a client takes one part

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[str, str]]


class NotTaken(Exception):
    """The client reads nothing of it any more."""


class Answer:
    """What a WSGI application returns. `first` is all of it unless `is_long`."""

    def __init__(self, application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
        self.status, self.headers = 500, Headers()
        body = application(environ, self._start)
        # What the web server is to go on with, where the answer is the beginning of a stream.
        self.channel: Channel | Page | None = getattr(body, "channel", None)
        self.since: int | None = getattr(body, "since", None)
        self.caller: str = getattr(body, "caller", "")
        self._parts: Iterator[bytes] = iter(body)
        self._close: Callable[[], None] = getattr(body, "close", lambda: None)
        self.is_long = True
        self.first = self.next_part()

    def next_part(self) -> bytes:
        """Blocks. The one that is the last closes the answer."""
        part = bytearray()
        try:
            for block in self._parts:
                part += block
                if len(part) >= PART_BYTES:
                    return bytes(part)
        except BaseException:
            self.close()
            raise
        self.close()
        return bytes(part)

    def close(self) -> None:
        if self.is_long:
            self.is_long = False
            self._close()

    def _start(self, status: str, headers: Headers, exc_info: object = None) -> None:
        self.status, self.headers = int(status[:3]), headers


async def send_answer(answer: Answer, send: Send, threads: Executor) -> None:
    """`threads` are those in which the parts of a long one are read. Raises NotTaken."""
    try:
        await send_start(send, answer.status, answer.headers)
        part = answer.first
        while answer.is_long:
            await send_part(send, part, more=True)
            part = await asyncio.get_running_loop().run_in_executor(threads, answer.next_part)
        await send_part(send, part, more=False)
    finally:
        answer.close()


async def send_part(send: Send, part: bytes, more: bool) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": part, "more_body": more})
    except TimeoutError:
        raise NotTaken from None


async def send_refusal(send: Send, status: int, detail: str, code: str, headers: Headers | None = None) -> None:
    body = json.dumps({"detail": detail, "code": code}).encode()
    kept = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]
    await send_start(send, status, [*kept, *(headers or [])])
    await send_part(send, body, more=False)


async def send_start(send: Send, status: int, headers: Headers) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
