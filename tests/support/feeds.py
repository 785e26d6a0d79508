"""Calendars for tests, from a server on loopback."""

from datetime import timedelta

from django.utils import timezone

from tests.support.stub_provider import Answer

EVENT = """BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
SUMMARY:{title}
LOCATION:{location}
{more}END:VEVENT
"""
STANDUP = "http://localhost:8000/standup"
FEED = "/private-7f3a/basic.ics"


def feed(*events):
    """A calendar of these events, each a dictionary with start and end; `more` are further lines."""
    usual = {"uid": "1", "title": "Talk", "location": STANDUP, "more": ""}
    texts = [EVENT.format(**usual | event) for event in events]
    return f"BEGIN:VCALENDAR\n{''.join(texts)}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def calendar(*events, **headers):
    return Answer(body=feed(*events), headers={"Content-Type": "text/calendar"} | headers)


def in_minutes(minutes, lasts=30, **values):
    start = timezone.now().replace(microsecond=0) + timedelta(minutes=minutes)
    return {"start": start, "end": start + timedelta(minutes=lasts)} | values
