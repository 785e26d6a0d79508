"""When a live meeting ends by itself, and when it goes on: decided from its row, done after one more look at who is in.

Nobody ever came: a meeting of a calendar stays until its end, any other for MEETING_UNUSED_LIMIT. All have left: the
same, but they have MEETING_GRACE to come back. Who is given the way in has as long to arrive; as anybody can ask for
it, ways in that nobody is seen to take put the end off by MEETING_UNUSED_LIMIT at most. People are in: it is extended
shortly before its end, the provider's room with it where it can be. People that the provider cannot see, because it
sees no one who is alone, are waited for until UNSEEN_LIMIT after the end; later no provider would tell that they went.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from meetings import reconcile
from meetings.models import Meeting, ProviderCall, latest
from meetings.opening import end_meeting
from platforms.abilities import Presence
from platforms.base import VideoPlatformClient
from platforms.handler import find_platform_client, why_unavailable

logger = logging.getLogger(__name__)

AHEAD = timedelta(minutes=5)  # before its end a meeting is extended, so that no provider throws people out
FRESH = timedelta(seconds=30)  # a look at who is in that is no older needs no other before a meeting is closed
UNSEEN_LIMIT = timedelta(hours=1)
NOBODY_IS_SEEN = 1_000_000  # the presence threshold of a platform that cannot be asked


@dataclass(frozen=True)
class Keep:
    pass


@dataclass(frozen=True)
class Close:
    reason: str


@dataclass(frozen=True)
class Extend:
    until: datetime


Decision = Keep | Close | Extend


def review(meeting: Meeting, now: datetime, threshold: int = 1) -> Decision:
    """What should become of a live meeting. With fewer than `threshold` people in, its platform sees nobody."""
    if meeting.num_clients == 0:
        return _review_empty(meeting, now)
    if now < meeting.end_date - AHEAD:
        return Keep()
    if meeting.num_clients >= threshold:
        return Extend(max(meeting.end_date, now) + settings.MEETING_EXTENSION)
    return _review_unseen(meeting, now)


def _review_empty(meeting: Meeting, now: datetime) -> Decision:
    was_used = meeting.first_joined_at is not None
    if meeting.calendar_event_id:
        closes_at, reason = meeting.end_date, "Its time in the calendar is over."
    elif was_used:
        closes_at, reason = meeting.start_date, "Everybody has left."
    else:
        closes_at = min(meeting.end_date, meeting.start_date + settings.MEETING_UNUSED_LIMIT)
        reason = "Nobody has come."
    if meeting.last_active_at:
        closes_at = max(closes_at, meeting.last_active_at + settings.MEETING_GRACE)
    if meeting.expected_at:
        longest = closes_at + settings.MEETING_UNUSED_LIMIT
        closes_at = max(closes_at, min(meeting.expected_at + settings.MEETING_GRACE, longest))
    return Close(reason) if now >= closes_at else Keep()


def _review_unseen(meeting: Meeting, now: datetime) -> Decision:
    heard_at = latest(meeting.end_date, meeting.last_active_at) or meeting.end_date
    return Close("Nothing was heard of it since its end.") if now >= heard_at + UNSEEN_LIMIT else Keep()


def review_all(now: datetime | None = None) -> None:
    """Close and extend the live meetings that need it. Runs that overlap do each thing once."""
    now = now or timezone.now()
    by_platform = defaultdict(list)
    for meeting in Meeting.objects.live().order_by("end_date"):
        by_platform[meeting.platform].append(meeting)
    for platform, meetings in by_platform.items():
        client = _client(platform)
        wanting = [meeting for meeting in meetings if review(meeting, now, _threshold(client)) != Keep()]
        if client and client.supports_presence:
            _refresh(platform, wanting, now)
        for meeting in wanting:
            apply(meeting, client, now)


def apply(meeting: Meeting, client: VideoPlatformClient | None, now: datetime) -> Decision:
    """Do what the meeting's row calls for as it is now, locked. While nobody can say who is in, it is kept."""
    with transaction.atomic():
        locked = Meeting.objects.select_for_update().live().filter(pk=meeting.pk).first()
        if locked is None:
            return Keep()
        if client is None or (client.supports_presence and not _is_fresh(locked, now)):
            decision = _review_unseen(locked, now)
        else:
            decision = review(locked, now, _threshold(client))
        match decision:
            case Close(reason):
                logger.info("meeting_closed meeting=%s platform=%s reason=%r", locked.pk, locked.platform, reason)
                # Where the provider does not see people who are alone, one may be connecting to its room.
                end_meeting(locked, close_room=_threshold(client) == 1)
            case Extend(until):
                _extend(locked, until, client)
    return decision


def _threshold(client: VideoPlatformClient | None) -> int:
    return client.presence_threshold if isinstance(client, Presence) else NOBODY_IS_SEEN


def _refresh(platform: str, meetings: Sequence[Meeting], now: datetime) -> None:
    stale = [meeting.pk for meeting in meetings if not _is_fresh(meeting, now)]
    for start in range(0, len(stale), reconcile.BATCH):
        chunk = Meeting.objects.live().filter(pk__in=stale[start : start + reconcile.BATCH])
        reconcile.poll_presence(platform, chunk.order_by("end_date"), now)


def _is_fresh(meeting: Meeting, now: datetime) -> bool:
    return meeting.presence_checked_at is not None and meeting.presence_checked_at > now - FRESH


def _extend(meeting: Meeting, until: datetime, client: VideoPlatformClient | None) -> None:
    meeting.end_date = until
    meeting.save(update_fields=["end_date"])
    logger.info("meeting_extended meeting=%s platform=%s until=%s", meeting.pk, meeting.platform, until.isoformat())
    if client and client.supports_extension:
        ProviderCall.ask_again(meeting, ProviderCall.Kind.EXTEND_ROOM)


def _client(platform: str) -> VideoPlatformClient | None:
    """None for a platform that is not configured any more: nothing can be asked about its meetings."""
    client = find_platform_client(platform)
    if client is None:
        logger.warning("platform_unavailable platform=%s error=%s", platform, why_unavailable(platform))
    return client
