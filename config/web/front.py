"""One request after the other, as the web server gives them: read the body, have Django answer, send the answer."""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

from django.conf import settings

from config.web.answers import Answer, NotTaken, Send, send_answer, send_refusal
from config.web.bodies import Arrival, Body, Gone, LateBody, NoRoom, Receive, TooLong, TooSlow
from config.web.environ import environ_of
from config.web.live import Live
from platforms.webhooks.urls import webhook_routes

logger = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 1024 * 1024  # forms and the API take no more
FILE_LIMIT_BYTES = 16 * 1024 * 1024  # where staff put pictures
# Their views look at who is asking before they read: these bodies may be longer, and are read while they come.
LATE = re.compile(r"/v1/(?:transcripts/[^/]+/record/upload|recordings/[^/]+/result)/?|/transcripts/upload")
LATE_WAIT_SECONDS = 10.0  # for a thread that reads one

QUICK_THREADS = 8  # of webhooks and /health
STREAM_THREADS = 4  # that read long answers, part by part
LATE_THREADS = 4  # that wait for long bodies

Scope = dict[str, Any]


class Front:
    """An ASGI application. Threads are those of one process."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "quick")
        self._others = ThreadPoolExecutor(settings.WEB_THREADS, "others")
        self._streams = ThreadPoolExecutor(STREAM_THREADS, "streams")
        self._late = ThreadPoolExecutor(LATE_THREADS, "late")
        self._live = Live()
        self._late_free = asyncio.Semaphore(LATE_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._live.serve_socket(scope, receive, send, self._ask)
            return
        length = declared_length(scope["headers"])
        arrival = Arrival(receive, length)
        try:
            answer = await self._answer(scope, arrival, length)
            if answer.channel and scope["method"] == "GET":
                await self._live.serve_events(answer, receive, send, partial(self._ask, scope))
            else:
                await send_answer(answer, send, self._streams)
        except (Gone, NotTaken):
            logger.info("client_gone path=%s", scope["path"])
        except TooSlow:
            await send_refusal(send, 408, "The request body did not come in time.", "too_slow")
        except TooLong:
            await arrival.skip()
            await send_refusal(send, 413, "The request body is too large.", "too_large")
        except NoRoom:
            await send_refusal(
                send, 503, "Too much is being sent. Please try again.", "try_again", [("Retry-After", "5")]
            )

    async def _answer(self, scope: Scope, arrival: Arrival, length: int | None) -> Answer:
        path: str = scope["path"]
        if path in self._webhooks:
            return await self._answer_webhook(scope, arrival, length)
        if LATE.fullmatch(path) and (length is None or length > BODY_LIMIT_BYTES):
            return await self._answer_late(scope, arrival)
        limit = FILE_LIMIT_BYTES if path.startswith("/admin/") else BODY_LIMIT_BYTES
        body = await Body.read(arrival, length, limit)
        return await self._run(self._quick if path == "/health" else self._others, scope, body)

    async def _answer_webhook(self, scope: Scope, arrival: Arrival, length: int | None) -> Answer:
        try:
            body = await Body.read(arrival, length, settings.WEBHOOK_BODY_LIMIT)
        except TooLong:  # which the view is to tell, as any other reason why it refuses one
            await arrival.skip()
            body = Body(length=settings.WEBHOOK_BODY_LIMIT + 1)
        return await self._run(self._quick, scope, body)

    async def _answer_late(self, scope: Scope, arrival: Arrival) -> Answer:
        loop = asyncio.get_running_loop()
        late = LateBody(arrival, loop)
        try:
            async with asyncio.timeout(LATE_WAIT_SECONDS):
                await self._late_free.acquire()
        except TimeoutError:
            raise NoRoom from None
        try:
            environ = environ_of(scope, late, None)
            answer = await loop.run_in_executor(self._late, Answer, self._application, environ)
        finally:
            self._late_free.release()
        if late.failure:  # whatever the view made of that
            answer.close()
            raise late.failure
        await arrival.skip()
        return answer

    async def _ask(self, scope: Scope) -> Answer:
        """What is answered to a request without a body."""
        return await self._run(self._others, scope, Body())

    async def _run(self, threads: Executor, scope: Scope, body: Body) -> Answer:
        environ = environ_of(scope, body.file, body.length)
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, Answer, self._application, environ)
        finally:
            body.close()

    @cached_property
    def _webhooks(self) -> Collection[str]:
        return webhook_routes()


def declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Of the body, in bytes; None for one that comes in chunks."""
    length: int | None = 0
    for name, value in headers:
        if name == b"content-length":
            return int(value)  # the web server lets nothing else through
        if name == b"transfer-encoding":
            length = None
    return length
