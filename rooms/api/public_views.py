"""What everybody may know, whoever asks: no credentials are looked at."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import VideoPlatformClient, get_available_platforms
from platforms.handler import find_platform_client_class, platform_label, why_unavailable
from rooms.api.base import ApiView
from rooms.api.schema import StatusSerializer
from rooms.selection import current_policy
from rooms.services import where_mail_goes, why_no_email, why_no_zulip

CAPABILITIES = [
    "supports_logo",
    "supports_presence",
    "supports_closing",
    "supports_locking",
    "supports_join_tokens",
    "supports_extension",
]
CHOICES = ["room_modes", "recording_types", "recording_triggers"]


class CapabilitiesSerializer(serializers.Serializer[Any]):
    supports_logo = serializers.BooleanField()
    supports_presence = serializers.BooleanField()
    supports_closing = serializers.BooleanField()
    supports_locking = serializers.BooleanField()
    supports_join_tokens = serializers.BooleanField()
    supports_extension = serializers.BooleanField()
    room_modes = serializers.ListField(child=serializers.CharField())
    recording_types = serializers.ListField(child=serializers.CharField())
    recording_triggers = serializers.ListField(child=serializers.CharField())


class PlatformSerializer(CapabilitiesSerializer):
    name = serializers.CharField(help_text="The alias that rooms name.")
    label = serializers.CharField()  # type: ignore[assignment]
    configured = serializers.BooleanField(help_text="Whether meetings can open on it.")


@extend_schema_serializer(component_name="ConfigResponse")
class ConfigSerializer(serializers.Serializer[Any]):
    zulip_enabled = serializers.BooleanField()
    email_enabled = serializers.BooleanField()
    platforms = PlatformSerializer(many=True)
    default_platform = serializers.CharField()


def describe_platform(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": platform_label(name),
        "configured": why_unavailable(name) is None,
        **capabilities_of(name),
    }


def capabilities_of(name: str) -> dict[str, Any]:
    client_class = find_platform_client_class(name) or VideoPlatformClient  # which can do nothing
    return {
        **{capability: getattr(client_class, capability) for capability in CAPABILITIES},
        **{choices: sorted(getattr(client_class, choices)) for choices in CHOICES},
    }


class Config(ApiView):
    authentication_classes = []

    @extend_schema(operation_id="v1_get_config", summary="What this installation offers", responses=ConfigSerializer)
    def get(self, request: Request) -> Response:
        return Response(
            {
                "zulip_enabled": not why_no_zulip(),
                "email_enabled": not (why_no_email() or where_mail_goes()),
                "platforms": [describe_platform(name) for name in get_available_platforms()],
                "default_platform": current_policy().default,
            }
        )


class Health(ApiView):
    authentication_classes = []

    @extend_schema(operation_id="health", summary="Whether this process answers", responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        return Response({"status": "healthy"})
