"""Storing what providers send, before anything is made of it.

A few threads per process write; events that arrive while they are at it are stored together by the next statement.
So a crowd of events costs few statements, and no request waits for the database longer than STORE_TIMEOUT_SECONDS,
whatever hangs.
"""

import hashlib
import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from django.db import Error, OperationalError, connections
from django.db.models import Field
from django.utils import timezone

from platforms import logs
from platforms.models import WebhookEvent
from platforms.statements import rows_of
from platforms.types import WebhookSummary
from platforms.webhooks import arrivals
from platforms.work.database import is_away

logger = logging.getLogger(__name__)

STORE_TIMEOUT_SECONDS = 1.5  # that a request waits
# Less than a request waits: so the database itself says no in time, and it is known that nothing was stored.
LOCK_WAIT_SECONDS = 1.0
STUCK_SECONDS = 5.0  # after which a thread is given up, whose connection leads nowhere any more
IDLE_SECONDS = 60.0  # without an event after which the connection is given back
THREADS = 2  # that write, in each process; more did not store more
BATCH = 100  # events stored by one statement at most

# Raw, because bulk_create(ignore_conflicts=True) makes a transaction of it: three round trips rather than one.
GIVEN = ("id", "platform", "event_id", "type", "body", "received_at", "next_attempt_at")
INSERT = """
    INSERT INTO platforms_webhookevent (id, platform, event_id, type, body, received_at, next_attempt_at,
        state, attempts, last_error, room_name, meeting_id, outcome)
    VALUES {} ON CONFLICT DO NOTHING RETURNING 1
"""
ROW = "(%s, %s, %s, %s, %s, %s, %s, 'waiting', 0, '', '', '', '')"

# How long the database itself lets a statement wait, for a lock above all.
WAIT_LIMITS = {
    "postgresql": f"SET statement_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}",
    "sqlite": f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000:.0f}",
}

_Row = tuple[uuid.UUID, str, str, str, bytes, datetime, datetime]


def store(platform: str, summary: WebhookSummary, body: bytes) -> None:
    """Keep an event and tell a worker; one that was delivered before is the row that is there already.

    Raises what `is_away` when the database does not take it in time: it may have been stored all the same.
    """
    now = timezone.now()
    arrivals.note(platform, now)
    key = id_of(platform, summary.key)
    logs.add(event=key, platform=platform)
    row = (key, platform, summary.event_id[:255], summary.type[:255], body, now, now)
    if connections["default"].in_atomic_block:
        _insert([row])  # part of what the caller does
    else:
        _current_writer().add(row)


def id_of(platform: str, key: str) -> uuid.UUID:
    # Made of the event, not by chance: the same one, sent again, conflicts with the row that is there.
    return uuid.UUID(bytes=hashlib.sha256(f"{platform}:{key}".encode()).digest()[:16])


def _insert(rows: Sequence[_Row]) -> None:
    database = connections["default"]
    fields = _given_fields()
    # By their keys: two processes that store the same events at once wait for each other in one direction only.
    values = [
        field.get_db_prep_value(value, database)
        for row in sorted(rows, key=itemgetter(0))
        for field, value in zip(fields, row, strict=True)
    ]
    if rows_of(INSERT.format(", ".join([ROW] * len(rows))), values):
        WebhookEvent.enqueue()


@cache
def _given_fields() -> "list[Field[Any, Any]]":
    fields = {field.name: field for field in WebhookEvent._meta.concrete_fields}
    return [fields[name] for name in GIVEN]


class _Entry:
    """An event on its way, and what became of it."""

    def __init__(self, row: _Row) -> None:
        self.row = row
        self.done = threading.Event()
        self.error: Exception | None = None


