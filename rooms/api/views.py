"""Rooms. A view finds the room, asks whether this person may, and leaves the rest to the model and the serializers."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import revision
from platforms.statements import Asked, Statement, ask, example
from rooms.api.base import ApiView, IsAuthenticatedOrPublicModeReadOnly
from rooms.api.errors import BadRequest
from rooms.api.input import read_body
from rooms.api.pagination import PageQuery, page_of
from rooms.api.schema import INVALID, NO_ROOM, SIGN_IN, StatusSerializer, answers
from rooms.api.serializers import (
    ClientsRoomSerializer,
    CreateRoomSerializer,
    RoomDetailsSerializer,
    RoomPageSerializer,
    RoomSerializer,
    UpdateRoomSerializer,
    room_context,
)
from rooms.history import changed_by
from rooms.listed import listed_for, read_listed
from rooms.models import Room

ACCESS_DENIED = ErrorDetail("Room access denied", "room_access_denied")
NAME_TAKEN = ErrorDetail("Room name is not unique", "room_name_taken")
_NAMED = Statement(lambda name: Room.objects.order_by().named(name), name=example(Room, "name", "an example"))


def find_room(rooms: QuerySet[Room], **by: Any) -> Room:
    """Raises NotFound, also for text that no room can have as id or name."""
    if any("\x00" in str(value) for value in by.values()):
        raise NotFound(NO_ROOM)
    room = rooms.filter(**by).first()
    if room is None:
        raise NotFound(NO_ROOM)
    return room


def room_named(name: str) -> Room:
    """The room of this name in any case, or the one that had it before it was renamed. Raises NotFound."""
    return _room_named(name)[0]


def room_and_revision(name: str) -> tuple[Room, str]:
    """The same, and the present revision of what staff decided."""
    room, [token] = _room_named(name, revision.asked())
    return room, revision.token_of(token)


def _room_named(name: str, *also: Asked) -> tuple[Room, list[list[Any]]]:
    if "\x00" in name:
        raise NotFound(NO_ROOM)
    found, *answers = ask(_NAMED.asked(name=name.lower()), *also)
    room = found[0] if found else Room.objects.find(name)
    if room is None:
        raise NotFound(NO_ROOM)
    return room, answers


def as_uuid(text: str, missing: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(missing) from None


class RoomList(ApiView):
    permission_classes = [IsAuthenticatedOrPublicModeReadOnly]

    @extend_schema(
        operation_id="v1_rooms_list",
        summary="Own and shared rooms, newest first",
        parameters=[PageQuery],
        responses=answers(RoomPageSerializer, e401=SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        page = page_of(listed_for(request.user), request)
        context = room_context(request, read_listed(page["items"], request.user))
        return Response(page | {"items": RoomDetailsSerializer(context=context).shown(page["items"])})

    @extend_schema(
        operation_id="v1_rooms_create",
        summary="Create a room",
        request=CreateRoomSerializer,
        responses=answers(RoomSerializer, e400=NAME_TAKEN, e401=SIGN_IN, e422=INVALID),
    )
    def post(self, request: Request) -> Response:
        room = save_room(read_body(request, ClientsRoomSerializer), owner=request.user)
        return Response(RoomSerializer(room, context=room_context(request)).data)


class RoomDetail(ApiView):
    permission_classes = [IsAuthenticatedOrReadOnly]

    @extend_schema(
        operation_id="v1_rooms_get",
        summary="A room by its id",
        responses=answers(RoomDetailsSerializer, e403=ACCESS_DENIED, e404=NO_ROOM),
    )
    def get(self, request: Request, room_id: str) -> Response:
        room = find_room(Room.objects.all(), pk=as_uuid(room_id, NO_ROOM))
        if not room.is_shared and not room.is_visible_to(request.user):
            raise PermissionDenied(ACCESS_DENIED)
        return Response(RoomDetailsSerializer(room, context=room_context(request)).data)

    @extend_schema(
        operation_id="v1_rooms_update",
        summary="Change the fields that are sent",
        request=UpdateRoomSerializer(partial=True),
        responses=answers(
            RoomDetailsSerializer,
            e400=NAME_TAKEN,
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
            require_allowed(room.is_editable_by(request.user))
            with changed_by(request.user):
                save_room(read_body(request, UpdateRoomSerializer, instance=room, partial=True))
        return Response(RoomDetailsSerializer(room, context=room_context(request)).data)

    @extend_schema(
        operation_id="v1_rooms_delete",
        summary="Delete a room and end its meetings",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403="Not authorized", e404=NO_ROOM),
    )
    def delete(self, request: Request, room_id: str) -> Response:
        room = find_room(Room.objects.all(), pk=as_uuid(room_id, NO_ROOM))
        require_allowed(room.is_deletable_by(request.user))
        room.delete()
        return Response({"status": "ok"})


class RoomByName(ApiView):
    @extend_schema(
        operation_id="v1_rooms_get_by_name",
        summary="A room by its name",
        responses=answers(RoomDetailsSerializer, e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room, token = room_and_revision(room_name)
        return Response(RoomDetailsSerializer(context=room_context(request, token)).to_representation(room))


def require_allowed(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied("Not authorized")


def save_room(serializer: CreateRoomSerializer, **values: Any) -> Room:
    """Raises BadRequest for a name that is taken; only the database knows, as another request may just take it."""
    try:
        with transaction.atomic():
            room: Room = serializer.save(**values)
    except IntegrityError:
        name = serializer.validated_data.get("name")
        if name and Room.objects.named(name).exists():
            raise BadRequest(NAME_TAKEN) from None
        raise
    return room
