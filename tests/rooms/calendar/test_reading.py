"""From feeds to events: the shapes that calendars send, and feeds that would keep a reader busy for ever."""

import gzip
import os
import random
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dateutil import rrule

from rooms.calendar import parsing
from rooms.calendar.parsing import Parser, UnreadableCalendar

FEEDS = Path(__file__).parent.parent.parent / "payloads/calendars"
START, END = datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 12, 10, tzinfo=UTC)
ADDRESS = "rooms.example.com/standup"


@pytest.fixture(scope="module")
def parser():
    running = Parser()
    yield running
    running.host.stop()


def feed_of(*lines):
    return "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""]).encode()


def event(*lines, uid="1", start="20261020T100000Z", end="20261020T110000Z"):
    return ["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", f"DTEND:{end}", *lines, "END:VEVENT"]


def found(parser, name, address=ADDRESS):
    return parser.occurrences((FEEDS / f"{name}.ics").read_bytes(), START, END, address)


def starts(events):
    return [f"{event.start:%m-%d %H:%M}" for event in events]


class TestShapes:
    def test_google_with_an_override_an_exclusion_and_the_end_of_summer_time(self, parser):
        events = found(parser, "google")
        standups = [event for event in events if event.uid == "standup@google.com"]
        assert starts(standups) == [
            *("10-12 07:30", "10-19 07:30", "10-27 13:00", "11-02 08:30", "11-16 08:30", "11-23 08:30"),
            *("11-30 08:30", "12-07 08:30"),
        ]
        moved = standups[2]
        assert (moved.title, moved.recurrence) == ("Standup (moved)", "2026-10-26T08:30:00+00:00")
        first = standups[0]
        assert first.description == "Join: https://rooms.example.com/standup\nBring coffee, please."
        assert first.attendees == [
            {"email": "ada@example.com", "name": "Ada", "status": "ACCEPTED", "role": "REQ-PARTICIPANT"},
            {"email": "bo@example.com", "name": "Lovelace, Bo", "status": "NEEDS-ACTION", "role": "OPT-PARTICIPANT"},
        ]

    def test_an_event_of_whole_days_lasts_from_midnight_to_midnight_of_the_calendars_zone(self, parser):
        offsite = next(event for event in found(parser, "google") if event.uid == "offsite@google.com")
        assert offsite.first_day
        assert (offsite.start, offsite.end) == (
            datetime(2026, 10, 19, 22, tzinfo=UTC),
            datetime(2026, 10, 21, 22, tzinfo=UTC),
        )

    def test_only_events_that_hold_the_rooms_address_count_unless_all_do(self, parser):
        assert "other@google.com" not in {event.uid for event in found(parser, "google")}
        assert "other@google.com" in {event.uid for event in found(parser, "google", address="")}

    def test_exchange_names_zones_as_windows_does_and_cancels(self, parser):
        events = found(parser, "outlook")
        reviews = [event for event in events if event.title == "Review"]
        # Thursday, Friday; then after the end of summer time Monday to Wednesday.
        assert starts(reviews) == ["10-22 14:00", "10-23 14:00", "10-26 15:00", "10-27 15:00", "10-28 15:00"]
        assert [event.title for event in events if event.cancelled] == ["Canceled: Retro"]

    def test_apple_puts_the_address_into_the_url_and_ends_a_series(self, parser):
        assert starts(found(parser, "apple")) == ["10-30 21:00", "11-06 22:00", "11-13 22:00"]

    def test_nextcloud_leaves_the_zone_to_the_calendar_and_gives_a_duration(self, parser):
        workshop = found(parser, "nextcloud")[0]
        assert (workshop.start, workshop.end) == (
            datetime(2026, 10, 24, 7, tzinfo=UTC),
            datetime(2026, 10, 24, 7, 45, tzinfo=UTC),
        )

    def test_zoho_writes_descriptions_in_html(self, parser):
        assert starts(found(parser, "zoho")) == ["10-19 05:00", "11-02 05:00", "11-16 05:00"]

    def test_the_beginning_of_summer_time(self, parser):
        zone = ["X-WR-TIMEZONE:Europe/Berlin"]
        lines = event("RRULE:FREQ=DAILY;COUNT=3", start="20270327T090000", end="20270327T100000")
        events = parser.occurrences(feed_of(*zone, *lines), START, datetime(2027, 5, 1, tzinfo=UTC))
        assert starts(events) == ["03-27 08:00", "03-28 07:00", "03-29 07:00"]

    def test_two_thousand_events(self, parser):
        lines = [line for number in range(2000) for line in event(uid=str(number))]
        assert len(parser.occurrences(feed_of(*lines), START, END)) == 2000

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda feed: b"\xef\xbb\xbf" + feed,
            lambda feed: feed.replace(b"\r\n", b"\r"),
            lambda feed: feed.replace(b"\r\n", b"\n"),
            lambda feed: feed.decode().encode("cp1252"),
        ],
        ids=["byte order mark", "bare CR", "bare LF", "windows-1252"],
    )
    def test_a_feed_in_another_dress_is_read_all_the_same(self, parser, spoil):
        events = parser.occurrences(spoil(feed_of(*event("SUMMARY:Zürich"))), START, END)
        assert [event.title for event in events] == ["Zürich"]

    def test_an_event_that_is_broken_leaves_the_others(self, parser):
        broken = ["BEGIN:VEVENT", "UID:2", "SUMMARY:No start", "END:VEVENT"]
        assert [event.uid for event in parser.occurrences(feed_of(*broken, *event()), START, END)] == ["1"]

    def test_an_event_that_is_moved_stays_the_same(self, parser):
        moments = ("20261020T080000Z", "20261020T090000Z")
        one, two = (parser.occurrences(feed_of(*event(start=moment)), START, END) for moment in moments)
        assert (one[0].uid, one[0].recurrence) == (two[0].uid, two[0].recurrence) == ("1", "")


DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
OF_A_MONTH = ["BYMONTHDAY=-1", "BYMONTHDAY=13,31", "BYDAY=2TU", "BYDAY=-1FR", "BYSETPOS=-1;BYDAY=MO,TU,WE"]


def rules(count):
    """Rules by chance, such as people's calendars hold."""
    chance = random.Random(7)
    for _ in range(count):
        frequency = chance.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
        parts = [f"FREQ={frequency}", f"INTERVAL={chance.randint(1, 4)}"]
        if frequency == "WEEKLY" and chance.random() < 0.7:
            parts.append("BYDAY=" + ",".join(chance.sample(DAYS, chance.randint(1, 4))))
        if frequency == "MONTHLY" and chance.random() < 0.7:
            parts.append(chance.choice(OF_A_MONTH))
        if frequency == "YEARLY" and chance.random() < 0.5:
            parts.append(f"BYMONTH={chance.randint(1, 12)}")
        parts += chance.choice(
            [[], [f"COUNT={chance.randint(1, 60)}"], [f"UNTIL=2026{chance.randint(10, 12)}15T000000Z"]]
        )
        begins = datetime(2026, chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 23), 30, tzinfo=UTC)
        yield begins, ";".join(parts)


def ics(moment):
    return f"{moment:%Y%m%dT%H%M%SZ}"


def test_occurrences_are_those_of_another_library(parser):
    """Of dateutil, for 300 rules; RFC 5545 counts DTSTART as the first instance, which dateutil leaves to the rule."""
    compared = 0
    for begins, rule in rules(300):
        lines = event(
            f"RRULE:{rule}", start=f"{begins:%Y%m%dT%H%M%SZ}", end=f"{begins + timedelta(hours=1):%Y%m%dT%H%M%SZ}"
        )
        ours = {found.start for found in parser.occurrences(feed_of(*lines), START, END)}
        theirs = set(rrule.rrulestr(rule, dtstart=begins).between(START - timedelta(hours=1), END, inc=False))
        in_window = {moment for moment in theirs if moment + timedelta(hours=1) > START and moment < END}
        assert ours - {begins} == in_window - {begins}, (begins, rule)
        compared += len(in_window)
    assert compared > 1000


HOSTILE = {
    "a thousand million instances": lambda: feed_of(*event("RRULE:FREQ=SECONDLY;COUNT=1000000000")),
    "every second since 1970": lambda: feed_of(
        *event("RRULE:FREQ=SECONDLY", start="19700101T000000Z", end="19700101T000001Z")
    ),
    "no step": lambda: feed_of(*event("RRULE:FREQ=DAILY;INTERVAL=0")),
    "dates by the thousand": lambda: feed_of(
        *event(*(f"RDATE:{ics(START + timedelta(minutes=n))}" for n in range(50_000)))
    ),
    "deep nesting": lambda: b"BEGIN:VCALENDAR\r\n" * 100_000,
    "a page of the web": lambda: b"<!doctype html><title>Log in</title>",
    "packed": lambda: gzip.compress(feed_of(*event())),
    "nothing": lambda: b"",
    "binary": lambda: random.Random(1).randbytes(100_000),
}
LARGE = {  # but calendars: whether there is the time and the memory for one depends on the machine
    "one line of 30 MB": lambda: feed_of(*event("DESCRIPTION:" + "x" * 30_000_000)),
    "commas and quotes in attendees": lambda: feed_of(
        *event(*['ATTENDEE;CN="' + '","' * 100_000 + '":mailto:a@b.c'] * 10)
    ),
}


def seconds_of_children(pid):
    """CPU time of those that have ended; see proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def bounds(parser):
    """What happens within takes no more than a reader may, and leaves it there to read on."""
    parser.occurrences(feed_of(*event()), START, END)  # the process is there
    host = parser.host.pid
    before, started = seconds_of_children(host), time.monotonic()
    yield
    assert seconds_of_children(host) - before < parsing.LIMITS.cpu_seconds + 1
    assert time.monotonic() - started < parsing.LIMITS.wall_seconds + 10
    assert memory_of(host) < 300 * 1024 * 1024
    assert len(parser.occurrences(feed_of(*event()), START, END)) == 1
    assert parser.host.pid == host


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_feed_is_bounded_and_says_why(parser, name):
    with bounds(parser), pytest.raises(UnreadableCalendar) as caught:
        parser.occurrences(HOSTILE[name](), START, END)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", LARGE)
def test_a_large_feed_is_read_or_refused_within_the_same_bounds(parser, name):
    with bounds(parser):
        try:
            uids = [found.uid for found in parser.occurrences(LARGE[name](), START, END)]
        except UnreadableCalendar as error:
            assert str(error) == parsing.TOO_MUCH  # noqa: PT017  (either may happen)
        else:
            assert uids == ["1"]


def test_a_reader_that_was_killed_is_started_again(parser):
    parser.occurrences(feed_of(*event()), START, END)
    os.kill(parser.host.pid, signal.SIGKILL)
    assert len(parser.occurrences(feed_of(*event()), START, END)) == 1


def test_a_child_has_limits_of_its_own(parser):
    """Its memory is what the reader needs, and 200 MB."""
    assert parsing.LIMITS.memory_bytes == 200 * 1024 * 1024
    feed = feed_of(*event(*[f"X-LONG-{n}:{'x' * 1_000_000}" for n in range(60)]))
    with pytest.raises(UnreadableCalendar, match="too much memory"):
        parser.occurrences(feed, START, END)
