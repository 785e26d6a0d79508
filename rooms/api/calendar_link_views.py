"""A room's own calendar for programs that subscribe to it, and the secret link that leads to it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.base import ApiView
from rooms.api.schema import NO_ROOM, SIGN_IN, StatusSerializer, answers
from rooms.api.views import room_named
from rooms.calendar import export
from rooms.models import Room

NOT_AUTHORIZED = "Not authorized"


@require_safe
def calendar_file(request: HttpRequest, room_name: str) -> HttpResponse:
    """Whoever has the link may read it. A plain view: what programs send as Accept is no matter.

    A link that was taken back, a wrong one and that of a room which does not exist are answered alike.
    """
    room = Room.objects.find(room_name)
    if room is None or not export.opens(room, request.GET.get("key", "")):
        return JsonResponse({"detail": NO_ROOM, "code": NO_ROOM.code}, status=404)
    etag = quote_etag(export.version_of(room))
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(export.as_calendar(room), content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = f'inline; filename="{room.name}.ics"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@extend_schema_serializer(component_name="CalendarLink")
class CalendarLinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(allow_null=True, help_text="Whoever has it can read when the room's meetings are.")


class CalendarLink(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_get_calendar_link",
        summary="The secret link to a room's own calendar; null where there is none",
        responses=answers(CalendarLinkSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        return Response({"url": export.link_of(own_room(request, room_name))})

    @extend_schema(
        operation_id="v1_rooms_make_calendar_link",
        summary="Make another link; the one before it ends",
        request=None,
        responses=answers(CalendarLinkSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM),
    )
    def post(self, request: Request, room_name: str) -> Response:
        return Response({"url": export.make_link(own_room(request, room_name))})

    @extend_schema(
        operation_id="v1_rooms_revoke_calendar_link",
        summary="Take the link back",
        responses=answers(StatusSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM),
    )
    def delete(self, request: Request, room_name: str) -> Response:
        export.revoke_link(own_room(request, room_name))
        return Response({"status": "ok"})


def own_room(request: Request, room_name: str) -> Room:
    """Raises NotFound and PermissionDenied."""
    room = room_named(room_name)
    if not room.is_editable_by(request.user):
        raise PermissionDenied(NOT_AUTHORIZED)
    return room
