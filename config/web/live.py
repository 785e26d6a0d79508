"""Connections that stay: WebSockets and Server-Sent Events, for whoever Django's answer to the same GET lets follow.

Django says by that answer who may follow what (`EventStream`), and is asked again every minute and whenever the access
to what is followed changes; so a connection ends soon after its token, or the right to read.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from config.web.answers import SEND_SECONDS, Answer, NotTaken, Send, send_part, send_start
from config.web.bodies import Receive
from platforms.pauses import shortened
from recordings.live.feed import Feed
from recordings.live.messages import Channel, Entry
from recordings.live.nudges import Nudges, Page
from recordings.live.reader import TooSlow

THREADS = 2  # that read events, in each process
MOST_CONNECTIONS = 4000  # in each process
MOST_OF_ONE_CALLER = 400  # of these: nobody takes the places of all others
KEEP_ALIVE_SECONDS = 20.0  # between messages at most: proxies close what is silent
CHECK_SECONDS = 60.0  # after which Django is asked again
PING = '{"event":"PING","data":{}}'
TRY_AGAIN = 1013  # of RFC 6455's registry; browsers' clients come again after it
REFUSED = 4000  # and the status

Scope = dict[str, Any]
Ask = Callable[[], Awaitable[Answer]]
Deliver = Callable[[Entry | None], Awaitable[None]]


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Outdated(Exception):
    """A page shows other things than it did: it is to begin anew."""


BEGINS_ANEW = (TooSlow, NotTaken, Outdated)


class Live:
    """The connections of one process."""

    def __init__(self) -> None:
        threads = ThreadPoolExecutor(THREADS, "live")
        self._feed = Feed(threads)
        self._nudges = Nudges(threads)
        self._callers: Counter[str] = Counter()

    async def serve_socket(
        self, scope: Scope, receive: Receive, send: Send, ask: Callable[[Scope], Awaitable[Answer]]
    ) -> None:
        """A WebSocket. It is accepted also to be refused: else a browser's script would not learn why."""
        await receive()  # that it connects
        protocol = "bearer" if "bearer" in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": protocol, "headers": []})
        asked = partial(ask, as_get(scope))

        async def talk() -> None:
            answer = await asked()
            answer.close()
            if answer.channel is None:
                raise Refused(answer.status if answer.status >= 400 else 404)
            await self._tell(answer, answer.channel, asked, partial(send_texts, send))

        try:
            await until_either(talk(), until_gone(receive, "websocket.disconnect"))
        except Refused as refused:
            code = TRY_AGAIN if refused.status >= 500 else REFUSED + refused.status
        except BEGINS_ANEW:
            code = TRY_AGAIN
        else:
            return
        with suppress(Exception):  # the client may have gone meanwhile
            await send({"type": "websocket.close", "code": code, "reason": ""})

    async def serve_events(self, answer: Answer, receive: Receive, send: Send, ask: Ask) -> None:
        """Server-Sent Events, after the beginning that Django gave."""
        answer.close()
        if answer.channel is None:
            raise ValueError(answer)
        await send_start(send, answer.status, [(n, v) for n, v in answer.headers if n.lower() != "content-length"])
        await send_part(send, answer.first, more=True)
        told = self._tell(answer, answer.channel, ask, partial(send_events, send))
        with suppress(Refused, *BEGINS_ANEW):  # the client asks again, and is told by the status
            await until_either(told, until_gone(receive, "http.disconnect"))
        await send_part(send, b"", more=False)

    async def _tell(self, answer: Answer, channel: Channel | Page, ask: Ask, deliver: Deliver) -> None:
        """Without an end. Raises Refused, and what BEGINS_ANEW."""
        reader: Any = self._nudges if isinstance(channel, Page) else self._feed
        with self.place_of(answer.caller):
            # Those who came at once, as after a restart, are not all asked about at once.
            checked = time.monotonic() - self._callers.total() % shortened(CHECK_SECONDS)
            with reader.followed(channel) as client:
                async with aclosing(reader.events(client, answer.since, shortened(KEEP_ALIVE_SECONDS))) as events:
                    async for entry in events:
                        is_due = time.monotonic() - checked >= shortened(CHECK_SECONDS)
                        if is_due or (entry and entry.changes_access):
                            await require(channel, ask)
                            checked = time.monotonic()
                        await deliver(entry)

    @contextmanager
    def place_of(self, caller: str) -> Iterator[None]:
        """Raises Refused where there is none."""
        if self._callers.total() >= MOST_CONNECTIONS:
            raise Refused(503)
        if self._callers[caller] >= MOST_OF_ONE_CALLER:
            raise Refused(429)
        self._callers[caller] += 1
        try:
            yield
        finally:
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]


async def require(channel: Channel | Page, ask: Ask) -> None:
    """Raises Refused when it may not be followed any more. While the database is away nobody can tell, and it may."""
    answer = await ask()
    answer.close()
    if isinstance(answer.channel, Page) and answer.channel != channel:
        raise Outdated
    if answer.channel != channel and answer.status < 500:
        raise Refused(max(answer.status, 401))


async def send_texts(send: Send, entry: Entry | None) -> None:
    for text in entry.texts if entry else [PING]:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise NotTaken from None


async def send_events(send: Send, entry: Entry | None) -> None:
    """A line of comment keeps the connection. The id comes with the last of an event's messages."""
    written = "".join(f"data: {text}\n\n" for text in entry.texts[:-1]) if entry else ": alive\n\n"
    if entry and entry.texts:
        written += f"id: {entry.id}\ndata: {entry.texts[-1]}\n\n"
    if written:
        await send_part(send, written.encode(), more=True)


async def until_gone(receive: Receive, word: str) -> None:
    """What the client says meanwhile means nothing here."""
    while (await receive())["type"] != word:
        pass


async def until_either(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Ends, or fails, as the first of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def as_get(scope: Scope) -> Scope:
    """The GET whose answer says whether a WebSocket is let in: its token is one of the sub-protocols.

    Cookies count only for pages of ours: those of others could open sockets in the name of whoever visits them.
    """
    dropped = {b"connection", b"upgrade"} | (set() if is_own_page(scope) else {b"cookie"})
    headers = [(n, v) for n, v in scope["headers"] if n not in dropped and not n.startswith(b"sec-websocket-")]
    headers = [(n, v.replace(b"ws", b"http") if n == b"x-forwarded-proto" else v) for n, v in headers]
    offered = list(scope["subprotocols"])
    if "bearer" in offered and (token := [word for word in offered if word != "bearer"]):
        headers.append((b"authorization", b"Bearer " + token[0].encode()))
    return {**scope, "method": "GET", "scheme": scope["scheme"].replace("ws", "http"), "headers": headers}


def is_own_page(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
    try:
        return bool(host) and urlsplit(origin).netloc == host
    except ValueError:  # what a page never sends, as http://[
        return False
