"""A room's webhook: how it is doing, a test of it, what was sent, and sending again."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.base import ApiView
from rooms.api.errors import Conflict
from rooms.api.input import read_body
from rooms.api.pagination import PageQuery, PageSerializer, page_of
from rooms.api.schema import INVALID, NO_ROOM, SIGN_IN, answers
from rooms.api.views import as_uuid, find_room
from rooms.models import Room, Webhook, WebhookDelivery
from rooms.webhooks import again, rotation, trial

NOT_THE_OWNER = ErrorDetail("Not authorized to test this room's webhook", "not_room_owner")
NOT_AUTHORIZED = "Not authorized"
NO_DELIVERY = ErrorDetail("Delivery not found", "delivery_not_found")
IS_OFF = ErrorDetail("The room's webhook is switched off. A test that succeeds switches it on.", "webhook_off")


@extend_schema_serializer(component_name="WebhookTestResult")
class TestResultSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
    error = serializers.CharField()
    status_code = serializers.IntegerField(allow_null=True)
    response_preview = serializers.CharField(allow_null=True, help_text="At most 500 characters of the answer.")


@extend_schema_serializer(component_name="WebhookStatus")
class WebhookStatusSerializer(serializers.Serializer[Any]):
    is_on = serializers.BooleanField()
    off_since = serializers.DateTimeField(allow_null=True)
    off_reason = serializers.CharField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Nothing was delivered since then.")


@extend_schema_serializer(component_name="WebhookAttempt")
class AttemptSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField()
    error = serializers.CharField()
    answer = serializers.CharField(help_text="At most 500 characters.")


@extend_schema_serializer(component_name="WebhookDelivery")
class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.UUIDField(source="event_id", help_text="The event_id, the same for every attempt.")
    error = serializers.CharField(source="last_error")
    next_attempt_at = serializers.SerializerMethodField()
    log = AttemptSerializer(many=True)

    class Meta:
        model = WebhookDelivery
        fields = ["id", "event", "state", "attempts", "created_at", "next_attempt_at", "finished_at", "error", "log"]
        read_only_fields = fields

    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        if delivery.state != WebhookDelivery.State.WAITING:
            return None
        return delivery.due_at(self.context["webhook"]).isoformat()


class DeliveryPageSerializer(PageSerializer):
    items = DeliverySerializer(many=True)


@extend_schema_serializer(component_name="WebhookSecret")
class NewSecretSerializer(serializers.Serializer[Any]):
    webhook_secret = serializers.CharField()
    previous_valid_until = serializers.DateTimeField()


class SinceSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="Of what failed, only events of then and later.")


class CountSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    count = serializers.IntegerField()


def find_own_room(request: Request, room_id: str, refusal: str = NOT_AUTHORIZED) -> Room:
    """Raises NotFound and PermissionDenied."""
    room = find_room(Room.objects.all(), pk=as_uuid(room_id, NO_ROOM))
    if not room.is_editable_by(request.user):
        raise PermissionDenied(refusal)
    return room


def require_on(room: Room) -> None:
    if not room.has_webhook or Webhook.objects.filter(room=room, off_since__isnull=False).exists():
        raise Conflict(IS_OFF if room.has_webhook else trial.NO_ADDRESS)


class TestWebhook(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_test_webhook",
        summary="Send a test event to a room's webhook now; 200 also when that fails",
        request=None,
        responses=answers(TestResultSerializer, e401=SIGN_IN, e403=NOT_THE_OWNER, e404=NO_ROOM),
    )
    def post(self, request: Request, room_id: str) -> Response:
        return Response(trial.send_test(find_own_room(request, room_id, NOT_THE_OWNER)))


class RotateSecret(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_rotate_webhook_secret",
        summary="Give a room's webhook a new secret; for a day events are signed with the old one as well",
        request=None,
        responses=answers(NewSecretSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM, e409=trial.NO_ADDRESS),
    )
    def post(self, request: Request, room_id: str) -> Response:
        room = find_own_room(request, room_id)
        if not room.has_webhook:
            raise Conflict(trial.NO_ADDRESS)
        until = rotation.rotate(room)
        shown = {"webhook_secret": room.webhook_secret, "previous_valid_until": until}
        return Response(NewSecretSerializer(shown).data)


class WebhookStatus(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_webhook_status",
        summary="How a room's webhook is doing",
        responses=answers(WebhookStatusSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM),
    )
    def get(self, request: Request, room_id: str) -> Response:
        room = find_own_room(request, room_id)
        webhook = Webhook.objects.filter(room=room).first() or Webhook()
        status = {
            "is_on": room.has_webhook and webhook.off_since is None,
            "off_since": webhook.off_since,
            "off_reason": webhook.off_reason or None,
            "failing_since": webhook.failing_since,
        }
        return Response(WebhookStatusSerializer(status).data)


class DeliveryList(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_list_webhook_deliveries",
        summary="What was sent to a room's webhook, newest first, with each attempt",
        parameters=[PageQuery],
        responses=answers(DeliveryPageSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM, e422=INVALID),
    )
    def get(self, request: Request, room_id: str) -> Response:
        room = find_own_room(request, room_id)
        page = page_of(WebhookDelivery.objects.filter(room=room).defer("body"), request)
        context = {"webhook": Webhook.objects.filter(room=room).first()}
        return Response(page | {"items": DeliverySerializer(page["items"], many=True, context=context).data})


class SendAgain(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_send_webhook_again",
        summary="Send one event again, under the same id",
        request=None,
        responses=answers(CountSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_DELIVERY, e409=IS_OFF),
    )
    def post(self, request: Request, room_id: str, delivery_id: str) -> Response:
        room = find_own_room(request, room_id)
        event_id = as_uuid(delivery_id, NO_DELIVERY)
        if not WebhookDelivery.objects.filter(room=room, event_id=event_id).exists():
            raise NotFound(NO_DELIVERY)
        require_on(room)
        return Response({"status": "ok", "count": again.send_again(room, event_id=event_id)})


class SendFailedAgain(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rooms_send_failed_webhooks_again",
        summary="Send all events again that failed since some time",
        request=SinceSerializer,
        responses=answers(CountSerializer, e401=SIGN_IN, e403=NOT_AUTHORIZED, e404=NO_ROOM, e409=IS_OFF, e422=INVALID),
    )
    def post(self, request: Request, room_id: str) -> Response:
        room = find_own_room(request, room_id)
        since = read_body(request, SinceSerializer).validated_data["since"]
        require_on(room)
        return Response({"status": "ok", "count": again.send_failed_again(room, since)})
