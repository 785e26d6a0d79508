"""The rows that events change: looked up and written for each event, or for many events together.

Together, each is looked up once and locked, changed in memory by one event after the other, and written in the end.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models import Count

from meetings.matching import find_meeting, find_meetings, locked_meetings
from meetings.models import Meeting, ParticipantSession
from platforms import events
from platforms.statements import Statement, example
from platforms.updates import update_each

_SESSION = Statement(
    lambda meeting_id, session_id: ParticipantSession.objects.order_by().filter(
        meeting=meeting_id, session_id=session_id
    ),
    meeting_id=example(Meeting, "id", uuid.UUID(int=1)),
    session_id=example(ParticipantSession, "session_id", "a session"),
)
_PEOPLE_IN = Statement(
    lambda meeting_id: ParticipantSession.objects.filter(meeting=meeting_id, left_at=None, is_bot=False),
    meeting_id=example(Meeting, "id", uuid.UUID(int=1)),
)


class Singly:
    """For one event, or for what is not told by events."""

    def find_meeting(self, event: events.Event) -> Meeting:
        return find_meeting(event)

    def find_session(self, meeting: Meeting, session_id: str) -> ParticipantSession | None:
        return _SESSION.first(meeting_id=meeting.pk, session_id=session_id)

    def save_session(self, session: ParticipantSession) -> None:
        session.save()

    def count_sessions(self, meeting: Meeting) -> None:
        """Have the meeting's people be as many as are in by their sessions."""
        meeting.num_clients = _PEOPLE_IN.count(meeting_id=meeting.pk)

    def save_meeting(self, meeting: Meeting, changed: Sequence[str]) -> None:
        update_each([meeting], changed)


class Together(Singly):
    """For many events, whose meetings are locked. One that somebody else holds is left out, unless it is the only one:
    so nobody is waited for while meetings are held that others may be waiting for.
    """

    def __init__(self, told: Sequence[events.Event]) -> None:
        self._found = {id(event): pk for event, pk in zip(told, find_meetings(told), strict=True) if pk}
        self._meetings = locked_meetings(set(self._found.values()))
        self._sessions = self._known_sessions(told)
        self._changed_sessions: dict[tuple[uuid.UUID, str], ParticipantSession] = {}
        self._changed_fields: dict[uuid.UUID, set[str]] = defaultdict(set)
        self._to_count: set[uuid.UUID] = set()

    def has_meeting(self, event: events.Event) -> bool:
        return self._found.get(id(event)) in self._meetings

    def find_meeting(self, event: events.Event) -> Meeting:
        return self._meetings[self._found[id(event)]]

    def find_session(self, meeting: Meeting, session_id: str) -> ParticipantSession | None:
        return self._sessions.get((meeting.pk, session_id))

    def save_session(self, session: ParticipantSession) -> None:
        key = (session.meeting_id, session.session_id)
        self._sessions[key] = self._changed_sessions[key] = session

    def count_sessions(self, meeting: Meeting) -> None:
        self._to_count.add(meeting.pk)

    def save_meeting(self, meeting: Meeting, changed: Sequence[str]) -> None:
        self._changed_fields[meeting.pk].update(changed)

    def write(self) -> None:
        sessions = self._changed_sessions.values()
        update_each([session for session in sessions if not session._state.adding], ParticipantSession.MERGED)
        ParticipantSession.objects.bulk_create([session for session in sessions if session._state.adding])
        self._count()
        if names := set().union(*self._changed_fields.values()):
            update_each([self._meetings[pk] for pk in self._changed_fields], sorted(names))

    def _known_sessions(self, told: Sequence[events.Event]) -> dict[tuple[uuid.UUID, str], ParticipantSession]:
        people = (events.ParticipantJoined, events.ParticipantLeft)
        names = {event.session_id for event in told if isinstance(event, people)}
        if not (names and self._meetings):
            return {}
        rows = ParticipantSession.objects.filter(meeting__in=self._meetings, session_id__in=names).order_by()
        return {(session.meeting_id, session.session_id): session for session in rows}

    def _count(self) -> None:
        meetings = [self._meetings[pk] for pk in self._to_count if self._meetings[pk].is_counted_by_sessions]
        if not meetings:
            return
        rows = ParticipantSession.objects.filter(meeting__in=meetings, left_at=None, is_bot=False)
        people = dict(rows.order_by().values_list("meeting").annotate(Count("pk")))
        for meeting in meetings:
            if (count := people.get(meeting.pk, 0)) != meeting.num_clients:
                meeting.num_clients = count
                self.save_meeting(meeting, ["num_clients"])


_current: ContextVar[Singly] = ContextVar("reported", default=Singly())  # noqa: B039  (it has no state)


def rows() -> Singly:
    """Those of what is being told."""
    return _current.get()


@contextmanager
def together(told: Sequence[events.Event]) -> Iterator[Together]:
    """Write what the events change when all are told; call inside a transaction."""
    gathered = Together(told)
    token = _current.set(gathered)
    try:
        yield gathered
    finally:
        _current.reset(token)
    gathered.write()