class Writer:
    """Threads that share a queue; `_since` is when each began what it is at, 0 while it waits for something to do."""

    def __init__(self, failing: bool = False) -> None:
        self._retired = False
        self._entries: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._failing = failing
        self._since = [0.0] * THREADS
        self._threads = [
            threading.Thread(target=self._run, args=(n,), name="inbox", daemon=True) for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, row: _Row) -> None:
        """Have a row stored, or raise what `is_away`; at once while the database is known to be gone."""
        if self._failing and any(self._since):
            raise OperationalError("The database does not answer.")  # that one tries is enough
        entry = _Entry(row)
        self._entries.put(entry)
        if not entry.done.wait(STORE_TIMEOUT_SECONDS):
            self._failing = True
            raise OperationalError("The database did not answer in time.")
        if entry.error:
            raise entry.error

    def is_broken(self) -> bool:
        """Whether a thread waits on a connection for ever, or has died of an error that nobody thought of."""
        now = time.monotonic()
        is_stuck = any(since and now - since > STUCK_SECONDS for since in self._since)
        return is_stuck or not all(thread.is_alive() for thread in self._threads)

    def retire(self, wait: float = 0.0) -> None:
        """Have the threads end when they have stored what waits; `wait` for it as many seconds for each."""
        self._retired = True
        for _ in self._threads:
            self._entries.put(None)  # wakes one up
        for thread in self._threads:
            thread.join(wait)

    def _run(self, number: int) -> None:
        while not self._retired:
            if entries := self._take():
                self._since[number] = time.monotonic()
                self._write(entries)
                self._since[number] = 0.0
            else:
                connections["default"].close()
        connections["default"].close()

    def _take(self) -> list[_Entry]:
        """What waits, or what comes first; nothing when nothing comes for long."""
        taken: list[_Entry] = []
        with suppress(queue.Empty):
            while len(taken) < BATCH and (entry := self._entries.get(block=not taken, timeout=IDLE_SECONDS)):
                taken.append(entry)
        return taken

    def _write(self, entries: list[_Entry]) -> None:
        try:
            self._insert([entry.row for entry in entries])
        # All errors, as the thread must live: events would wait in a queue that nobody empties.
        except Exception as error:
            if is_away(error):
                self._failing = True
                logger.warning("inbox_failed events=%s error=%s", len(entries), type(error).__name__)
            else:
                logger.exception("inbox_failed events=%s", len(entries))
            if is_away(error) or len(entries) == 1:
                _notify(entries, error)
            else:  # one that cannot be stored keeps no other one out
                for entry in entries:
                    self._write([entry])
        else:
            self._failing = False
            _notify(entries)

    def _insert(self, rows: list[_Row]) -> None:
        database, started = connections["default"], time.monotonic()
        is_new = database.connection is None
        try:
            if is_new:
                with database.cursor() as cursor:
                    cursor.execute(WAIT_LIMITS[database.vendor])
            _insert(rows)
        except Error as error:
            if not is_away(error):
                raise
            database.close()
            if is_new or time.monotonic() - started > LOCK_WAIT_SECONDS / 2:
                raise
            self._insert(rows)  # the server had ended the connection, or only reads now: another one may do


def _notify(entries: list[_Entry], error: Exception | None = None) -> None:
    for entry in entries:
        entry.error = error
        entry.done.set()


_writer: Writer | None = None
_choosing = threading.Lock()


def _current_writer() -> Writer:
    """This process's writer; another one in place of one that is broken."""
    global _writer
    with _choosing:
        if _writer is None:
            _writer = Writer()
        elif _writer.is_broken():
            # A thread that waits for an answer that never comes cannot be ended: it is left behind. The new one counts
            # as failing until it has stored something, so that requests do not wait for it one after the other.
            _writer.retire()
            _writer = Writer(failing=True)
        return _writer


def close() -> None:
    """Give back the connections of this process's writer; the next event opens new ones."""
    global _writer
    with _choosing:
        if _writer:
            _writer.retire(wait=STORE_TIMEOUT_SECONDS)
        _writer = None


def _start_anew() -> None:
    global _writer, _choosing
    _writer, _choosing = None, threading.Lock()


os.register_at_fork(after_in_child=_start_anew)  # threads are not forked, and locks stay as they were
