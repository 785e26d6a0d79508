"""Reading what clients send. Whatever it holds, the outcome is valid data or an error that names the field."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.settings import api_settings

from platforms.handler import get_available_platforms
from platforms.http.safe_http import UnsafeAddress, require_public_url
from platforms.visible import visible
from rooms.api.errors import Invalid, TooLarge
from rooms.services import why_not_called

BODY_LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 32  # objects and lists inside each other

S = TypeVar("S", bound=serializers.BaseSerializer[Any])


class JSONParser(BaseParser):
    """JSON in UTF-8, without NaN and Infinity, of bounded size and depth."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        content = stream.read(BODY_LIMIT_BYTES + 1)
        if len(content) > BODY_LIMIT_BYTES:
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
    if not request.query_params and (kept := _without_a_query(serializer_class)) is not None:
        return dict(kept)
    try:
        values: dict[str, Any] = _kept(serializer_class).run_validation(request.query_params.dict())
    except ValidationError as error:
        raise Invalid(error.detail, where="query") from error
    return values


def read_values(request: Request, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The valid body of a request by which no row is written. Raises Invalid, also for no body at all."""
    if request.stream is None or not isinstance(request.data, Mapping):
        return dict(read_body(request, serializer_class).validated_data)  # raises what says so
    return dict(_kept(serializer_class).run_validation(request.data))


@cache
def _kept(serializer_class: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Its fields, which are made anew for each serializer, take longer to make than to use.

    REST framework writes the words of a rule when they are first needed, and not safely for two threads at once.
    """
    serializer = serializer_class()
    for field in serializer.fields.values():
        for rule in field.validators:
            str(getattr(rule, "message", ""))
    return serializer


@cache
def _without_a_query(serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any] | None:
    """The defaults, found once; None where something is required."""
    serializer = serializer_class(data={})
    return serializer.validated_data if serializer.is_valid() else None


class StrictCharField(serializers.CharField):
    """A string exactly as sent: a number is not one, and spaces at its ends belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Name(StrictCharField):
    """What people are to read: it holds something that can be seen, and nothing that turns other texts around."""

    default_error_messages = {"invisible": gettext_lazy("Enter something that can be seen.")}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not visible(name) and not self.allow_blank:
            self.fail("invisible")
        return visible(name)


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
        except UnsafeAddress as error:
            raise ValidationError(why_not_called(error), "not_public") from error


class PlatformAlias(StrictCharField):
    """The alias of a platform that exists; null for automatic."""

    default_error_messages = {"invalid_choice": gettext_lazy("There is no such platform; there are: {known}.")}

    def to_internal_value(self, data: Any) -> str:
        known = get_available_platforms()
        if not isinstance(data, str) or data not in known:
            self.fail("invalid_choice", known=", ".join(known))
        return data


class ChangesSerializer(serializers.Serializer[Any]):
    """Only the fields that are sent change. Null leaves a field as it is too, unless the field itself may be null."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        self.kept_by_null = {name for name, field in fields.items() if not field.allow_null}
        for field in fields.values():
            field.required, field.allow_null = False, True
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            kept = self.fields.keys() & self.kept_by_null
            data = {name: value for name, value in data.items() if value is not None or name not in kept}
        return super().to_internal_value(data)


class StrictModelSerializer(serializers.ModelSerializer[Any]):
    """Takes text only as text, and has addresses checked."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: StrictCharField,
        models.TextField: StrictCharField,
        models.URLField: PublicAddress,
    }
