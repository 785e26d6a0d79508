"""The platforms, and which of them new meetings open on."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from platforms.health import states
from platforms.models import PlatformState
from rooms.api.base import ApiView, IsAuthenticatedOrPublicModeReadOnly
from rooms.api.public_views import CapabilitiesSerializer, capabilities_of
from rooms.api.schema import SIGN_IN, answers
from rooms.models import Room
from rooms.permissions import may_operate_platforms, staff_may_view


class PlatformStandingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The alias that rooms name.")
    label = serializers.CharField()  # type: ignore[assignment]
    capabilities = CapabilitiesSerializer()
    usable = serializers.BooleanField(help_text="Whether new meetings open on it now.")
    cordoned = serializers.BooleanField(help_text="Staff let no new meeting open on it; those that run finish.")
    failing = serializers.BooleanField(help_text="It does not answer, and is left alone until it does.")
    reason = serializers.CharField(
        help_text="Why it is not usable; empty for one that is, and for all who may not see platforms in Admin."
    )


class PlatformList(ApiView):
    permission_classes = [IsAuthenticatedOrPublicModeReadOnly]

    @extend_schema(
        operation_id="v1_platforms_list",
        summary="The platforms, and whether new meetings open on them",
        responses=answers(PlatformStandingSerializer(many=True), e401=SIGN_IN),
    )
    def get(self, request: Request) -> Response:
        user = request.user
        # Who may look at rooms is told the same at each of them.
        sees_reasons = may_operate_platforms(user) or staff_may_view(user, PlatformState) or staff_may_view(user, Room)
        return Response([shown(standing, sees_reasons) for standing in states.standings()])


def shown(standing: states.Standing, sees_reasons: bool) -> dict[str, Any]:
    return {
        "name": standing.name,
        "label": standing.label,
        "capabilities": capabilities_of(standing.name),
        "usable": standing.is_usable,
        "cordoned": bool(standing.cordon),
        "failing": bool(standing.silence),
        "reason": standing.reason if sees_reasons else "",
    }
