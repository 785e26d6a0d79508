"""The log of events and those who follow it: in order, once, and bounded."""

import asyncio
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest
from django.db import OperationalError, connection, transaction

from recordings.live import feed as feed_module
from recordings.live.feed import Feed, events_after, read_after
from recordings.live.messages import Channel
from recordings.live.reader import TooSlow
from recordings.models import Transcript, TranscriptEvent
from tests.support.live import wait_until
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.django_db(transaction=True)


class Threads(ThreadPoolExecutor):
    """Whose connections do not keep the database from being dropped."""

    def submit(self, call, *arguments):
        return super().submit(in_its_own_connection, call, *arguments)


def in_its_own_connection(call, *arguments):
    try:
        return call(*arguments)
    finally:
        connection.close()


@pytest.fixture
def threads():
    with Threads(2) as threads:
        yield threads


@pytest.fixture
def transcript(owner):
    return make_transcript(owner)


def rename(transcript, *titles):
    for title in titles:
        with transaction.atomic():
            held = Transcript.objects.select_for_update().get(pk=transcript.pk)
            held.title = title
            held.touch()


def channel_of(transcript):
    return Channel(transcript_id=transcript.pk)


async def elsewhere(call, *arguments):
    """The event loop must not wait for the database."""
    return await asyncio.to_thread(in_its_own_connection, call, *arguments)


async def up_to_now(events):
    """From then on all comes from what the feed reads."""
    while await anext(events):
        pass


async def titles_of(events, count):
    found = []
    async with asyncio.timeout(20):
        while len(found) < count:
            entry = await anext(events)
            found += titles_in(entry.texts) if entry else []
    return found


def titles_in(texts):
    messages = map(json.loads, texts)
    return [message["data"]["title"] for message in messages if message["event"] == "FINAL_TITLE"]


def test_a_listener_is_told_in_order_and_of_its_channel_alone(transcript, owner, threads):
    other = make_transcript(owner)

    async def listen():
        feed = Feed(threads)
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, None, 0.2)) as events:
                await up_to_now(events)
                await elsewhere(rename, other, "strange")
                await elsewhere(rename, transcript, "one", "two")
                return await titles_of(events, 2)

    assert asyncio.run(listen()) == ["one", "two"]


def test_all_that_was_missed_comes_however_much_it_is(transcript, threads, monkeypatch):
    monkeypatch.setattr(feed_module, "BATCH", 2)
    since = TranscriptEvent.objects.latest("id").pk
    titles = [f"title {number}" for number in range(7)]
    rename(transcript, *titles)

    async def listen():
        feed = Feed(threads)
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, since, 1)) as events:
                return await titles_of(events, 7)

    assert asyncio.run(listen()) == titles


def test_what_it_said_before_it_was_shared_and_says_no_more_is_told_to_nobody(transcript):
    since = TranscriptEvent.objects.latest("id").pk

    def missed():
        return [title for entry in events_after(channel_of(transcript), since) for title in titles_in(entry.texts)]

    rename(transcript, "about a colleague", "about plans")
    assert missed() == ["about a colleague", "about plans"]
    transcript.refresh_from_db()
    transcript.share_mode = Transcript.ShareMode.PUBLIC
    transcript.touch()
    assert missed() == ["about plans"]
    rename(transcript, "plans", "our plans")
    assert missed() == ["plans", "our plans"]


def test_what_happens_while_a_listener_begins_comes_once(transcript, threads):
    """Neither is it missed between what it is told first and what is read later, nor told twice."""
    titles = [f"title {number}" for number in range(20)]
    since = TranscriptEvent.objects.latest("id").pk

    async def listen():
        feed = Feed(threads)
        renaming = asyncio.create_task(elsewhere(rename, transcript, *titles))
        listeners = [asyncio.create_task(hear(feed, number)) for number in range(10)]
        await renaming
        return await asyncio.gather(*listeners)

    async def hear(feed, number):
        await asyncio.sleep(number * 0.01)
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, since, 1)) as events:
                return await titles_of(events, 20)

    assert asyncio.run(listen()) == [titles] * 10


