"""What platforms report, applied to meetings: by webhooks event by event, and by looking who is in.

Events come twice, late and in any order, so every value is a merge: the earliest or the latest of its kind, or
counted anew from the sessions; never one more or one less. The same events give the same state in any order.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from meetings import reported, telling
from meetings.matching import asked_for, leads_nowhere
from meetings.models import Meeting, ParticipantSession, earliest, latest, people_in
from meetings.telling import TELLS_OF_PEOPLE
from platforms import events, logs
from platforms.statements import Update, example
from platforms.types import Participant
from platforms.work.models import UnknownMeeting

# What asking for presence misses: people who are still connecting, and what the provider's answer lags behind.
SETTLING = timedelta(seconds=60)
CLOCK_SKEW = timedelta(minutes=5)  # a provider's clock may be ahead by this; what is later is not believed
MOST_PEOPLE = 100_000
# The fields of a meeting that are written here.
REPORTED = (
    *("num_clients", "counted_at", "presence_checked_at", "first_joined_at", "last_active_at"),
    *("call_ended_at", "recording_started_at", "recording_ended_at", "recording_failed_at"),
)

_EXPECT = Update(
    lambda pk, now: (
        Meeting.objects.live().filter(Q(expected_at=None) | Q(expected_at__lt=now), pk=pk),
        {"expected_at": now},
    ),
    pk=example(Meeting, "id", uuid.UUID(int=1)),
    now=example(Meeting, "expected_at", datetime(2000, 1, 1, tzinfo=UTC)),
)


def apply_event(event: events.Event) -> bool:
    """Merge one event into the meeting it belongs to; call inside a transaction. Whether it was of use here.

    Raises UnknownMeeting, except for a recording that is ready: that is kept whether or not its meeting is known. And
    for what can never tell its meeting: what matters of it, the recording says when it is ready.
    """
    change = CHANGES.get(type(event))
    if change is None:
        return False
    try:
        meeting = reported.rows().find_meeting(event)
    except UnknownMeeting:
        if isinstance(event, events.RecordingReady) or leads_nowhere(event):
            return False
        raise
    logs.add(meeting=meeting.pk)
    with _saving(meeting):
        change(meeting, event)
    return True


@contextmanager
def together(told: Sequence[events.Event]) -> Iterator[list[bool]]:
    """Write once what `apply_event` merges of many events meanwhile; yields which of them can be given to it.

    Those of recordings look up more, and are merged one by one.
    """
    with reported.together([event for event in told if isinstance(event, OF_MEETING_AND_PEOPLE)]) as rows:
        yield [type(event) not in CHANGES or rows.has_meeting(event) for event in told]


def observe(meeting: Meeting, participants: Sequence[Participant], at: datetime, threshold: int = 1) -> bool:
    """Merge who was in the provider's room at `at`. Whether that changed anything; an older answer does not.

    With fewer than `threshold` people in, the provider sees nobody; so seeing nobody sends nobody out.
    """
    with transaction.atomic():
        found = Meeting.objects.select_for_update().live().filter(pk=meeting.pk)
        locked = found.annotate(tells_of_people=TELLS_OF_PEOPLE).first()
        if locked is None or (locked.presence_checked_at and locked.presence_checked_at >= at):
            return False
        with _saving(locked):
            return _observe(locked, participants, at, threshold)


def touch_activity(meeting: Meeting) -> None:
    """Somebody was given the way in and is not seen yet: an empty meeting waits for them as for one who comes back."""
    _EXPECT.run(pk=meeting.pk, now=timezone.now())


def end_sessions(meeting: Meeting, at: datetime) -> None:
    """Nobody is in a meeting that has ended, until the provider says when each of them went."""
    for session in meeting.sessions.filter(left_at=None):
        session.mark_absent(at)
        session.save()
        telling.person(meeting, session, was_known=True, was_in=True)


# Events


def _joined(meeting: Meeting, event: events.ParticipantJoined) -> None:
    joined_at = _plausible(event.joined_at)
    session = _session(meeting, event)
    with _telling(meeting, session):
        session.record_join(joined_at)
        _keep(meeting, session)
    if not session.is_bot:
        meeting.first_joined_at = earliest(meeting.first_joined_at, joined_at)
        meeting.last_active_at = latest(meeting.last_active_at, joined_at)
    _count(meeting, event)


def _left(meeting: Meeting, event: events.ParticipantLeft) -> None:
    left_at = _plausible(event.left_at)
    session = _session(meeting, event)
    with _telling(meeting, session):
        if event.joined_at:
            session.record_join(min(event.joined_at, left_at))
        session.record_leave(left_at)
        _keep(meeting, session)
    if not session.is_bot:
        meeting.first_joined_at = earliest(meeting.first_joined_at, event.joined_at, left_at)
        meeting.last_active_at = latest(meeting.last_active_at, left_at)
    _count(meeting, event)


def _session(meeting: Meeting, event: events.ParticipantJoined | events.ParticipantLeft) -> ParticipantSession:
    session = reported.rows().find_session(meeting, event.session_id)
    if session is None:
        session = ParticipantSession(session_id=event.session_id)
    session.meeting = meeting
    session.set_name(event.user_id, event.user_name, event.occurred_at)
    session.is_bot = session.is_bot or event.is_bot
    return session


def _keep(meeting: Meeting, session: ParticipantSession) -> None:
    if meeting.ended_at:
        session.mark_absent(meeting.ended_at)
    reported.rows().save_session(session)


@contextmanager
def _telling(meeting: Meeting, session: ParticipantSession) -> Iterator[None]:
    was_known = bool(session.joined_at or session.left_at)
    was_in = was_known and session.is_open
    yield
    telling.person(meeting, session, was_known, was_in)


def _count(meeting: Meeting, event: events.ParticipantJoined | events.ParticipantLeft) -> None:
    """The provider's own number where it gives one, the latest; else, or once people were looked for, open sessions."""
    if meeting.state == Meeting.State.ENDED:
        return
    looked_at, at = meeting.presence_checked_at, _plausible(event.occurred_at)
    if event.present is not None and not (looked_at and at < looked_at):
        present = max(0, min(event.present, MOST_PEOPLE))
        # Of two numbers of one moment the larger counts: nobody is overlooked.
        if meeting.counted_at is None or (at, present) > (meeting.counted_at, meeting.num_clients):
            meeting.counted_at, meeting.num_clients = at, present
    elif meeting.is_counted_by_sessions:
        reported.rows().count_sessions(meeting)


