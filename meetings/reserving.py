"""The place of a meeting while it is being opened.

An opening reserves a row in state "opening" under a lease; the unique constraint on (room, slot) lets one request do
it and the others wait. When the one that reserved dies, its lease runs out and the next request takes over; the
provider room it may have left behind expires by itself at the meeting's end date.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from meetings.models import SETTINGS_FIELDS, Meeting
from platforms.statements import Update, example
from platforms.types import MeetingData
from rooms.models import Room
from rooms.selection import Selection

LIVE = {"state": Meeting.State.LIVE, "lease_until": None}
_CUT_OFF = Update(
    lambda room_id, slot, now: (
        _opening(room_id, slot).filter(lease_until__lte=now),
        {"state": Meeting.State.FAILED, "error": "The opening was cut off before it finished."},
    ),
    room_id=example(Room, "id", uuid.UUID(int=1)),
    slot=example(Meeting, "slot", "an example"),
    now=example(Meeting, "lease_until", datetime(2000, 1, 1, tzinfo=UTC)),
)
_MAKE_LIVE = Update(
    lambda pk, **given: (Meeting.objects.filter(pk=pk, state=Meeting.State.OPENING), LIVE | given),
    pk=example(Meeting, "id", uuid.UUID(int=1)),
    opening_ms=example(Meeting, "opening_ms", -7),
    provider_meeting_id=example(Meeting, "provider_meeting_id", "an example of an id"),
    room_name=example(Meeting, "room_name", "an example of a name"),
    room_url=example(Meeting, "room_url", "an example of an address"),
    host_room_url=example(Meeting, "host_room_url", "an example of a host's address"),
)


def reserve(
    room: Room, slot: str, selection: Selection, instead_of: Meeting | None = None, **values: Any
) -> Meeting | None:
    """A row in state "opening" that is this request's to fill; None while another request has it.

    `values` are those of a meeting that is not to begin now. With `instead_of`, whose opening failed, the place goes
    from that row to the new one, with nobody in between.
    """
    now = timezone.now()
    lease_until = now + timedelta(seconds=settings.PROVIDER_TOTAL_TIMEOUT + 5)
    meeting = Meeting(
        room=room,
        room_label=room.name,
        slot=slot,
        lease_until=lease_until,
        platform=selection.platform,
        platform_reason=selection.reason,
        wanted_platform=selection.wanted,
        **{name: getattr(room, name) for name in SETTINGS_FIELDS},
        **{"start_date": now, "end_date": now + settings.MEETING_DURATION, **values},
    )
    try:
        with transaction.atomic():
            if instead_of and not _opening(room.pk, slot).filter(pk=instead_of.pk).update(state=Meeting.State.FAILED):
                return None
            # An opening that died gives its place up; were it still at work, it would find its row failed.
            _CUT_OFF.run(room_id=room.pk, slot=slot, now=now)
            meeting.save(force_insert=True)
    except IntegrityError:
        if not Room.objects.filter(pk=room.pk).exists():
            raise Room.DoesNotExist("The room was deleted meanwhile.") from None
        return None
    return meeting


def make_live(meeting: Meeting, data: MeetingData, took: int) -> bool:
    """False for one that lost its place. `took` is how long the provider did, in milliseconds."""
    given = {
        "opening_ms": took,
        "provider_meeting_id": data.meeting_id,
        "room_name": data.room_name,
        "room_url": data.room_url,
        "host_room_url": data.host_room_url,
    }
    if not _MAKE_LIVE.run(pk=meeting.pk, **given):
        return False
    for name, value in (LIVE | given).items():
        setattr(meeting, name, value)
    return True


def _opening(room_id: uuid.UUID, slot: str) -> QuerySet[Meeting]:
    return Meeting.objects.filter(room=room_id, slot=slot, state=Meeting.State.OPENING)
