"""Opening, finding, joining and ending meetings. A meeting's own platform counts here, never its room's."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from meetings import keepsakes
from meetings.api.serializers import (
    CreateRoomMeetingSerializer,
    DeactivatedSerializer,
    JoinedMeetingSerializer,
    JoinQuery,
    MeetingSerializer,
    show_meeting,
)
from meetings.hosting import may_host
from meetings.joining import MeetingGone, let_in
from meetings.models import Meeting
from meetings.opening import (
    MOST_PER_ROOM,
    OpeningInProgress,
    TooManyMeetings,
    end_meeting,
    live_asked,
    open_meeting,
)
from meetings.recording_starts import begins_by
from platforms.statements import Statement, example
from platforms.types import JoinLink, JoinRequest
from platforms.visible import visible
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_query, read_values
from rooms.api.schema import INVALID, MEETING_NOT_FOUND, NO_MEETING, NO_ROOM, SIGN_IN, answers
from rooms.api.views import as_uuid, room_and_revision, room_named
from rooms.listed import read_co_owners
from rooms.models import Room

REFUSED = "The video platform refused."
OPENING = ErrorDetail("Meeting creation in progress, please try again", "meeting_opening")
ENDED = ErrorDetail("Meeting has ended", "meeting_ended")
NOT_ACTIVE = ErrorDetail("Meeting is not active", "meeting_not_active")
NOT_OWNER = ErrorDetail("Only the room owner can deactivate meetings", "not_room_owner")
TOO_MANY = ErrorDetail(f"This room has {MOST_PER_ROOM} live meetings: end some of them first.", "too_many_meetings")

_MEETING = Statement(
    lambda pk: Meeting.objects.order_by().select_related("room").filter(pk=pk),
    pk=example(Meeting, "id", uuid.UUID(int=1)),
)
_MEETING_OF_ROOM = Statement(
    lambda pk, room_id: Meeting.objects.order_by().filter(pk=pk, room_id=room_id),
    pk=example(Meeting, "id", uuid.UUID(int=1)),
    room_id=example(Room, "id", uuid.UUID(int=2)),
)


class OpenMeeting(ApiView):
    limit = "openings"

    @extend_schema(
        operation_id="v1_rooms_create_meeting",
        summary="The room's live meeting, or a new one",
        request=CreateRoomMeetingSerializer,
        responses=answers(
            MeetingSerializer,
            e404=NO_ROOM,
            e422=INVALID,
            e429=TOO_MANY,
            e502=REFUSED,
            e503="The platform does not answer or is not configured, or another request is opening this room.",
        ),
    )
    def post(self, request: Request, room_name: str) -> Response:
        room, revision = room_and_revision(room_name)
        wanted = read_values(request, CreateRoomMeetingSerializer)
        shared = [] if wanted["allow_duplicated"] else [live_asked(room)]
        live = next(iter(read_co_owners([room], request.user, *shared)), None)
        duplicates = bool(wanted["allow_duplicated"]) and may_host(request.user, room)
        try:
            meeting = open_meeting(room, duplicates, revision=revision, live=live)
        except TooManyMeetings as error:
            raise TryAgain(TOO_MANY, error.retry_after, status.HTTP_429_TOO_MANY_REQUESTS) from error
        except OpeningInProgress as error:
            raise TryAgain(OPENING, error.retry_after) from error
        except Room.DoesNotExist as error:
            raise NotFound(NO_ROOM) from error
        return Response(shown(request, room, meeting))


class ActiveMeetings(ApiView):
    @extend_schema(
        operation_id="v1_rooms_list_active_meetings",
        summary="The room's live meetings, newest first",
        responses=answers(MeetingSerializer(many=True), e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = room_named(room_name)
        now = timezone.now()
        [live] = read_co_owners([room], request.user, live_asked(room))
        under_way = [meeting for meeting in live if not meeting.is_over(now)]
        return Response([shown(request, room, meeting) for meeting in under_way[:MOST_PER_ROOM]])


class MeetingDetail(ApiView):
    @extend_schema(
        operation_id="v1_rooms_get_meeting",
        summary="A meeting of this room",
        responses=answers(MeetingSerializer, e404=NO_MEETING),
    )
    def get(self, request: Request, room_name: str, meeting_id: str) -> Response:
        room, meeting = room_and_meeting(request, room_name, meeting_id)
        return Response(shown(request, room, meeting))


class JoinMeeting(ApiView):
    limit = "joins"

    @extend_schema(
        operation_id="v1_rooms_join_meeting",
        summary="The meeting with an address that lets this person in",
        parameters=[JoinQuery],
        request=None,
        responses=answers(
            JoinedMeetingSerializer,
            e400="Meeting is not active, or meeting has ended",
            e404=NO_MEETING,
            e422=INVALID,
            e502=REFUSED,
        ),
    )
    def post(self, request: Request, room_name: str, meeting_id: str) -> Response:
        room, meeting = room_and_meeting(request, room_name, meeting_id)
        asked = read_query(request, JoinQuery)
        link = join_link(request, room, meeting, asked)
        values = {"room_url": link.url, "join_parameters": dict(link.parameters)}
        response = Response(shown(request, room, meeting) | values)
        keepsakes.give(response, meeting, keepsakes.JOINED)
        return response


class DeactivateMeeting(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_meeting_deactivate",
        summary="End a meeting for everybody",
        request=None,
        responses=answers(
            DeactivatedSerializer,
            e401=SIGN_IN,
            e403=NOT_OWNER,
            e404=NO_MEETING,
        ),
    )
    def patch(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        if meeting.room is None:
            raise NotFound(NO_ROOM)
        if not may_host(request.user, meeting.room):
            raise PermissionDenied(NOT_OWNER)
        end_meeting(meeting)
        return Response({"status": "success", "meeting_id": str(meeting.pk)})


def find_meeting(meeting_id: str) -> Meeting:
    meeting = _MEETING.first(pk=as_uuid(meeting_id, MEETING_NOT_FOUND))
    if meeting is None:
        raise NotFound(MEETING_NOT_FOUND)
    return meeting


def room_and_meeting(request: Request, room_name: str, meeting_id: str) -> tuple[Room, Meeting]:
    """With the room's co-owners, as far as they matter to who asks."""
    room = room_named(room_name)
    asked = _MEETING_OF_ROOM.asked(pk=as_uuid(meeting_id, MEETING_NOT_FOUND), room_id=room.pk)
    [found] = read_co_owners([room], request.user, asked)
    if not found:
        raise NotFound(MEETING_NOT_FOUND)
    [meeting] = found
    meeting.room = room
    return room, meeting


