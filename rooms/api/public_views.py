"""What everybody may know, whoever asks: no credentials are looked at."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import VideoPlatformClient, get_available_platforms, get_platform_client_class
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import platform_label, why_unavailable
from rooms.api.base import ApiView
from rooms.api.schema import StatusSerializer
from rooms.selection import current_policy

CAPABILITIES = [
    "supports_logo",
    "supports_presence",
    "supports_closing",
    "supports_locking",
    "supports_join_tokens",
    "supports_extension",
]
CHOICES = ["room_modes", "recording_types", "recording_triggers"]


class PlatformSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The alias that rooms name.")
    label = serializers.CharField()  # type: ignore[assignment]
    configured = serializers.BooleanField(help_text="Whether meetings can open on it.")
    supports_logo = serializers.BooleanField()
    supports_presence = serializers.BooleanField()
    supports_closing = serializers.BooleanField()
    supports_locking = serializers.BooleanField()
    supports_join_tokens = serializers.BooleanField()
    supports_extension = serializers.BooleanField()
    room_modes = serializers.ListField(child=serializers.CharField())
    recording_types = serializers.ListField(child=serializers.CharField())
    recording_triggers = serializers.ListField(child=serializers.CharField())


class ConfigSerializer(serializers.Serializer[Any]):
    zulip_enabled = serializers.BooleanField()
    email_enabled = serializers.BooleanField()
    platforms = PlatformSerializer(many=True)
    default_platform = serializers.CharField()


def describe_platform(name: str) -> dict[str, Any]:
    try:
        client_class = get_platform_client_class(name)
    except PlatformNotConfigured:
        client_class = VideoPlatformClient  # can do nothing
    return {
        "name": name,
        "label": platform_label(name),
        "configured": why_unavailable(name) is None,
        **{capability: getattr(client_class, capability) for capability in CAPABILITIES},
        **{choices: sorted(getattr(client_class, choices)) for choices in CHOICES},
    }


class Config(ApiView):
    authentication_classes = []

    @extend_schema(operation_id="config", summary="What this installation offers", responses=ConfigSerializer)
    def get(self, request: Request) -> Response:
        return Response(
            {
                "zulip_enabled": False,
                "email_enabled": False,
                "platforms": [describe_platform(name) for name in get_available_platforms()],
                "default_platform": current_policy().default,
            }
        )


class Health(ApiView):
    authentication_classes = []

    @extend_schema(operation_id="health", summary="Whether this process answers", responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        return Response({"status": "healthy"})
