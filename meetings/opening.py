"""Opening and ending meetings. No call to a provider happens inside a transaction.

One request reserves the place of a meeting, as `meetings.reserving` says, and the others wait for it.
"""

import hashlib
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from meetings import failures, telling
from meetings.lookup import is_gone
from meetings.models import SETTINGS_FIELDS, Meeting, ProviderCall
from meetings.reserving import make_live, reserve
from meetings.transitions import end_sessions
from platforms import logs
from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformUnavailable
from platforms.handler import adapter_errors, create_platform_client, get_available_platforms, why_unavailable
from platforms.health.figures import counter
from platforms.http.time_limit import at_most
from platforms.statements import Asked, Statement, example
from rooms.models import Room
from rooms.selection import RolloutPolicy, Selection, current_policy, select_for_room, select_instead, without

logger = logging.getLogger(__name__)

FIRST_POLL_SECONDS = 0.03  # until a waiting request looks again; it looks ever less often
LONGEST_POLL_SECONDS = 0.5
FIRST_SHARE = 0.6  # of the time that is left, for a platform that another one stands in for when it does not answer
MOST_PER_ROOM = 100  # meetings that are open or opening


_LIVE = Statement(
    lambda room_id: Meeting.objects.live().filter(room_id=room_id), room_id=example(Room, "id", uuid.UUID(int=1))
)
_UNFINISHED = Statement(
    lambda room_id: Meeting.objects.unfinished().filter(room_id=room_id), room_id=example(Room, "id", uuid.UUID(int=1))
)


class OpeningInProgress(Exception):
    """Another request has been opening this room for as long as one may wait."""

    retry_after = 2


class TooManyMeetings(Exception):
    """So many meetings of the room are open that no duplicate is made; each costs at its provider."""

    retry_after = 60


def open_meeting(
    room: Room,
    allow_duplicated: bool = False,
    instead: str = "",
    revision: str | None = None,
    live: list[Meeting] | None = None,
) -> Meeting:
    """The room's live meeting, or a new one when there is none with the room's present settings.

    `instead` is the platform that somebody in charge wants for this meeting, which the rules let the room open on. The
    present `revision` and the room's `live` meetings are given by who has just read them.
    Raises OpeningInProgress, TooManyMeetings, Room.DoesNotExist for one that is deleted meanwhile, PlatformUnavailable,
    PlatformRejected and PlatformNotConfigured.
    """
    policy = current_policy(revision)
    with translation.override(settings.LANGUAGE_CODE):  # the reason is stored
        selection = select_instead(room, instead, policy) if instead else select_for_room(room, policy)
    if allow_duplicated:
        if _UNFINISHED.count(room_id=room.pk) >= MOST_PER_ROOM:
            raise TooManyMeetings
        live = []  # none of them is shared
    slots = [uuid.uuid4().hex] if allow_duplicated else slots_for(room, selection)
    deadline = time.monotonic() + settings.MEETING_OPEN_WAIT
    pause = FIRST_POLL_SECONDS
    while True:
        if meeting := _find_live(room, slots, selection, live_in(room) if live is None else live):
            return meeting
        live = None
        if (reserved := reserve(room, slots[0], selection)) and (opened := open_reserved(reserved, room, policy)):
            return opened
        if time.monotonic() + pause > deadline:
            raise OpeningInProgress
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_SECONDS)


def slots_for(room: Room, selection: Selection) -> list[str]:
    """The slot of what is opened now, then those under which a meeting may run that was to open on another platform."""
    return list(dict.fromkeys(slot_for(room, name) for name in (selection.lasting, *get_available_platforms())))


def slot_for(room: Room, platform: str) -> str:
    """The same for all openings that may share a meeting: same settings, and same platform but for what is away.

    `platform` is that of `Selection.lasting`: while it is away, all who come meet on one other, and who comes when it
    is back, and they are still there, joins them.
    """
    parts = [platform, *(str(getattr(room, name)) for name in SETTINGS_FIELDS)]
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
            telling.ended(meeting, now)
        if ended and closes and create_platform_client(meeting.platform).supports_closing:
            _ask_provider(meeting, ProviderCall.Kind.CLOSE_ROOM)
    meeting.refresh_from_db()
    return bool(ended)


def end_gone_meeting(meeting: Meeting) -> bool:
    """End a meeting whose room is gone at its provider, with everybody in it. A recording was cut off."""
    logger.warning("meeting_gone meeting=%s platform=%s", meeting.pk, meeting.platform)
    if meeting.is_recording:
        Meeting.objects.live().filter(pk=meeting.pk).update(recording_failed_at=timezone.now())
    return end_meeting(meeting, close_room=False)


