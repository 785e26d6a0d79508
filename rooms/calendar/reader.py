"""Reading ICS feeds (RFC 5545) in bounded children: three lines can keep the libraries busy for ever.

It knows nothing of Django; see platforms.bounded.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import recurring_ical_events

if TYPE_CHECKING:
    from platforms.bounded.host import Channel

MOST_OCCURRENCES = 5000  # of one room in its window
TEXT_LIMIT = 10_000  # characters of a description
LINE_LIMIT = 1000  # characters of a title, a place, an address
MOST_ATTENDEES = 500
NOT_A_CALENDAR = "This is no calendar (ICS)."


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


# In a child of its own


def serve(channel: "Channel") -> None:
    """The question, and then the feed, are its worker's messages; the answer is its own."""
    _, question = channel.receive()
    _, feed = channel.receive()
    channel.send(b"A", json.dumps(_answer(json.loads(question), feed)).encode())


def _answer(question: dict[str, str], feed: bytes) -> dict[str, Any]:
    start, end = datetime.fromisoformat(question["start"]), datetime.fromisoformat(question["end"])
    try:
        return {"events": occurrences(feed, start, end, question["address"])}
    except NotACalendar as error:
        return {"error": str(error)}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # What the libraries raise for what is not in the standard.
        return {"error": f"The calendar cannot be read ({type(error).__name__})."}
