"""What the OpenAPI document says beyond what the views say themselves."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse, extend_schema_serializer
from rest_framework import serializers


class ErrorSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    loc = serializers.ListField(child=serializers.JSONField(), help_text="Where: body, query or path, then the field.")
    msg = serializers.CharField()
    type = serializers.CharField()


@extend_schema_serializer(component_name="ValidationError")
class InvalidSerializer(serializers.Serializer[Any]):
    detail = ProblemSerializer(many=True)


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()


def answers(success: Any, **errors: str) -> dict[int, OpenApiResponse]:
    """The responses of an operation: what it gives with status 200, and what `e404="..."` and the like mean."""
    responses = {200: OpenApiResponse(success)}
    for name, meaning in errors.items():
        code = int(name.removeprefix("e"))
        responses[code] = OpenApiResponse(InvalidSerializer if code == 422 else ErrorSerializer, meaning)
    responses[401] = OpenApiResponse(ErrorSerializer, errors.get("e401", "The credentials are not valid."))
    responses[503] = OpenApiResponse(ErrorSerializer, errors.get("e503", "Try again after Retry-After seconds."))
    return dict(sorted(responses.items()))


INVALID = "The input breaks a rule; each field is named."
SIGN_IN = "Not signed in, or the credentials are not valid."
NO_ROOM = "Room not found"
NO_MEETING = "Room not found, or meeting not found"


class Schema(AutoSchema):
    def get_tags(self) -> list[str]:
        """Operations are grouped by the first part of their path after the prefix."""
        first: str = self.path.removeprefix("/v1").strip("/").split("/")[0]
        return [first]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "rooms.api.authentication.TokenAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either is enough."""
        return [{"bearer": []}, {"apiKey": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From POST /v1/auth/login."},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "From POST /v1/user/api-keys."},
        ]