def shown(request: Request, room: Room, meeting: Meeting) -> dict[str, Any]:
    return show_meeting(meeting, manages=may_host(request.user, room))


def join_link(request: Request, room: Room, meeting: Meeting, asked: dict[str, Any]) -> JoinLink:
    """Raises BadRequest for a meeting that nobody can join any more, also when only the platform knows that."""
    require_joinable(meeting)
    wanted = JoinRequest(
        room_name=meeting.room_name,
        room_url=meeting.room_url,
        host_room_url=meeting.host_room_url,
        settings=meeting,
        # With people inside, a meeting goes on past its end.
        expires_at=max(meeting.end_date, timezone.now() + settings.MEETING_EXTENSION),
        is_owner=may_host(request.user, room),
        user_id=None if request.user.is_anonymous else str(request.user.pk),
        user_name=asked.get("display_name") or own_name(request.user),
        starts_recording=begins_by(meeting, request.user, asked.get("consent_id")),
    )
    try:
        return let_in(meeting, wanted)
    except MeetingGone as error:
        raise BadRequest(ENDED) from error


def own_name(user: User | AnonymousUser) -> str | None:
    return None if isinstance(user, AnonymousUser) else visible(user.get_full_name()) or user.get_username()


def require_joinable(meeting: Meeting) -> None:
    if meeting.state == Meeting.State.ENDED or (meeting.is_active and meeting.is_over(timezone.now())):
        raise BadRequest(ENDED)
    if not meeting.is_active:
        raise BadRequest(NOT_ACTIVE)