def test_who_takes_nothing_is_given_up(transcript, threads, monkeypatch):
    monkeypatch.setattr(feed_module, "MOST_WAITING", 3)

    async def listen():
        feed = Feed(threads)
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, None, 0.2)) as events:
                await up_to_now(events)
                await elsewhere(rename, transcript, *"abcdef")
                async with asyncio.timeout(20):
                    while not client.is_behind:
                        await asyncio.sleep(0.01)
                    async for _ in events:
                        pass

    with pytest.raises(TooSlow):
        asyncio.run(listen())


def test_a_database_that_was_away_costs_no_event(transcript, threads, monkeypatch, caplog):
    failures = [OperationalError("no connection"), OperationalError("no connection")]
    monkeypatch.setattr(feed_module, "PAUSE_SECONDS", 0.01)

    def away_at_first(*arguments):
        if failures:
            raise failures.pop()
        return read_after(*arguments)

    async def listen():
        feed = Feed(threads)
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, None, 0.2)) as events:
                await up_to_now(events)
                monkeypatch.setattr(feed_module, "read_after", away_at_first)
                await elsewhere(rename, transcript, "one")
                return await titles_of(events, 1)

    with caplog.at_level(logging.WARNING, "recordings.live"):
        assert asyncio.run(listen()) == ["one"]
    assert {record.getMessage() for record in caplog.records} == {"live_events_not_read error=OperationalError"}


def test_the_log_is_read_only_while_somebody_listens(transcript, threads, monkeypatch):
    looks = []
    monkeypatch.setattr(feed_module, "read_after", lambda *arguments: looks.append(1) or read_after(*arguments))

    async def listen(feed, title):
        with feed.followed(channel_of(transcript)) as client:
            async with aclosing(feed.events(client, None, 0.2)) as events:
                await up_to_now(events)
                await elsewhere(rename, transcript, title)
                return await titles_of(events, 1)

    async def twice():
        feed = Feed(threads)
        assert await listen(feed, "one") == ["one"]
        async with asyncio.timeout(20):
            while feed._reading:
                await asyncio.sleep(0.01)
        before = len(looks)
        await asyncio.sleep(3 * feed_module.LOOK_EVERY_SECONDS)
        assert len(looks) == before
        await elsewhere(rename, transcript, "heard by nobody")
        assert await listen(feed, "two") == ["two"]

    asyncio.run(twice())


def test_no_event_is_seen_before_one_with_a_lower_id(transcript, owner):
    """Of two changes at once, the one that came later waits for the other, however long that takes to be kept."""
    other = make_transcript(owner)
    start = TranscriptEvent.objects.latest("id").pk
    has_written, may_commit, is_over = threading.Event(), threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            rename(transcript, "first")
            has_written.set()
            may_commit.wait(20)

    def second():
        has_written.wait(20)
        rename(other, "second")
        is_over.set()

    workers = [threading.Thread(target=in_its_own_connection, args=[call]) for call in (first, second)]
    for worker in workers:
        worker.start()
    has_written.wait(20)
    try:
        assert not is_over.wait(0.5)  # it would have had an id, and be seen without the first
        assert titles_after(start) == []
    finally:
        may_commit.set()
        for worker in workers:
            worker.join(20)
    assert titles_after(start) == ["first", "second"]


def titles_after(start):
    return list(TranscriptEvent.objects.filter(id__gt=start).order_by("id").values_list("value", flat=True))


def test_a_reader_misses_nothing_of_what_many_write(owner):
    transcripts = [make_transcript(owner) for _ in range(4)]
    position = TranscriptEvent.objects.latest("id").pk
    titles = [f"title {number}" for number in range(15)]
    writers = [threading.Thread(target=in_its_own_connection, args=[rename, one, *titles]) for one in transcripts]
    for writer in writers:
        writer.start()
    listeners = {channel_of(one): 1 for one in transcripts}
    seen = []

    def read():
        nonlocal position
        position, found = read_after(position, listeners)
        seen.extend(found)
        return len(seen) >= len(transcripts) * len(titles)

    wait_until(read, seconds=60, every=0)
    for writer in writers:
        writer.join(20)
    assert [entry.id for _, entry in seen] == sorted({entry.id for _, entry in seen})
    for one in transcripts:
        told = [entry.texts[0] for channel, entry in seen if channel == channel_of(one)]
        assert titles_in(told) == titles
