"""Asking the platforms who is in, so that the state becomes right also when every webhook is lost.

Webhooks are the fast path: while they arrive, each meeting is looked at now and then; when a platform has gone silent,
often. What a look finds is merged as events are (see `transitions`), so runs that overlap do no harm.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Prefetch, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from meetings import transitions
from meetings.models import Meeting, MeetingQuerySet, ParticipantSession, room_key_of
from platforms.abilities import Presence
from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformError
from platforms.handler import create_platform_client
from platforms.models import WebhookEvent
from platforms.types import Participant

logger = logging.getLogger(__name__)

ALL_AT_ONCE = 3  # meetings from which on one call for all of a platform's rooms is made, where there is one
CHECKS_PER_MINUTE = 120  # meetings of a platform, where its options do not say presence_checks_per_minute
RUN_SECONDS = 20.0  # a run stops asking then; the next one goes on
LAG = timedelta(seconds=30)  # by how much a provider's answer may be behind what its webhooks told
BATCH = 500  # rows per statement


@dataclass(frozen=True)
class Answer:
    """Who was in a meeting's room at a moment, as its platform says."""

    meeting: Meeting
    participants: Sequence[Participant]
    at: datetime


@dataclass
class Summary:
    """What came of asking one platform."""

    platform: str
    meetings: int
    asked: int = 0
    corrected: int = 0
    error: str = ""

    def __str__(self) -> str:
        problem = f" error={self.error!r}" if self.error else ""
        counts = f"meetings={self.meetings} asked={self.asked} corrected={self.corrected}"
        return f"platform={self.platform} {counts}{problem}"


def reconcile(now: datetime | None = None, platform: str = "") -> list[Summary]:
    """Look at the live meetings whose turn it is. A platform that cannot be asked does not keep the others back."""
    now = now or timezone.now()
    live = Meeting.objects.live().filter(**({"platform": platform} if platform else {}))
    platforms = live.order_by("platform").values_list("platform", flat=True).distinct()
    return [poll_presence(name, due(live.filter(platform=name), interval(name, now), now), now) for name in platforms]


def interval(platform: str, now: datetime) -> timedelta:
    """How often this platform's meetings are looked at: often when no webhook has come from it for a while."""
    usual: timedelta = settings.PRESENCE_INTERVAL
    silent: timedelta = settings.PRESENCE_INTERVAL_SILENT
    recent = WebhookEvent.objects.filter(platform=platform, received_at__gt=now - usual)
    return usual if recent.exists() else silent


def due(meetings: MeetingQuerySet, every: timedelta, now: datetime) -> MeetingQuerySet:
    """Those not looked at for as long as `every`, and those in which a call ended with somebody still in."""
    call_ended = Q(num_clients__gt=0, call_ended_at__gt=F("looked_at") - LAG)
    return least_recently_checked(meetings).filter(Q(looked_at__lte=now - every) | call_ended)


def least_recently_checked(meetings: MeetingQuerySet) -> MeetingQuerySet:
    """One that was never looked at needed no look before it opened."""
    return meetings.annotate(looked_at=Coalesce("presence_checked_at", "start_date")).order_by("looked_at", "pk")


def poll_presence(platform: str, meetings: MeetingQuerySet, now: datetime, dry_run: bool = False) -> Summary:
    """Ask one platform about its meetings and merge the answers; what could be asked counts, whatever fails later."""
    people = ParticipantSession.objects.filter(left_at=None, is_bot=False)
    found = list(meetings.prefetch_related(Prefetch("sessions", people, to_attr="people")))
    summary = Summary(platform, len(found))
    as_known: list[Answer] = []
    try:
        client = create_platform_client(platform)
        if isinstance(client, Presence):
            for answer in ask(client, found, now):
                summary.asked += 1
                if is_as_known(answer, client.presence_threshold):
                    as_known.append(answer)
                else:
                    summary.corrected += _merge(answer, client.presence_threshold, dry_run)
    except PlatformError as error:
        logger.warning("presence_unknown platform=%s error=%s", platform, error)
        summary.error = str(error)
    if not dry_run:
        _note_looks(as_known, now)
    return summary


def ask(client: Presence, meetings: Sequence[Meeting], now: datetime) -> Iterator[Answer]:
    """All rooms in one call where there are several and the platform has such a call; else as many as may be asked.

    Raises PlatformError, perhaps after some answers.
    """
    if len(meetings) >= ALL_AT_ONCE and (rooms := client.get_all_presence()) is not None:
        people = {room_key_of(name): participants for name, participants in rooms.items()}
        yield from (Answer(meeting, people.get(room_key_of(meeting.room_name), ()), now) for meeting in meetings)
        return
    deadline = time.monotonic() + RUN_SECONDS
    for meeting in meetings[: budget(client, now)]:
        if time.monotonic() > deadline:
            return
        yield Answer(meeting, client.get_presence(meeting.room_name), now)


def budget(client: VideoPlatformClient, now: datetime) -> int:
    """How many more meetings of this platform may be asked about within the minute."""
    given = client.config.presence_checks_per_minute
    per_minute = CHECKS_PER_MINUTE if given is None else given
    last_minute = Meeting.objects.filter(platform=client.name, presence_checked_at__gt=now - timedelta(minutes=1))
    return max(0, per_minute - last_minute.count())


def is_as_known(answer: Answer, threshold: int) -> bool:
    """Whether the answer says what the database says already, which spares most looks a transaction."""
    people: list[ParticipantSession] = answer.meeting.people  # type: ignore[attr-defined]
    if len(people) != answer.meeting.num_clients or any(person.left_at for person in answer.participants):
        return False
    if not answer.participants:
        return len(people) < threshold
    return {person.session_id for person in people} == {person.session_id for person in answer.participants}


def _merge(answer: Answer, threshold: int, dry_run: bool) -> bool:
    with transaction.atomic():
        corrected = transitions.observe(answer.meeting, answer.participants, answer.at, threshold)
        transaction.set_rollback(dry_run)
    return corrected


def _note_looks(answers: Iterable[Answer], now: datetime) -> None:
    pks = [answer.meeting.pk for answer in answers]
    older = Q(presence_checked_at=None) | Q(presence_checked_at__lt=now)
    for start in range(0, len(pks), BATCH):
        Meeting.objects.live().filter(older, pk__in=pks[start : start + BATCH]).update(presence_checked_at=now)
