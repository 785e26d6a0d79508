"""What the OpenAPI document says beyond what the views say themselves."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from platforms.handler import get_available_platforms
from rooms.api.examples import show_example


class ErrorSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="A sentence for people; it may change.")
    code = serializers.CharField(help_text="The reason, for programs; it stays.")


@extend_schema_field({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}})
class LocationField(serializers.ListField):
    pass


@extend_schema_serializer(component_name="ValidationError")
class ProblemSerializer(serializers.Serializer[Any]):
    loc = LocationField(help_text="Where: body, query or path, then the field, and in a list the place from 0.")
    msg = serializers.CharField()
    type = serializers.CharField()


@extend_schema_serializer(component_name="HTTPValidationError")
class InvalidSerializer(serializers.Serializer[Any]):
    detail = ProblemSerializer(many=True)
    code = serializers.CharField(help_text="invalid_input")


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()


ANYWHERE = {
    "e401": "The credentials are not valid.",
    "e403": "The API key's scopes do not allow this.",
    "e503": "Try again after Retry-After seconds.",
}


def answers(success: Any, **errors: str) -> dict[int, OpenApiResponse]:
    """The responses of an operation: what it gives with status 200, and what `e404="..."` and the like mean."""
    responses = {200: OpenApiResponse(success)}
    for name, meaning in (ANYWHERE | errors).items():
        code = int(name.removeprefix("e"))
        shown: list[OpenApiExample] = []
        if isinstance(meaning, ErrorDetail):
            error = {"detail": str(meaning), "code": meaning.code}
            shown = [OpenApiExample(str(meaning.code), error, response_only=True, status_codes=[str(code)])]
            meaning = f"{meaning} (`{meaning.code}`)"
        serializer = InvalidSerializer if code == 422 else ErrorSerializer
        responses[code] = OpenApiResponse(serializer, meaning, examples=shown)
    return dict(sorted(responses.items()))


INVALID = "The input breaks a rule; each field is named."
SIGN_IN = "Not signed in, or the credentials are not valid."
NO_ROOM = ErrorDetail("Room not found", "room_not_found")
MEETING_NOT_FOUND = ErrorDetail("Meeting not found", "meeting_not_found")
TOO_OFTEN = ErrorDetail("Asked too often: try again after Retry-After seconds.", "too_often")
NO_MEETING = "Room not found, or meeting not found"


class Schema(AutoSchema):
    def get_tags(self) -> list[str]:
        """Operations are grouped by the first part of their path after the prefix."""
        first: str = self.path.removeprefix("/v1").strip("/").split("/")[0]
        return [first]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """With an example; of what one caller may not ask too often, it says that it is refused then."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        limit = getattr(self.view, "limit", "")
        if operation and limit:
            responses = operation["responses"]
            meaning = f"{TOO_OFTEN} (`{TOO_OFTEN.code}`)"
            if before := responses.get("429", {}).get("description"):
                meaning = f"{before} Or: {meaning}"
            error = {"schema": responses["401"]["content"]["application/json"]["schema"]}
            responses["429"] = {"content": {"application/json": error}, "description": meaning}
            operation["responses"] = dict(sorted(responses.items()))
        if operation:
            show_example(operation)
        return operation

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        """The contract's: what is sent is called as its serializer, as what is answered; none is for both."""
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        return name.removesuffix("Request").removeprefix("Patched") if direction == "request" else name

    def _get_request_for_media_type(self, serializer: Any, direction: Any = "request") -> Any:
        """Fields of a PATCH are optional where its serializer says so, as in any other request."""
        method, self.method = self.method, self.method.replace("PATCH", "PUT")
        try:
            return super()._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method

    def _get_response_for_code(self, serializer: Any, *args: Any, **kwargs: Any) -> Any:
        """Says also of a whole answer that it may be null."""
        response: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, *args, **kwargs
        )
        if getattr(getattr(serializer, "response", None), "allow_null", False):
            for content in response["content"].values():
                content["schema"] = {"oneOf": [content["schema"], {"type": "null"}]}
        return response


class PlatformAliasScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "rooms.api.input.PlatformAlias"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        if self.target.allow_null:
            return {"type": ["string", "null"], "enum": [*get_available_platforms(), None]}
        return {"type": "string", "enum": get_available_platforms()}


class Constant(serializers.ReadOnlyField):
    """Documents a field that has one value in this answer, and by which it is told from others."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self.value = value


class ConstantScheme(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "rooms.api.schema.Constant"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", "const": self.target.value}


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
