"""What a room's own receiver is told of its meetings. Most rooms have none, and then nothing is looked up for it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef

from meetings.models import Meeting, ParticipantSession
from rooms.models import Room
from rooms.webhooks.events import emit

# To be annotated where people are merged: whether somebody is to be told of each of them.
TELLS_OF_PEOPLE = Exists(Room.objects.filter(pk=OuterRef("room_id"), webhook_participants=True, webhook_url__gt=""))


def started(meeting: Meeting, room: Room) -> None:
    emit(room, "meeting.started", lambda: {"meeting": shown(meeting)})


def ended(meeting: Meeting, at: datetime) -> None:
    emit(meeting.room, "meeting.ended", lambda: {"meeting": shown(meeting) | {"ended_at": at}})


def person(meeting: Meeting, session: ParticipantSession, was_known: bool, was_in: bool) -> None:
    """Tell who came and who went, by how somebody's row was before."""
    if session.is_bot or not _tells_of_people(meeting):
        return
    if not was_known or (session.is_open and not was_in):
        emit(meeting.room, "participant.joined", lambda: _presence(meeting, session))
    if not session.is_open and (was_in or not was_known):
        emit(meeting.room, "participant.left", lambda: _presence(meeting, session))


def recording_failed(meeting: Meeting, reason: str) -> None:
    """At the provider: of this one nothing will come here."""
    recording = {"id": None, "meeting_id": meeting.pk, "platform": meeting.platform, "state": "failed", "error": reason}
    emit(meeting.room, "recording.failed", lambda: {"recording": recording})


def _tells_of_people(meeting: Meeting) -> bool:
    known = getattr(meeting, "tells_of_people", None)
    return bool(meeting.room and meeting.room.webhook_participants) if known is None else bool(known)


def shown(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.pk,
        "platform": meeting.platform,
        "url": f"{settings.PUBLIC_URL}/{meeting.room_label}/{meeting.pk}",
        "start_date": meeting.start_date,
        "end_date": meeting.end_date,
        "ended_at": meeting.ended_at,
        "recording_type": meeting.recording_type,
        "calendar_event_id": meeting.calendar_event_id,
        "title": (meeting.calendar_metadata or {}).get("title"),
    }


def _presence(meeting: Meeting, session: ParticipantSession) -> dict[str, Any]:
    person = {
        "id": session.session_id,
        "name": session.user_name or None,
        "user_id": session.user_id or None,
        "joined_at": session.joined_at,
        "left_at": session.left_at,
    }
    return {"participant": person, "meeting": shown(meeting)}
