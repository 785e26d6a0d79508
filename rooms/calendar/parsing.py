"""Feeds of calendars become events, in bounded children."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from platforms.bounded.children import ChildEnded, Host, Limits

LIMITS = Limits(cpu_seconds=2, wall_seconds=6.0, memory_bytes=200 * 1024 * 1024)
TOO_MUCH = "The calendar takes too long or too much memory to read."


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
    """Reads feeds, each in a child of its own."""

    def __init__(self) -> None:
        self.host = Host("rooms.calendar.reader")

    def occurrences(self, feed: bytes, start: datetime, end: datetime, address: str = "") -> list[Occurrence]:
        """Those in the window that point at `address`, or all where it is empty. Raises UnreadableCalendar."""
        question = json.dumps({"start": start.isoformat(), "end": end.isoformat(), "address": address}).encode()
        try:
            answer = self._ask(question, feed)
        except ChildEnded as error:
            raise UnreadableCalendar(TOO_MUCH) from error
        if "error" in answer:
            raise UnreadableCalendar(answer["error"])
        return [Occurrence.of(values) for values in answer["events"]]

    def _ask(self, question: bytes, feed: bytes) -> dict[str, Any]:
        with self.host.child(LIMITS) as child:
            child.send(b"Q", question)
            child.send(b"F", feed)
            answer: dict[str, Any] = json.loads(child.receive()[1])
            return answer


parser = Parser()
