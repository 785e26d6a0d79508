"""Reading ICS feeds (RFC 5545) in processes of their own: three lines can keep the libraries busy for ever.

`python -m rooms.calendar.reader` imports the libraries once, and then forks a child for each feed, which has limits of
CPU time, memory and time by the clock, and which nobody misses when it is ended. It knows nothing of Django.
"""

import json
import os
import re
import resource
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import recurring_ical_events

CPU_SECONDS = 2
WALL_SECONDS = 6.0
MEMORY_BYTES = 200 * 1024 * 1024  # on top of what the process has when it is forked
MOST_OCCURRENCES = 5000  # of one room in its window
TEXT_LIMIT = 10_000  # characters of a description
LINE_LIMIT = 1000  # characters of a title, a place, an address
MOST_ATTENDEES = 500
HEADER = struct.Struct("!II")  # bytes of the question, and of the feed; answers have the first only
NOT_A_CALENDAR = "This is no calendar (ICS)."
TOO_MUCH = "The calendar takes too long or too much memory to read."


class NotACalendar(Exception):
    pass


def occurrences(feed: bytes, start: datetime, end: datetime, address: str = "") -> list[dict[str, Any]]:
    """Every occurrence in a window, one dictionary of JSON's own types each, by start; moments are ISO 8601 in UTC.

    With `address`, only those in whose location, description or URL it stands. Overridden instances stand at their new
    time, excluded ones are left out, cancelled ones have `cancelled`. `recurrence` tells the instances of a `uid`
    apart, and is the same wherever an instance is moved to; "" for an event that does not recur. Raises NotACalendar.
    """
    found = []
    for calendar in _calendars(feed):
        zone = _zone_of(calendar)
        recurring = {str(event.get("UID", "")) for event in calendar.walk("VEVENT") if _recurs(event)}
        for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end):
            if not address or _points_at(event, address):
                found.append(_described(event, zone, str(event.get("UID", "")) in recurring))
                if len(found) > MOST_OCCURRENCES:
                    raise NotACalendar(f"The calendar has more than {MOST_OCCURRENCES} events of these weeks.")
    return sorted(found, key=lambda event: (event["start"], event["uid"]))


def _calendars(feed: bytes) -> list[Any]:
    try:
        text = feed.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        text = feed.decode("cp1252", "replace")  # what older servers send
    if "\n" not in text:
        text = text.replace("\r", "\n")
    try:
        found = icalendar.Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise NotACalendar(NOT_A_CALENDAR) from error
    calendars = [calendar for calendar in found if calendar.name == "VCALENDAR"]
    if not calendars:
        raise NotACalendar(NOT_A_CALENDAR)
    for calendar in calendars:
        # One that lacks what every event has would spoil all the others.
        calendar.subcomponents = [part for part in calendar.subcomponents if part.name != "VEVENT" or "DTSTART" in part]
    return calendars


def _zone_of(calendar: Any) -> tzinfo:
    """The zone of times that name none."""
    try:
        return ZoneInfo(str(calendar.get("X-WR-TIMEZONE", "UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _recurs(event: Any) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _points_at(event: Any, address: str) -> bool:
    texts = [str(event.get(name, "")) for name in ("LOCATION", "DESCRIPTION", "URL", "X-ALT-DESC", "CONFERENCE")]
    return re.search(re.escape(address) + r"(?![\w-])", "\n".join(texts), re.IGNORECASE) is not None


def _described(event: Any, zone: tzinfo, recurs: bool) -> dict[str, Any]:
    start, end = event["DTSTART"].dt, event["DTEND"].dt
    instance = event.get("RECURRENCE-ID") if recurs else None
    return {
        "uid": _text(event.get("UID", ""), LINE_LIMIT),
        "recurrence": _moment(instance.dt, zone) if instance else "",
        "title": _text(event.get("SUMMARY", ""), LINE_LIMIT),
        "description": _text(event.get("DESCRIPTION", ""), TEXT_LIMIT),
        "location": _text(event.get("LOCATION", ""), LINE_LIMIT),
        "start": _moment(start, zone),
        "end": max(_moment(start, zone), _moment(end, zone)),
        "first_day": "" if isinstance(start, datetime) else start.isoformat(),
        "cancelled": str(event.get("STATUS", "")).upper() == "CANCELLED",
        "attendees": list(_attendees(event)),
    }


def _moment(moment: date, zone: tzinfo) -> str:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  (the calendar's zone follows)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).isoformat()


def _attendees(event: Any) -> Iterator[dict[str, str]]:
    listed = event.get("ATTENDEE", [])
    for attendee in (listed if isinstance(listed, list) else [listed])[:MOST_ATTENDEES]:
        parameters: Mapping[str, Any] = getattr(attendee, "params", {})
        yield {
            "email": _text(re.sub(r"^mailto:", "", str(attendee), flags=re.IGNORECASE), LINE_LIMIT),
            "name": _text(parameters.get("CN", ""), LINE_LIMIT),
            "status": _text(parameters.get("PARTSTAT", ""), LINE_LIMIT),
            "role": _text(parameters.get("ROLE", ""), LINE_LIMIT),
        }


def _text(value: Any, limit: int) -> str:
    return str(value).replace("\x00", "")[:limit]


# The process that waits for feeds


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer one question after the other until the other side goes away."""
    while len(head := questions.read(HEADER.size)) == HEADER.size:
        asked, size = HEADER.unpack(head)
        question, feed = json.loads(questions.read(asked)), questions.read(size)
        answer = json.dumps(_in_a_child(question, feed)).encode()
        answers.write(struct.pack("!I", len(answer)) + answer)
        answers.flush()


def _in_a_child(question: dict[str, str], feed: bytes) -> dict[str, Any]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _answer_and_exit(question, feed, write_end)
    os.close(write_end)
    try:
        said = _read_until(read_end, time.monotonic() + WALL_SECONDS)
    finally:
        os.close(read_end)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"error": TOO_MUCH}
    return answer


def _answer_and_exit(question: dict[str, str], feed: bytes, write_end: int) -> None:
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        limit = _address_space() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        with os.fdopen(write_end, "w") as answers:
            json.dump(_answer(question, feed), answers)
        status = 0
    except MemoryError:
        pass
    finally:
        os._exit(status)


def _answer(question: dict[str, str], feed: bytes) -> dict[str, Any]:
    start, end = datetime.fromisoformat(question["start"]), datetime.fromisoformat(question["end"])
    try:
        return {"events": occurrences(feed, start, end, question["address"])}
    except NotACalendar as error:
        return {"error": str(error)}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # What the libraries raise for what is not in the standard.
        return {"error": f"The calendar cannot be read ({type(error).__name__})."}


def _address_space() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123  (not a file on a disk)
        return int(file.read().split()[0]) * resource.getpagesize()


def _read_until(descriptor: int, deadline: float) -> bytes:
    """What comes until the other side has ended, or the time is over."""
    said = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        if not (piece := os.read(descriptor, 65536)):
            return bytes(said)
        said += piece
    return b""


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
