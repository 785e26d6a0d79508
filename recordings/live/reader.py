"""Reading the database while anybody listens in this process, once for all who do."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

C = TypeVar("C")  # what is followed; those who follow the same are equal in it


class TooSlow(Exception):
    """A client takes less than happens, and is to begin anew."""


class Listener(Generic[C]):
    """Somebody who follows `channel`. One that `is_behind` is to begin anew."""

    def __init__(self, channel: C) -> None:
        self.channel = channel
        self.is_behind = False


L = TypeVar("L", bound=Listener[Any])


class Reader(Generic[C, L]):
    """Of one process, on one event loop; `threads` read the database."""

    listener: type[L]

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self.listeners: defaultdict[C, set[L]] = defaultdict(set)
        self.has_begun = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @contextmanager
    def followed(self, channel: C) -> Iterator[L]:
        client = self.listener(channel)
        self.listeners[channel].add(client)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on())
        try:
            yield client
        finally:
            self.listeners[channel].discard(client)
            if not self.listeners[channel]:
                del self.listeners[channel]

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    async def read(self) -> float:
        """Read what is new and give it to those who follow it; the pause until the next look, in seconds.

        The first look sets `has_begun`: what happens from then on is told.
        """
        raise NotImplementedError

    async def _read_on(self) -> None:
        """Until nobody listens any more."""
        try:
            while self.listeners:
                await asyncio.sleep(await self.read())
        finally:
            self._reading = None
            self.has_begun.clear()
            for client in [client for clients in self.listeners.values() for client in clients]:
                client.is_behind = True  # it was an error that nobody foresaw
