"""Telling open pages that something they show has changed: they look again, and are told nothing else here.

While a page is followed in this process, it looks once a second (`facts`). A page is told when that has happened for
the first time since it came; then it looks itself, and so misses nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from django.db import Error

from platforms.pauses import shortened
from recordings.live.facts import Facts, Subject, read_facts
from recordings.live.messages import PING, Entry, written
from recordings.live.reader import Listener, Reader, TooSlow

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
GAP_SECONDS = 2.0  # between two of the messages to one page: what happens meanwhile is told by the next

FOLLOWED = Entry(0, (written(PING),))
CHANGED = Entry(0, (written({"event": "CHANGED", "data": {}}),))


@dataclass(frozen=True)
class Page:
    """What a page shows."""

    subjects: frozenset[Subject]


class OpenPage(Listener[Page]):
    def __init__(self, channel: Page) -> None:
        super().__init__(channel)
        self.is_followed = asyncio.Event()
        self._has_changed = asyncio.Event()

    def nudge(self) -> None:
        if self.is_followed.is_set():
            self._has_changed.set()

    async def change(self, seconds: float) -> bool:
        """Whether there is one, within so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._has_changed.wait()
        except TimeoutError:
            return False
        self._has_changed.clear()
        return True


class Nudges(Reader[Page, OpenPage]):
    listener = OpenPage
    _facts: Facts

    async def events(self, page: OpenPage, since: int | None, pause: float) -> AsyncGenerator[Entry | None, None]:
        """As those of the Feed."""
        await page.is_followed.wait()
        yield FOLLOWED
        while not page.is_behind:
            if await page.change(pause):
                yield CHANGED
                await asyncio.sleep(shortened(GAP_SECONDS))
            else:
                yield None
        raise TooSlow

    async def read(self) -> float:
        there = [page for pages in self.listeners.values() for page in pages]
        try:
            facts: Facts = await self.run(read_facts)
        except Error as error:
            logger.warning("page_facts_not_read error=%s", type(error).__name__)
            return LOOK_EVERY_SECONDS
        changed = facts.changed_since(self._facts) if self.has_begun.is_set() else set()
        self._facts = facts
        self.has_begun.set()
        for page in there:
            if not page.channel.subjects.isdisjoint(changed):
                page.nudge()
            page.is_followed.set()
        return LOOK_EVERY_SECONDS
