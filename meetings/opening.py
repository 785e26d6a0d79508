"""Opening and ending meetings. No call to a provider happens inside a transaction.

An opening reserves a row in state "opening" under a lease; the unique constraint on (room, slot) lets one request do
it and the others wait. When the one that reserved dies, its lease runs out and the next request takes over; the
provider room it may have left behind expires by itself at the meeting's end date.
"""

import hashlib
import logging
import time
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from meetings.models import SETTINGS_FIELDS, Meeting, ProviderCall
from meetings.transitions import end_sessions
from platforms.exceptions import PlatformError
from platforms.handler import create_platform_client, why_unavailable
from platforms.types import MeetingData
from rooms.models import Room
from rooms.selection import Selection, select_for_room

logger = logging.getLogger(__name__)

FIRST_LOOK = 0.03  # seconds until a waiting request looks again; it looks ever less often
LAST_LOOK = 0.5


class OpeningInProgress(Exception):
    """Another request has been opening this room for as long as one may wait."""

    retry_after = 2


def open_meeting(room: Room, allow_duplicated: bool = False) -> Meeting:
    """The room's live meeting, or a new one when there is none with the room's present settings.

    Raises OpeningInProgress, Room.DoesNotExist for one that is deleted meanwhile, PlatformUnavailable,
    PlatformRejected and PlatformNotConfigured.
    """
    selection = select_for_room(room)
    slot = uuid.uuid4().hex if allow_duplicated else slot_for(room, selection)
    deadline = time.monotonic() + settings.MEETING_OPEN_WAIT
    pause = FIRST_LOOK
    while True:
        if meeting := _find_live(room, slot):
            return meeting
        if (reserved := _reserve(room, slot, selection)) and (opened := _open(reserved, room)):
            return opened
        if time.monotonic() + pause > deadline:
            raise OpeningInProgress
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK)


def slot_for(room: Room, selection: Selection) -> str:
    """The same for all openings that may share a meeting: same platform, same settings."""
    parts = [selection.platform, *(str(getattr(room, name)) for name in SETTINGS_FIELDS)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def end_meeting(meeting: Meeting, close_room: bool = True) -> bool:
    """End a meeting for everybody and have the provider's room closed where that can be done.

    False when it had ended before. The call to the provider is a row of its own and is made by a worker.
    """
    closes = close_room and not why_unavailable(meeting.platform)
    now = timezone.now()
    with transaction.atomic():
        ended = Meeting.objects.filter(pk=meeting.pk, state=Meeting.State.LIVE).update(
            state=Meeting.State.ENDED, ended_at=now, num_clients=0
        )
        if ended:
            end_sessions(meeting, now)
        if ended and closes and create_platform_client(meeting.platform).supports_closing:
            _ask_provider(meeting, ProviderCall.Kind.CLOSE_ROOM)
    meeting.refresh_from_db()
    return bool(ended)


def _find_live(room: Room, slot: str) -> Meeting | None:
    meeting = Meeting.objects.live().filter(room=room, slot=slot).first()
    if meeting and meeting.is_over(timezone.now()):
        end_meeting(meeting)
        return None
    return meeting


def _reserve(room: Room, slot: str, selection: Selection) -> Meeting | None:
    """A row in state "opening" that is this request's to fill; None while another request has it."""
    now = timezone.now()
    lease_until = now + timedelta(seconds=settings.PROVIDER_TOTAL_TIMEOUT + 5)
    meeting = Meeting(
        room=room,
        room_label=room.name,
        slot=slot,
        lease_until=lease_until,
        platform=selection.platform,
        platform_reason=selection.reason,
        start_date=now,
        end_date=now + settings.MEETING_DURATION,
        **{name: getattr(room, name) for name in SETTINGS_FIELDS},
    )
    try:
        with transaction.atomic():
            # An opening that died gives its place up; were it still at work, it would find its row failed.
            Meeting.objects.filter(room=room, slot=slot, state=Meeting.State.OPENING, lease_until__lte=now).update(
                state=Meeting.State.FAILED, error="The opening was cut off before it finished."
            )
            meeting.save(force_insert=True)
    except IntegrityError:
        if not Room.objects.filter(pk=room.pk).exists():
            raise Room.DoesNotExist("The room was deleted meanwhile.") from None
        return None
    return meeting


def _open(meeting: Meeting, room: Room) -> Meeting | None:
    """Have the provider make the room. None when this opening took so long that it lost its place."""
    try:
        client = create_platform_client(meeting.platform)
        data = client.create_meeting(room.name, meeting.end_date, meeting)
    except PlatformError as error:
        logger.warning("meeting_not_opened meeting=%s platform=%s error=%s", meeting.pk, meeting.platform, error)
        Meeting.objects.filter(pk=meeting.pk).update(state=Meeting.State.FAILED, error=str(error))
        raise
    with transaction.atomic():
        if not _make_live(meeting, data):
            return None
        if room.logo and client.supports_logo:
            _ask_provider(meeting, ProviderCall.Kind.SET_LOGO)
    logger.info("meeting_opened meeting=%s room=%s platform=%s", meeting.pk, room.pk, meeting.platform)
    return meeting


def _make_live(meeting: Meeting, data: MeetingData) -> bool:
    values = {
        "state": Meeting.State.LIVE,
        "lease_until": None,
        "provider_meeting_id": data.meeting_id,
        "room_name": data.room_name,
        "room_url": data.room_url,
        "host_room_url": data.host_room_url,
    }
    if not Meeting.objects.filter(pk=meeting.pk, state=Meeting.State.OPENING).update(**values):
        return False
    for name, value in values.items():
        setattr(meeting, name, value)
    return True


def _ask_provider(meeting: Meeting, kind: ProviderCall.Kind) -> None:
    call, created = ProviderCall.objects.get_or_create(meeting=meeting, kind=kind)
    if created:
        call.nudge_on_commit()
