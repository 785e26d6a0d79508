"""A room's calendar: what it holds, how it is doing, and fetching it now."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.base import ApiView
from rooms.api.errors import BadRequest
from rooms.api.input import read_query
from rooms.api.schema import INVALID, NO_ROOM, answers
from rooms.api.views import room_named
from rooms.calendar import sync
from rooms.models import CalendarEvent, CalendarSync, Room

NOT_CONFIGURED = ErrorDetail("ICS not configured for this room", "ics_not_configured")
ONLY_OWNER_SYNCS = ErrorDetail("Only room owner can trigger ICS sync", "not_room_owner")
ONLY_OWNER_LOOKS = ErrorDetail("Only room owner can view ICS status", "not_room_owner")
LONGEST_AHEAD = 60 * 24 * 60  # minutes: as far as events are kept
PRIVATE = {"description": None, "attendees": None}


class AttendeeSerializer(serializers.Serializer[Any]):
    email = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    role = serializers.CharField()


@extend_schema_serializer(component_name="CalendarEventResponse")
class CalendarEventSerializer(serializers.ModelSerializer[CalendarEvent]):
    """Descriptions and attendees are for those who may change the room."""

    room_id = serializers.CharField()
    attendees = AttendeeSerializer(many=True, allow_null=True)
    last_synced = serializers.DateTimeField(source="room.ics_last_sync", allow_null=True)

    class Meta:
        model = CalendarEvent
        fields = [
            "id",
            "room_id",
            "ics_uid",
            "title",
            "description",
            "start_time",
            "end_time",
            "attendees",
            "location",
            "last_synced",
            "created_at",
            "updated_at",
        ]
        extra_kwargs = {"description": {"allow_null": True}}
        read_only_fields = fields


class UpcomingQuery(serializers.Serializer[Any]):
    minutes_ahead = serializers.IntegerField(min_value=0, max_value=LONGEST_AHEAD, default=120)


@extend_schema_serializer(component_name="ICSStatus")
class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["enabled", "disabled"])
    last_sync = serializers.DateTimeField(allow_null=True)
    next_sync = serializers.DateTimeField(allow_null=True)
    last_etag = serializers.CharField(allow_null=True, help_text="Changes with the calendar's content.")
    events_count = serializers.IntegerField()
    error = serializers.CharField(allow_null=True, help_text="Why the last fetch brought nothing.")


@extend_schema_serializer(component_name="ICSSyncResult")
class SyncResultSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success", "unchanged", "error", "skipped"])
    hash = serializers.CharField(allow_null=True)
    events_found = serializers.IntegerField()
    total_events = serializers.IntegerField()
    events_created = serializers.IntegerField()
    events_updated = serializers.IntegerField()
    events_deleted = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True, help_text="Why it was skipped.")


class RoomCalendar(ApiView):
    @extend_schema(
        operation_id="v1_rooms_list_meetings",
        summary="The events of a room's calendar",
        responses=answers(CalendarEventSerializer(many=True), e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = room_named(room_name)
        return Response(shown(request, room, room.calendar_events.listed()))


class UpcomingEvents(ApiView):
    @extend_schema(
        operation_id="v1_rooms_list_upcoming_meetings",
        summary="Events of a room's calendar that run now or begin soon, by start",
        parameters=[UpcomingQuery],
        responses=answers(CalendarEventSerializer(many=True), e404=NO_ROOM, e422=INVALID),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = room_named(room_name)
        within = timedelta(minutes=read_query(request, UpcomingQuery)["minutes_ahead"])
        return Response(shown(request, room, room.calendar_events.upcoming(timezone.now(), within)))


class CalendarStatus(ApiView):
    @extend_schema(
        operation_id="v1_rooms_ics_status",
        summary="How a room's calendar is doing",
        responses=answers(StatusSerializer, e403=ONLY_OWNER_LOOKS, e404=NO_ROOM),
    )
    def get(self, request: Request, room_name: str) -> Response:
        room = room_named(room_name)
        if not room.is_editable_by(request.user):
            raise PermissionDenied(ONLY_OWNER_LOOKS)
        job = CalendarSync.objects.filter(room=room).first()
        enabled = room.ics_enabled and bool(room.ics_url)
        status = {
            "status": "enabled" if enabled else "disabled",
            "last_sync": room.ics_last_sync,
            "next_sync": job.next_sync_at if enabled and job else None,
            "last_etag": room.ics_last_etag,
            "events_count": room.calendar_events.listed().count(),
            "error": (job.error or None) if enabled and job else None,
        }
        return Response(StatusSerializer(status).data)


class SyncCalendar(ApiView):
    @extend_schema(
        operation_id="v1_rooms_sync_ics",
        summary="Fetch a room's calendar now",
        request=None,
        responses=answers(SyncResultSerializer, e400=NOT_CONFIGURED, e403=ONLY_OWNER_SYNCS, e404=NO_ROOM),
    )
    def post(self, request: Request, room_name: str) -> Response:
        room = room_named(room_name)
        if not room.is_editable_by(request.user):
            raise PermissionDenied(ONLY_OWNER_SYNCS)
        if not (room.ics_enabled and room.ics_url):
            raise BadRequest(NOT_CONFIGURED)
        return Response(sync.sync_now(room))


def shown(request: Request, room: Room, events: QuerySet[CalendarEvent]) -> list[dict[str, Any]]:
    values = CalendarEventSerializer(events.select_related("room"), many=True).data
    return list(values) if room.is_editable_by(request.user) else [value | PRIVATE for value in values]
