"""Reading what clients send. Whatever it holds, the outcome is valid data or an error that names the field."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.settings import api_settings

from platforms.handler import get_available_platforms
from platforms.outbound import NotPublic, require_public_url
from rooms.api.errors import Invalid, TooLarge

BODY_LIMIT = 1024 * 1024  # bytes
DEPTH_LIMIT = 32  # objects and lists inside each other

S = TypeVar("S", bound=serializers.BaseSerializer[Any])


class JSONParser(BaseParser):
    """JSON in UTF-8, without NaN and Infinity, of bounded size and depth."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        content = stream.read(BODY_LIMIT + 1)
        if len(content) > BODY_LIMIT:
            raise TooLarge
        try:
            value = json.loads(content.decode("utf-8-sig"), parse_constant=_not_json)
        except (ValueError, RecursionError):
            value = _not_json()
        return value if _is_shallow(value) else _not_json()


def _not_json(constant: str = "") -> NoReturn:
    raise Invalid("JSON decode error", "json_invalid")


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        inner = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in inner for child in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return True
    return False


def read_body(request: Request, serializer_class: type[S], **kwargs: Any) -> S:
    """The valid body as a serializer; `kwargs` go to the serializer. Raises Invalid, also for no body at all."""
    if request.stream is None:
        raise Invalid({api_settings.NON_FIELD_ERRORS_KEY: [ErrorDetail("A JSON object is required.", "required")]})
    serializer = serializer_class(data=request.data, **kwargs)
    serializer.is_valid(raise_exception=True)
    return serializer


def read_query(request: Request, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    serializer = serializer_class(data=request.query_params.dict())
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        raise Invalid(error.detail, where="query") from error
    values: dict[str, Any] = serializer.validated_data
    return values


class Text(serializers.CharField):
    """A string exactly as sent: a number is not one, and spaces at its ends belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class PublicAddress(serializers.URLField):
    """An http(s) address that this server may call."""

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        try:
            require_public_url(value)
        except NotPublic as error:
            raise ValidationError(str(error), "not_public") from error


class PlatformAlias(Text):
    """The alias of a platform that exists; null for automatic."""

    default_error_messages = {"invalid_choice": "There is no such platform; there are: {known}."}

    def to_internal_value(self, data: Any) -> str:
        known = get_available_platforms()
        if not isinstance(data, str) or data not in known:
            self.fail("invalid_choice", known=", ".join(known))
        return data


class StrictModelSerializer(serializers.ModelSerializer[Any]):
    """Takes text only as text, and has addresses checked."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.TextField: Text,
        models.URLField: PublicAddress,
    }
