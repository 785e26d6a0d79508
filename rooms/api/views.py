"""Rooms. A view finds the room, asks whether this person may, and leaves the rest to the model and the serializers."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.base import ApiView, SignedInUnlessPublic
from rooms.api.errors import BadRequest
from rooms.api.input import read_body
from rooms.api.pagination import PageQuery, page_of
from rooms.api.schema import INVALID, NO_ROOM, SIGN_IN, StatusSerializer, answers
from rooms.api.serializers import (
    CreateRoomSerializer,
    RoomDetailsSerializer,
    RoomPageSerializer,
    RoomSerializer,
    UpdateRoomSerializer,
    room_context,
)
from rooms.models import Room


def find_room(rooms: QuerySet[Room], **by: Any) -> Room:
    """Raises NotFound, also for text that no room can have as id or name."""
    if any("\x00" in str(value) for value in by.values()):
        raise NotFound("Room not found")
    room = rooms.filter(**by).first()
    if room is None:
        raise NotFound("Room not found")
    return room


def as_uuid(text: str, missing: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(missing) from None


class RoomList(ApiView):
    permission_classes = [SignedInUnlessPublic]

    @extend_schema(
        operation_id="rooms_list",
        summary="Own and shared rooms, newest first",
        parameters=[PageQuery],
        responses=answers(RoomPageSerializer, e401=SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        page = page_of(Room.objects.listed_for(request.user), request)
        items = RoomDetailsSerializer(page["items"], many=True, context=room_context(request)).data
        return Response(page | {"items": items})

    @extend_schema(
        operation_id="rooms_create",
        summary="Create a room",
        request=CreateRoomSerializer,
        responses=answers(RoomSerializer, e400="Room name is not unique", e401=SIGN_IN, e422=INVALID),
    )
    def post(self, request: Request) -> Response:
        room = save_room(read_body(request, CreateRoomSerializer), owner=request.user)
        return Response(RoomSerializer(room, context=room_context(request)).data)


class RoomDetail(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="rooms_get",
        summary="A room by its id",
        responses=answers(RoomDetailsSerializer, e403="Room access denied", e404=NO_ROOM),
    )
    def get(self, request: Request, room_id: str) -> Response:
        room = find_room(Room.objects.all(), pk=as_uuid(room_id, NO_ROOM))
        if not room.is_shared and not room.is_managed_by(request.user):
            raise PermissionDenied("Room access denied")
        return Response(RoomDetailsSerializer(room, context=room_context(request)).data)

    @extend_schema(
        operation_id="rooms_update",
        summary="Change the fields that are sent",
        request=UpdateRoomSerializer,
        responses=answers(
            RoomDetailsSerializer,
            e400="Room name is not unique",
            e401=SIGN_IN,
            e403="Not authorized",
            e404=NO_ROOM,
            e422=INVALID,
        ),
    )
    def patch(self, request: Request, room_id: str) -> Response:
        pk = as_uuid(room_id, NO_ROOM)
        _ = request.data  # read now: a client that sends slowly must not hold the lock meanwhile
        with transaction.atomic():
            # Locked, so that changes made at once by another person are not undone.
            room = find_room(Room.objects.select_for_update(), pk=pk)
            require_allowed(request, room, "rooms.change_room")
            save_room(read_body(request, UpdateRoomSerializer, instance=room, partial=True))
        return Response(RoomDetailsSerializer(room, context=room_context(request)).data)

    @extend_schema(
        operation_id="rooms_delete",
        summary="Delete a room and end its meetings",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403="Not authorized", e404=NO_ROOM),
    )
    def delete(self, request: Request, room_id: str) -> Response:
        room = find_room(Room.objects.all(), pk=as_uuid(room_id, NO_ROOM))
        require_allowed(request, room, "rooms.delete_room")
        room.delete()
        return Response({"status": "ok"})


class RoomByName(ApiView):
    @extend_schema(
        operation_id="rooms_get_by_name",
        summary="A room by its name",
        responses=answers(RoomDetailsSerializer, e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = find_room(Room.objects.all(), name=room_name)
        return Response(RoomDetailsSerializer(room, context=room_context(request)).data)


def require_allowed(request: Request, room: Room, permission: str) -> None:
    """The owner may; of the staff, those who were given the permission."""
    user = request.user
    if user.pk != room.owner_id and not (user.is_staff and user.has_perm(permission)):
        raise PermissionDenied("Not authorized")


def save_room(serializer: CreateRoomSerializer, **values: Any) -> Room:
    """Raises BadRequest for a name that is taken; only the database knows, as another request may just take it."""
    try:
        with transaction.atomic():
            room: Room = serializer.save(**values)
    except IntegrityError:
        name = serializer.validated_data.get("name")
        if name and Room.objects.filter(name=name).exists():
            raise BadRequest("Room name is not unique") from None
        raise
    return room
