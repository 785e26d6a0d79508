"""Feeds of calendars become events, by a process that a worker keeps for this and starts again when it is gone."""

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from rooms.calendar import reader
from rooms.calendar.reader import HEADER


class UnreadableCalendar(Exception):
    """The text says why, for the room's owner."""


@dataclass(frozen=True)
class Occurrence:
    """One time that an event of a calendar takes place; `recurrence` tells the instances of a `uid` apart."""

    uid: str
    recurrence: str
    title: str
    description: str
    location: str
    start: datetime
    end: datetime
    first_day: date | None  # of an event of whole days
    cancelled: bool
    attendees: list[dict[str, str]]

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        moments: dict[str, Any] = {name: datetime.fromisoformat(values[name]) for name in ("start", "end")}
        day = values["first_day"]
        return cls(**values | moments | {"first_day": date.fromisoformat(day) if day else None})


class Parser:
    """The process that reads feeds, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def occurrences(self, feed: bytes, start: datetime, end: datetime, address: str = "") -> list[Occurrence]:
        """Those in the window that point at `address`, or all where it is empty. Raises UnreadableCalendar."""
        question = json.dumps({"start": start.isoformat(), "end": end.isoformat(), "address": address}).encode()
        with self._lock:
            try:
                answer = self._ask(question, feed)
            except (OSError, ValueError):
                answer = self._ask_another(question, feed)
        if "error" in answer:
            raise UnreadableCalendar(answer["error"])
        return [Occurrence.of(values) for values in answer["events"]]

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, question: bytes, feed: bytes) -> dict[str, Any]:
        process = self._running()
        assert process.stdin  # noqa: S101  (it has pipes)
        assert process.stdout  # noqa: S101
        process.stdin.write(HEADER.pack(len(question), len(feed)) + question)
        process.stdin.write(feed)
        process.stdin.flush()
        head = process.stdout.read(4)
        if len(head) < 4:
            raise OSError("The reader has gone.")
        answer: dict[str, Any] = json.loads(process.stdout.read(int.from_bytes(head, "big")))
        return answer

    def _ask_another(self, question: bytes, feed: bytes) -> dict[str, Any]:
        """The process may have been ended for a reason that has nothing to do with this feed."""
        self.stop()
        try:
            return self._ask(question, feed)
        except (OSError, ValueError):
            self.stop()
            raise UnreadableCalendar(reader.TOO_MUCH) from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            with suppress(OSError):
                self.stop()
            command = [sys.executable, "-m", reader.__name__]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        return self._process


parser = Parser()


def _start_anew() -> None:
    """Two processes that write to one reader would get each other's answers."""
    global parser
    parser = Parser()


os.register_at_fork(after_in_child=_start_anew)
atexit.register(lambda: parser.stop())
