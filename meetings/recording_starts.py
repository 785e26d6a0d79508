"""Recordings that begin by themselves: once in a call, and not again after somebody has stopped them."""

import uuid
from typing import Any

from django.db.models import Q

from meetings.models import Meeting, RecordingStart
from platforms.handler import get_platform_client_class
from rooms.models import Room


def first_start(meeting: Meeting) -> RecordingStart | None:
    """What a provider took of what was asked for in the call that goes on; nothing that failed."""
    starts = meeting.recording_starts.exclude(accepted_at=None).filter(error="")
    if meeting.call_ended_at:
        starts = starts.filter(accepted_at__gt=meeting.call_ended_at)
    return starts.order_by("accepted_at").first()


def has_begun(meeting: Meeting) -> bool:
    """Whether a recording began in the call that goes on, whoever began it and whether or not it was stopped since."""
    return _is_reported(meeting) or first_start(meeting) is not None


def begins_by_itself(meeting: Meeting) -> bool:
    """Whether its platform makes a recording that is kept, without anybody's press of a button."""
    if meeting.recording_type != Room.RecordingType.CLOUD or not meeting.recording_trigger.startswith("automatic"):
        return False
    # One that cannot tell a second person from a first begins with the first.
    triggers = get_platform_client_class(meeting.platform).recording_triggers
    return any(trigger.startswith("automatic") for trigger in triggers)


def begins_by(meeting: Meeting, user: Any, answer_id: uuid.UUID | None = None) -> bool:
    """Whether this person's coming may begin what is to begin by itself: not after they refused.

    Only where people come by a token is that told to the provider.
    """
    if not begins_by_itself(meeting) or not get_platform_client_class(meeting.platform).supports_join_tokens:
        return False
    return not has_begun(meeting) and not meeting.consents.filter(answer_of(user, answer_id), given=False).exists()


def answer_of(user: Any, answer_id: uuid.UUID | None) -> Q:
    """What finds somebody's answer about consent. Who is not signed in names it: nobody else was told its id."""
    return Q(user=user) if user.is_authenticated else Q(user=None, pk=answer_id)


def _is_reported(meeting: Meeting) -> bool:
    started_at, failed_at, call_ended_at = (
        meeting.recording_started_at,
        meeting.recording_failed_at,
        meeting.call_ended_at,
    )
    if started_at is None or (failed_at and failed_at >= started_at):
        return False
    return call_ended_at is None or started_at > call_ended_at
