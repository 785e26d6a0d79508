"""Which meeting a platform's event is about. An event names the provider's ids, a recording that was asked for,
or who began it.
"""

import uuid
from collections.abc import Collection, Sequence

from django.db.models import Q

from meetings.models import Meeting, MeetingQuerySet, ParticipantSession, RecordingStart, room_key_of
from meetings.telling import TELLS_OF_PEOPLE
from platforms import events
from platforms.statements import Statement, StatementOfKeys, example
from platforms.work.models import UnknownMeeting


def _locked(is_waited_for: bool = True) -> MeetingQuerySet:
    # A lock that lets rows refer to the meeting meanwhile: what reports a recording of it need not wait, nor deadlock.
    locked = Meeting.objects.select_for_update(no_key=True, skip_locked=not is_waited_for)
    return locked.annotate(tells_of_people=TELLS_OF_PEOPLE).known_to_provider()


def _known(platform: str) -> MeetingQuerySet:
    return _locked().filter(platform=platform)


_BY_ID = Statement(
    lambda platform, meeting_id: _known(platform).filter(provider_meeting_id=meeting_id).order_by(),
    platform=example(Meeting, "platform", "a platform"),
    meeting_id=example(Meeting, "provider_meeting_id", "an id"),
)
_BY_ROOM = Statement(
    lambda platform, room_name: _known(platform).in_provider_room(room_name)[:1],
    platform=example(Meeting, "platform", "a platform"),
    room_name=example(Meeting, "room_name", "a room"),
)


def find_meeting(event: events.Event) -> Meeting:
    """The meeting of the provider's own ids, locked; never by our room, which may have several.

    Raises UnknownMeeting.
    """
    meeting = _BY_ID.first(platform=event.platform, meeting_id=event.meeting_id) if event.meeting_id else None
    if meeting is None and event.room_name:
        meeting = _BY_ROOM.first(platform=event.platform, room_name=event.room_name)
    if meeting is None and (asked := asked_for(event)):
        meeting = _known(event.platform).filter(pk=asked.meeting_id).first()
    if meeting is None and isinstance(event, events.RecordingStarted) and event.started_by:
        meeting = _of_session(event.platform, event.started_by)
    if meeting is None:
        message = f"No meeting has the room {event.room_name!r} or the id {event.meeting_id!r}."
        # Without a name nothing brings it back when the meeting becomes known: hours are waited for what names it.
        raise UnknownMeeting(message) if event.room_name or event.meeting_id else UnknownMeeting(message, attempts=12)
    return meeting


def _of_session(platform: str, session_id: str) -> Meeting | None:
    """The meeting in which somebody is under this id, of those that go on."""
    sessions = ParticipantSession.objects.filter(session_id=session_id, meeting__in=Meeting.objects.live())
    return _known(platform).live().filter(pk__in=sessions.values("meeting")).first()


def leads_nowhere(event: events.Event) -> bool:
    """Whether nothing that it says of a recording can ever tell its meeting, whatever becomes known."""
    match event:
        case events.RecordingStarted():
            names = (event.instance_id, event.started_by)
        case events.RecordingFailed():
            names = (event.instance_id, event.recording_id)
        case _:
            return False
    return not any((event.room_name, event.meeting_id, *names))


_ONE = StatementOfKeys(lambda keys: _locked().filter(pk__in=keys).order_by())
_FREE = StatementOfKeys(lambda keys: _locked(is_waited_for=False).filter(pk__in=keys).order_by())


def find_meetings(told: Sequence[events.Event]) -> list[uuid.UUID | None]:
    """The meeting of each event, as `find_meeting` would find it by the provider's ids; not locked."""
    wanted = Q(pk=None)
    for platform in {event.platform for event in told}:
        ids = {event.meeting_id for event in told if event.platform == platform and event.meeting_id}
        keys = {room_key_of(event.room_name) for event in told if event.platform == platform and event.room_name}
        wanted |= Q(platform=platform) & (Q(provider_meeting_id__in=ids) | Q(room_key__in=keys))
    rows = Meeting.objects.known_to_provider().filter(wanted).order_by("start_date", "pk")
    by_id, by_room = {}, {}
    for pk, platform, meeting_id, key in rows.values_list("pk", "platform", "provider_meeting_id", "room_key"):
        by_id[platform, meeting_id] = by_room[platform, key] = pk  # the newest of a room, which comes last
    return [
        (by_id.get((event.platform, event.meeting_id)) if event.meeting_id else None)
        or (by_room.get((event.platform, room_key_of(event.room_name))) if event.room_name else None)
        for event in told
    ]


def locked_meetings(keys: Collection[uuid.UUID]) -> dict[uuid.UUID, Meeting]:
    """Those of some meetings that nobody else holds, locked; one that is asked for alone is waited for."""
    statement = _ONE if len(keys) == 1 else _FREE
    return {meeting.pk: meeting for meeting in statement.rows(list(keys))}


def asked_for(event: events.Event) -> RecordingStart | None:
    """What was asked for here, of which this event tells."""
    names = Q()
    if isinstance(event, events.RecordingStarted | events.RecordingFailed) and event.instance_id:
        names |= Q(instance_id=event.instance_id.lower())
    if isinstance(event, events.RecordingReady | events.RecordingFailed) and event.recording_id:
        names |= Q(recording_id=event.recording_id)
    starts = RecordingStart.objects.filter(names, meeting__platform=event.platform)
    return starts.order_by("-asked_at").first() if names else None
