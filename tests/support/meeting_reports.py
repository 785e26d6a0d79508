"""What providers report, in our own terms, for tests; times are minutes after START."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from meetings.models import Meeting
from meetings.transitions import apply_event
from platforms import events

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def minute(number):
    return START + timedelta(minutes=number)


def make_meeting(room=None, **fields):
    made = {
        "room": room,
        "room_label": "standup",
        "slot": Meeting.objects.count(),
        "state": Meeting.State.LIVE,
        "platform": "mock",
        "platform_reason": "For a test.",
        "provider_meeting_id": f"id-{Meeting.objects.count()}",
        "room_name": "standup-1",
        "room_url": "https://mock.example/standup-1",
        "start_date": START,
        "end_date": minute(480),
        **fields,
    }
    return Meeting.objects.create(**made)


def joined(session_id, at, room_name="standup-1", **fields):
    fields = {"joined_at": minute(at), "occurred_at": minute(at), "platform": "mock", **fields}
    return events.ParticipantJoined(room_name=room_name, session_id=session_id, **fields)


def left(session_id, at, room_name="standup-1", **fields):
    fields = {"left_at": minute(at), "occurred_at": minute(at), "platform": "mock", **fields}
    return events.ParticipantLeft(room_name=room_name, session_id=session_id, **fields)


def report(kind, at, room_name="standup-1", **fields):
    return kind(room_name=room_name, occurred_at=minute(at), **{"platform": "mock", **fields})


def tell(*reports):
    for event in reports:
        with transaction.atomic():
            apply_event(event)
