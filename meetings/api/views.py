"""Opening, finding, joining and ending meetings. A meeting's own platform counts here, never its room's."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from meetings.api.serializers import (
    CreateRoomMeetingSerializer,
    DeactivatedSerializer,
    JoinQuery,
    MeetingSerializer,
    show_meeting,
)
from meetings.models import Meeting
from meetings.opening import OpeningInProgress, end_meeting, open_meeting
from meetings.transitions import expect_somebody
from platforms import create_platform_client
from platforms.exceptions import PlatformRejected
from platforms.types import JoinRequest
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import read_body, read_query
from rooms.api.schema import INVALID, NO_MEETING, NO_ROOM, SIGN_IN, answers
from rooms.api.views import as_uuid, find_room
from rooms.models import Room

logger = logging.getLogger(__name__)

REFUSED = "The video platform refused."


class OpenMeeting(ApiView):
    @extend_schema(
        operation_id="meetings_open",
        summary="The room's live meeting, or a new one",
        request=CreateRoomMeetingSerializer,
        responses=answers(
            MeetingSerializer,
            e404=NO_ROOM,
            e422=INVALID,
            e502=REFUSED,
            e503="The platform does not answer or is not configured, or another request is opening this room.",
        ),
    )
    def post(self, request: Request, room_name: str) -> Response:
        room = find_room(Room.objects.all(), name=room_name)
        wanted = read_body(request, CreateRoomMeetingSerializer).validated_data
        try:
            meeting = open_meeting(room, allow_duplicated=bool(wanted["allow_duplicated"]))
        except OpeningInProgress as error:
            raise TryAgain("Meeting creation in progress, please try again", error.retry_after) from error
        except Room.DoesNotExist as error:
            raise NotFound(NO_ROOM) from error
        return Response(shown(request, room, meeting))


class ActiveMeetings(ApiView):
    @extend_schema(
        operation_id="meetings_active",
        summary="The room's live meetings, newest first",
        responses=answers(MeetingSerializer(many=True), e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = find_room(Room.objects.all(), name=room_name)
        meetings = Meeting.objects.under_way(timezone.now()).filter(room=room)
        return Response([shown(request, room, meeting) for meeting in meetings])


class MeetingDetail(ApiView):
    @extend_schema(
        operation_id="meetings_get",
        summary="A meeting of this room",
        responses=answers(MeetingSerializer, e404=NO_MEETING),
    )
    def get(self, request: Request, room_name: str, meeting_id: str) -> Response:
        room = find_room(Room.objects.all(), name=room_name)
        return Response(shown(request, room, find_meeting(meeting_id, room=room)))


class JoinMeeting(ApiView):
    @extend_schema(
        operation_id="meetings_join",
        summary="The meeting with an address that lets this person in",
        parameters=[JoinQuery],
        request=None,
        responses=answers(
            MeetingSerializer,
            e400="Meeting is not active, or meeting has ended",
            e404=NO_MEETING,
            e422=INVALID,
            e502=REFUSED,
        ),
    )
    def post(self, request: Request, room_name: str, meeting_id: str) -> Response:
        room = find_room(Room.objects.all(), name=room_name)
        meeting = find_meeting(meeting_id, room=room)
        name = read_query(request, JoinQuery).get("display_name")
        return Response(shown(request, room, meeting) | {"room_url": join_url(request, room, meeting, name)})


class DeactivateMeeting(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="meetings_deactivate",
        summary="End a meeting for everybody",
        request=None,
        responses=answers(
            DeactivatedSerializer,
            e401=SIGN_IN,
            e403="Only the room owner can deactivate meetings",
            e404=NO_MEETING,
        ),
    )
    def patch(self, request: Request, meeting_id: str) -> Response:
        meeting = find_meeting(meeting_id)
        if meeting.room is None:
            raise NotFound("Room not found")
        if not meeting.room.is_managed_by(request.user):
            raise PermissionDenied("Only the room owner can deactivate meetings")
        end_meeting(meeting)
        return Response({"status": "success", "meeting_id": str(meeting.pk)})


def find_meeting(meeting_id: str, **by: Any) -> Meeting:
    pk = as_uuid(meeting_id, "Meeting not found")
    meeting = Meeting.objects.select_related("room").filter(pk=pk, **by).first()
    if meeting is None:
        raise NotFound("Meeting not found")
    return meeting


def shown(request: Request, room: Room, meeting: Meeting) -> dict[str, Any]:
    return show_meeting(meeting, manages=room.is_managed_by(request.user))


def join_url(request: Request, room: Room, meeting: Meeting, display_name: str | None) -> str:
    """Raises BadRequest for a meeting that nobody can join any more, also when only the platform knows that."""
    require_joinable(meeting)
    wanted = JoinRequest(
        room_name=meeting.room_name,
        room_url=meeting.room_url,
        host_room_url=meeting.host_room_url,
        settings=meeting,
        # With people inside, a meeting goes on past its end.
        expires_at=max(meeting.end_date, timezone.now() + settings.MEETING_EXTENSION),
        is_owner=room.is_managed_by(request.user),
        user_id=None if request.user.is_anonymous else str(request.user.pk),
        user_name=display_name or own_name(request.user),
    )
    try:
        link = create_platform_client(meeting.platform).join_link(wanted)
    except PlatformRejected as error:
        if error.status != 404:
            raise
        logger.warning("meeting_gone meeting=%s platform=%s", meeting.pk, meeting.platform)
        end_meeting(meeting)
        raise BadRequest("Meeting has ended") from error
    expect_somebody(meeting)
    return link.url


def own_name(user: User | AnonymousUser) -> str | None:
    return None if isinstance(user, AnonymousUser) else user.get_full_name() or user.get_username()


def require_joinable(meeting: Meeting) -> None:
    if meeting.state == Meeting.State.ENDED or (meeting.is_active and meeting.is_over(timezone.now())):
        raise BadRequest("Meeting has ended")
    if not meeting.is_active:
        raise BadRequest("Meeting is not active")
