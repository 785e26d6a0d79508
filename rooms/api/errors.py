"""One way to say what went wrong: `{"detail": "..."}`, or status 422 with a list that names each field.

What a provider or a database said stays in the log.
"""

import logging
import math
from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler as plain_handler

from platforms.exceptions import (
    PlatformError,
    PlatformNotConfigured,
    PlatformRejected,
    PlatformUnavailable,
    UnsupportedCapability,
)
from platforms.handler import platform_label

logger = logging.getLogger(__name__)

DATABASE_PAUSE = 5  # seconds that a client is asked to wait for a database that is away
MESSAGE_LIMIT = 300  # characters

# Codes of REST framework -> the words that the single-page app's first server used for them.
TYPES = {
    "required": "missing",
    "blank": "string_too_short",
    "max_length": "string_too_long",
    "min_value": "greater_than_equal",
    "max_value": "less_than_equal",
    "invalid_choice": "literal_error",
    "json_invalid": "json_invalid",
}


class BadRequest(APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "Bad request"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "What this is about has changed meanwhile. Please try again."


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request body is too large."


class RefusedByPlatform(APIException):
    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "The video platform refused this."


class TryAgain(APIException):
    """Temporary: `retry_after` seconds are rounded up to whole ones for the header; None sends no header."""

    status_code: int = status.HTTP_503_SERVICE_UNAVAILABLE

    def __init__(self, detail: str, retry_after: float | None = None, status_code: int | None = None) -> None:
        super().__init__(detail)
        self.wait = None if retry_after is None else max(1, math.ceil(retry_after))
        self.status_code = status_code or self.status_code


class Invalid(ValidationError):
    """Input that breaks the rules; `where` is body, query or path."""

    def __init__(self, detail: Any, code: str | None = None, where: str = "body") -> None:
        super().__init__(detail, code)
        self.where = where


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    told = what_to_tell(error)
    if told is not error:
        logger.warning(
            "request_failed view=%s status=%s error=%s: %s",
            type(context["view"]).__name__,
            getattr(told, "status_code", ""),
            type(error).__name__,
            error,
        )
    if isinstance(told, ValidationError):
        problems = list(_problems(told.detail, [getattr(told, "where", "body")]))
        return Response({"detail": problems}, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(told, NotAuthenticated):
        told.detail = ErrorDetail("Not authenticated", "not_authenticated")
    return plain_handler(told, context)


def what_to_tell(error: Exception) -> Exception:
    """The exception itself, or one whose text is fit for everybody."""
    if isinstance(error, PlatformError):
        return _platform_problem(error)
    if isinstance(error, OperationalError | InterfaceError | RedisError):
        return TryAgain("The service is not available for a moment. Please try again.", DATABASE_PAUSE)
    if isinstance(error, IntegrityError):
        return Conflict()
    return error


def _platform_problem(error: PlatformError) -> APIException:
    label = platform_label(error.platform) if error.platform else "The video platform"
    match error:
        case PlatformUnavailable():
            return TryAgain(f"{label} does not answer at present. Please try again.", error.retry_after)
        case PlatformNotConfigured():
            return TryAgain(str(error))
        case PlatformRejected():
            return RefusedByPlatform(f"{label} refused this. An administrator finds the reason in the log.")
        case UnsupportedCapability():
            return BadRequest(str(error))
    return RefusedByPlatform()


def _problems(detail: Any, place: list[str | int]) -> Iterator[dict[str, Any]]:
    """REST framework's tree of messages as a flat list; `place` is the path to each."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _problems(inner, place if name == api_settings.NON_FIELD_ERRORS_KEY else [*place, name])
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            yield from _problems(inner, place if isinstance(inner, str) else [*place, position])
    else:
        # A message may quote what was sent, and that need not be writable as UTF-8.
        message = str(detail)[:MESSAGE_LIMIT].encode("utf-8", "replace").decode()
        yield {"loc": place, "msg": message, "type": TYPES.get(getattr(detail, "code", ""), "value_error")}


def unknown_path(request: HttpRequest) -> JsonResponse:
    """The API answers in JSON below its prefix, also where nothing is."""
    return JsonResponse({"detail": "Not Found"}, status=status.HTTP_404_NOT_FOUND)


unknown_path.csrf_exempt = True  # type: ignore[attr-defined]