def _call_started(meeting: Meeting, event: events.MeetingStarted) -> None:
    started_at = _plausible(event.occurred_at)
    meeting.first_joined_at = earliest(meeting.first_joined_at, started_at)
    meeting.last_active_at = latest(meeting.last_active_at, started_at)


def _call_ended(meeting: Meeting, event: events.MeetingEnded) -> None:
    """Providers end a call also when one person stays alone in it, so nobody is taken to have left.

    Presence is asked for soon after: see `reconcile.is_due`.
    """
    ended_at = _plausible(event.occurred_at)
    meeting.call_ended_at = latest(meeting.call_ended_at, ended_at)
    meeting.last_active_at = latest(meeting.last_active_at, ended_at)


def _recording_started(meeting: Meeting, event: events.RecordingStarted) -> None:
    meeting.recording_started_at = latest(meeting.recording_started_at, event.started_at or event.occurred_at)
    if asked := asked_for(event):
        meeting.recording_starts.filter(pk=asked.pk).update(recording_id=event.recording_id)


def _recording_ready(meeting: Meeting, event: events.RecordingReady) -> None:
    """It is ready some time after it ended, when the next one may be running already."""
    ended_at = event.occurred_at
    if event.started_at and event.duration and 0 < event.duration < timedelta(days=30).total_seconds():
        ended_at = min(ended_at, event.started_at + timedelta(seconds=event.duration))
    meeting.recording_ended_at = latest(meeting.recording_ended_at, ended_at)


