"""The rollout, for staff: what holds, and deciding on it."""

import uuid
from collections import Counter
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.base import ApiView
from rooms.api.errors import Conflict, Invalid
from rooms.api.input import PlatformAlias, StrictCharField, read_body
from rooms.api.schema import INVALID, SIGN_IN, answers
from rooms.models import Rollout, Room
from rooms.permissions import may_see_rollout, staff_may_change
from rooms.rollout.decide import Outdated, decide
from rooms.rollout.describe import describe
from rooms.rollout.guards import Outcome

MOST_LISTED = 10_000
LONGEST_NOTE = 1000


class StageSerializer(serializers.Serializer[Any]):
    percentage = serializers.IntegerField(help_text="1 to 100, more than in the stage before.")
    minimum_hours = serializers.FloatField(default=0, help_text="The shortest time before the next stage.")
    minimum_meetings = serializers.IntegerField(default=0, help_text="On the target, before the next stage.")


@extend_schema_field(StageSerializer(many=True))
class StagesField(serializers.JSONField):
    """As `rooms.rollout.check` takes them, which says what is wrong with which stage."""


@extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
class GuardsField(serializers.JSONField):
    pass


class OnceEach(serializers.ListField):
    default_error_messages = {"twice": "{value} is there twice. Name each once."}

    def to_internal_value(self, data: Any) -> list[Any]:
        values: list[Any] = super().to_internal_value(data)
        twice, times = Counter(values).most_common(1)[0] if values else ("", 0)
        if times > 1:
            self.fail("twice", value=twice)
        return values


class RoomKeys(OnceEach):
    child = serializers.UUIDField()
    default_error_messages = {"unknown": "There is no room {value}."}

    def to_internal_value(self, data: Any) -> list[uuid.UUID]:
        keys = super().to_internal_value(data)
        known = set(Room.objects.filter(pk__in=keys).values_list("pk", flat=True))
        if unknown := next((key for key in keys if key not in known), None):
            self.fail("unknown", value=unknown)
        return keys


class GroupNames(OnceEach):
    child = StrictCharField()
    default_error_messages = {"unknown": "There is no group {value!r}."}

    def to_internal_value(self, data: Any) -> list[int]:
        names = super().to_internal_value(data)
        known = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
        if unknown := next((name for name in names if name not in known), None):
            self.fail("unknown", value=unknown)
        return list(known.values())


class SharedFields(serializers.Serializer[Any]):
    switched_on = serializers.BooleanField(help_text="While it is off, nothing opens on the target platform.")
    default_platform = PlatformAlias()
    target_platform = PlatformAlias()
    percentage = serializers.IntegerField(
        min_value=0, max_value=100, help_text="Of the other automatic rooms. With a plan its stage says it."
    )
    failover_allowed = serializers.BooleanField()
    failover_order = OnceEach(child=PlatformAlias(), help_text="What opens instead, the first one that may be used.")
    stages = StagesField(help_text="The plan; empty for none.")
    guards = GuardsField(help_text="What stops the plan: by the name of a guard, what is not as its default.")
    on_breach = serializers.ChoiceField(choices=Rollout.OnBreach.choices)


class GuardSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    outcome = serializers.ChoiceField(choices=[(each.value, each.value) for each in Outcome])
    sentence = serializers.CharField(help_text="The numbers, and what they mean.")


class PlanSerializer(serializers.Serializer[Any]):
    stage = serializers.IntegerField(help_text="From 1 on.")
    of = serializers.IntegerField()
    percentage = serializers.IntegerField()
    began_at = serializers.DateTimeField()
    at = serializers.DateTimeField(help_text="When it was looked at; that happens every half minute.")
    meetings = serializers.IntegerField(help_text="On the target platform since the stage began.")
    sentence = serializers.CharField(help_text="Where the plan is, and what it waits for or why it is paused.")
    paused_because = serializers.CharField(help_text="Empty while it is not paused.")
    guards = GuardSerializer(many=True)


class RolloutSerializer(SharedFields):
    listed_rooms = serializers.ListField(child=serializers.UUIDField())
    held_back_rooms = serializers.ListField(child=serializers.UUIDField())
    groups = serializers.ListField(child=serializers.CharField())
    stage = serializers.IntegerField(help_text="Index of the stage that the plan is at.")
    stage_began_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_because = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True, help_text="null while the variables hold.")
    decided_by = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(help_text="Of the rollout; sent along, a change that comes too late is refused.")
    environment_differs = serializers.ListField(
        child=serializers.CharField(), help_text="A sentence for each variable that was changed since."
    )
    plan = PlanSerializer(allow_null=True, help_text="How the plan stands; null where there is none.")


class ChangeRolloutSerializer(SharedFields):
    """Only the fields that are sent change; what holds already is no change."""

    listed_rooms = RoomKeys(max_length=MOST_LISTED, help_text="Automatic rooms that go to the target, by their ids.")
    held_back_rooms = RoomKeys(max_length=MOST_LISTED, help_text="Automatic rooms that stay on the default platform.")
    groups = GroupNames(help_text="Names of groups whose people's automatic rooms go first.")
    note = StrictCharField(max_length=LONGEST_NOTE, allow_blank=True, help_text="Why, for the history.")
    version = serializers.IntegerField(min_value=0, help_text="That which the change is made of.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, partial=True, **kwargs)

    def edits(self) -> dict[str, Any]:
        sets = {"listed_rooms", "held_back_rooms", "groups"}
        sent = {name: value for name, value in self.validated_data.items() if name not in ("note", "version")}
        return {name: frozenset(value) if name in sets else value for name, value in sent.items()}


class RolloutView(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_rollout_get",
        summary="Which platform automatic rooms open on, for staff",
        responses=answers(RolloutSerializer, e401=SIGN_IN, e403="Not authorized"),
    )
    def get(self, request: Request) -> Response:
        if not may_see_rollout(request.user):
            raise PermissionDenied("Not authorized")
        return Response(RolloutSerializer(describe()).data)

    @extend_schema(
        operation_id="v1_rollout_update",
        summary="Decide on the rollout",
        request=ChangeRolloutSerializer,
        responses=answers(
            RolloutSerializer, e401=SIGN_IN, e403="Not authorized", e409="Somebody decided meanwhile", e422=INVALID
        ),
    )
    def patch(self, request: Request) -> Response:
        if not staff_may_change(request.user, Rollout):
            raise PermissionDenied("Not authorized")
        sent = read_body(request, ChangeRolloutSerializer)
        try:
            said = sent.validated_data
            decide(sent.edits(), request.user, said.get("note", ""), said.get("version"))
        except Outdated as error:
            raise Conflict(str(error)) from error
        except ValidationError as error:
            raise Invalid(error.message_dict) from error
        return Response(RolloutSerializer(describe()).data)
