"""The log of events, read while anybody listens in this process, and given to those who do.

It is read by its ids, several times a second: what is new is found with or without a broker, and nothing can be lost
on a way. A client that begins to listen is entered first and reads the log afterwards, so that between the two nothing
is missed; what it would then be given twice is left out by its id.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping

from django.db import Error, close_old_connections
from django.db.models import Exists, Max, Min, OuterRef

from recordings.live.messages import Channel, Entry, channels_of, entry_of, start_entry
from recordings.live.reader import Listener, Reader, TooSlow
from recordings.models import Transcript, TranscriptEvent

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.1
PAUSE_SECONDS = 1.0  # when the database is away
BATCH = 500  # events read at a time
MOST_WAITING = 1000  # events for a client that takes none

Kind = TranscriptEvent.Kind
TEXTS = [Kind.TITLE, Kind.SHORT_SUMMARY, Kind.LONG_SUMMARY]


class Client(Listener[Channel]):
    """What waits for one client. It is behind once that is too much."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._waiting: asyncio.Queue[Entry] = asyncio.Queue(MOST_WAITING)

    def give(self, entry: Entry) -> None:
        try:
            self._waiting.put_nowait(entry)
        except asyncio.QueueFull:
            self.is_behind = True

    async def take(self, seconds: float) -> Entry | None:
        """The next one; None if nothing happens for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._waiting.get()
        except TimeoutError:
            return None


class Feed(Reader[Channel, Client]):
    listener = Client
    _position = 0

    async def events(self, client: Client, since: int | None, pause: float) -> AsyncGenerator[Entry | None, None]:
        """Without an end: what a client is told; None whenever there was nothing for `pause` seconds.

        Raises TooSlow for one that does not keep up.
        """
        await self.has_begun.wait()
        start = await self.run(start_of, client.channel, since)
        yield start
        position = start.id
        while missed := await self.run(events_after, client.channel, position):
            for entry in missed:
                yield entry
            position = missed[-1].id
        while not client.is_behind:
            found = await client.take(pause)
            if found is None or found.id > position:
                yield found
        raise TooSlow

    async def read(self) -> float:
        """What is new, given to those who follow it; the pause until the next look, in seconds."""
        try:
            if not self.has_begun.is_set():
                self._position = await self.run(newest_id)
                self.has_begun.set()
            position, found = await self.run(read_after, self._position, self.listeners)
        except Error as error:
            logger.warning("live_events_not_read error=%s", type(error).__name__)
            return PAUSE_SECONDS
        is_more_waiting, self._position = position - self._position >= BATCH, position
        for channel, entry in found:
            for client in self.listeners.get(channel, ()):
                client.give(entry)
        return 0 if is_more_waiting else LOOK_EVERY_SECONDS


def newest_id() -> int:
    close_old_connections()
    return TranscriptEvent.objects.aggregate(newest=Max("id"))["newest"] or 0


def read_after(position: int, listeners: Mapping[Channel, object]) -> tuple[int, list[tuple[Channel, Entry]]]:
    """The id up to which the log was read, and what the channels with listeners are to be told."""
    close_old_connections()
    events = list(TranscriptEvent.objects.filter(id__gt=position)[:BATCH])
    found = [(channel, event) for event in events for channel in channels_of(event) if channel in listeners]
    return (events[-1].pk if events else position), [(channel, entry_of(event, channel)) for channel, event in found]


def start_of(channel: Channel, since: int | None) -> Entry:
    """What a client is told before the events, of which it is told those after this entry.

    That is next to nothing where it has seen all up to an id that the log still goes back to.
    """
    close_old_connections()
    ids = TranscriptEvent.objects.aggregate(oldest=Min("id"), newest=Max("id"))
    oldest, newest = ids["oldest"] or 1, ids["newest"] or 0
    if since is not None and oldest - 1 <= since <= newest:
        return start_entry(since, None)
    transcript = Transcript.objects.filter(pk=channel.transcript_id).first() if channel.transcript_id else None
    return start_entry(newest if since is None else min(since, newest), transcript)


def events_after(channel: Channel, position: int) -> list[Entry]:
    """Some of what a channel was told after that id; the next ones are after the last of these.

    Not what a transcript said before others could read it, and does not say any more.
    """
    close_old_connections()
    events = TranscriptEvent.objects.filter(id__gt=position, **channel.conditions())
    if channel.transcript_id:
        later = TranscriptEvent.objects.filter(transcript_id=OuterRef("transcript_id"), id__gt=OuterRef("id"))
        is_replaced = Exists(later.filter(kind=OuterRef("kind")))
        was_shared_since = Exists(later.filter(kind=Kind.ACCESS))
        events = events.exclude(is_replaced, was_shared_since, kind__in=TEXTS)
    return [entry_of(event, channel) for event in events[:BATCH]]