def end_if_gone(meeting: Meeting) -> bool:
    """Whether a live meeting's room is not there any more; then it has been ended, so that the next opens another."""
    if not is_gone(meeting):
        return False
    end_gone_meeting(meeting)
    return True


def _find_live(room: Room, slots: Sequence[str], selection: Selection, live: list[Meeting]) -> Meeting | None:
    meeting = _find_shared(slots, selection, live) or _find_scheduled(room)
    if meeting is None:
        return None
    if meeting.is_over(timezone.now()):
        end_meeting(meeting)
        return None
    return None if end_if_gone(meeting) else meeting


def _find_shared(slots: Sequence[str], selection: Selection, live: list[Meeting]) -> Meeting | None:
    """Also one that opened here because its own platform was away, should this be what is wanted by now."""
    own, *others = slots
    fitting = [
        meeting
        for meeting in live
        if meeting.slot == own or (meeting.slot in others and meeting.platform == selection.platform)
    ]
    return min(fitting, key=lambda meeting: meeting.slot != own, default=None)


def _find_scheduled(room: Room) -> Meeting | None:
    """The meeting that the room's calendar has for now, where it has one."""
    if not room.ics_enabled:
        return None
    soon = timezone.now() + settings.CALENDAR_OPEN_AHEAD
    scheduled = Meeting.objects.live().filter(room=room, calendar_event_id__isnull=False, start_date__lte=soon)
    return scheduled.order_by("start_date").last()


def live_in(room: Room) -> list[Meeting]:
    """The room's live meetings, newest first."""
    return _LIVE.rows(room_id=room.pk)


def live_asked(room: Room) -> Asked:
    """The same, to be asked together with other statements."""
    return _LIVE.asked(room_id=room.pk)


def open_reserved(meeting: Meeting, room: Room, policy: RolloutPolicy) -> Meeting | None:
    """Have the provider make the room; or another one, where the first is unavailable and the rules let the room go.

    None when this opening took so long that it lost its place.
    """
    deadline = time.monotonic() + settings.PROVIDER_TOTAL_TIMEOUT
    while True:
        policy = without(policy, meeting.platform)
        other = _select_other(room, policy)
        seconds = deadline - time.monotonic()
        try:
            with at_most(seconds * FIRST_SHARE if other else seconds):
                return _open(meeting, room)
        except PlatformUnavailable as error:
            values = _values_of(meeting)
            following = reserve(room, meeting.slot, other, instead_of=meeting, **values) if other else None
            _note_failure(meeting, room, error)
            if other is None:
                raise
            if following is None:
                return None
            meeting = following
        except PlatformError as error:
            _note_failure(meeting, room, error)
            raise


def _open(meeting: Meeting, room: Room) -> Meeting | None:
    began = time.monotonic()
    with adapter_errors(meeting.platform):
        client = create_platform_client(meeting.platform)
        data = client.create_meeting(room.name, meeting.end_date, meeting)
    took = round((time.monotonic() - began) * 1000)
    with transaction.atomic():
        if not make_live(meeting, data, took):
            return None
        telling.started(meeting, room)
        if room.logo and client.supports_logo:
            _ask_provider(meeting, ProviderCall.Kind.SET_LOGO)
    counter.count_opening(meeting.platform, is_opened=True)
    logs.add(meeting=meeting.pk)
    logger.info("meeting_opened meeting=%s room=%s platform=%s", meeting.pk, room.pk, meeting.platform)
    return meeting


def _select_other(room: Room, policy: RolloutPolicy) -> Selection | None:
    """Where the room opens when it cannot where it was to; None where there is no such place."""
    try:
        with translation.override(settings.LANGUAGE_CODE):
            selection = select_for_room(room, policy)
    except PlatformNotConfigured:
        return None
    return None if selection.platform in policy.silent else selection


def _values_of(meeting: Meeting) -> dict[str, Any]:
    names = ("start_date", "end_date", "calendar_event_id", "calendar_metadata")
    return {name: getattr(meeting, name) for name in names}


def _note_failure(meeting: Meeting, room: Room, error: PlatformError) -> None:
    logger.warning("meeting_not_opened meeting=%s platform=%s error=%s", meeting.pk, meeting.platform, error)
    Meeting.objects.filter(pk=meeting.pk).update(state=Meeting.State.FAILED, error=str(error))
    counter.count_opening(meeting.platform, is_opened=False)
    failures.tell(meeting.platform, str(error))
    failures.forget_old(room)


def _ask_provider(meeting: Meeting, kind: ProviderCall.Kind) -> None:
    call, created = ProviderCall.objects.get_or_create(meeting=meeting, kind=kind)
    if created:
        call.enqueue_on_commit()