def _recording_failed(meeting: Meeting, event: events.RecordingFailed) -> None:
    before = meeting.recording_failed_at
    meeting.recording_failed_at = latest(before, event.occurred_at)
    if meeting.recording_failed_at != before:
        telling.recording_failed(meeting, event.error)
    if asked := asked_for(event):
        meeting.recording_starts.filter(pk=asked.pk).update(error=event.error)


CHANGES: dict[type[events.Event], Callable[[Meeting, Any], None]] = {
    events.ParticipantJoined: _joined,
    events.ParticipantLeft: _left,
    events.MeetingStarted: _call_started,
    events.MeetingEnded: _call_ended,
    events.RecordingStarted: _recording_started,
    events.RecordingReady: _recording_ready,
    events.RecordingFailed: _recording_failed,
}
OF_MEETING_AND_PEOPLE = (
    events.ParticipantJoined,
    events.ParticipantLeft,
    events.MeetingStarted,
    events.MeetingEnded,
)


# Presence


def _observe(meeting: Meeting, participants: Sequence[Participant], at: datetime, threshold: int) -> bool:
    sessions = {session.session_id: session for session in meeting.sessions.all()}
    before = {session_id: session.state() for session_id, session in sessions.items()}
    were_in = {session_id for session_id, session in sessions.items() if session.is_open}
    moments = []
    for person in participants:
        session = sessions.setdefault(
            person.session_id, ParticipantSession(meeting=meeting, session_id=person.session_id)
        )
        moments += _merge_participant(session, person, at)
    inside = {person.session_id for person in participants if person.left_at is None}
    is_complete = bool(inside) or threshold <= 1
    for session in _gone(sessions.values(), inside, at) if is_complete else ():
        session.mark_absent(at)
        moments += [] if session.is_bot else [at]
    changed = [session for session in sessions.values() if session.state() != before.get(session.session_id)]
    for session in changed:
        session.save()
        telling.person(meeting, session, session.session_id in before, session.session_id in were_in)
    counted, people = meeting.num_clients, people_in(sessions.values())
    # Too few are in for the provider to see anyone: which of them, nobody can tell.
    meeting.num_clients = people if is_complete else min(people, threshold - 1)
    meeting.first_joined_at = earliest(meeting.first_joined_at, *moments)
    meeting.last_active_at = latest(meeting.last_active_at, *moments)
    meeting.presence_checked_at = at
    return bool(changed) or counted != meeting.num_clients


def _merge_participant(session: ParticipantSession, person: Participant, at: datetime) -> list[datetime]:
    """The moments at which the person came and went."""
    session.set_name(person.user_id, person.user_name, at)
    joined_at = _plausible(person.joined_at)
    session.record_join(joined_at)
    if person.left_at is None:
        session.mark_present(at)
        return [joined_at]
    left_at = _plausible(person.left_at)
    session.record_leave(left_at)
    return [joined_at, left_at]


def _gone(sessions: Iterable[ParticipantSession], inside: set[str], at: datetime) -> list[ParticipantSession]:
    """Open sessions that are not inside, and have been there for long enough to be seen."""
    absent = (session for session in sessions if session.is_open and session.session_id not in inside)
    return [session for session in absent if (session.last_joined_at or at) < at - SETTLING]


# Both


@contextmanager
def _saving(meeting: Meeting) -> Iterator[None]:
    """Save what changed of a meeting meanwhile; most repeated events change nothing."""
    before = {name: getattr(meeting, name) for name in REPORTED}
    yield
    if changed := [name for name in REPORTED if getattr(meeting, name) != before[name]]:
        reported.rows().save_meeting(meeting, changed)


def _plausible(moment: datetime) -> datetime:
    return min(moment, timezone.now() + CLOCK_SKEW)
