"""One way to say what went wrong: `{"detail": "...", "code": "..."}`; with status 422 the detail names each field.

What a provider or a database said stays in the log.
"""

import errno
import logging
import math
from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated, ValidationError
from rest_framework.request import Request
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
from platforms.work.database import is_away
from rooms.keyring import WrongKey
from rooms.models import Room
from rooms.oidc.issuer import FETCH_SECONDS, IssuerAway
from rooms.permissions import staff_may_view

logger = logging.getLogger(__name__)

NOWHERE = ErrorDetail(
    gettext_noop("No video platform can be used at present. An administrator finds the reason in Admin, at the room."),
    "no_platform",
)
ISSUER_AWAY = ErrorDetail(
    gettext_noop("The service that signs people in does not answer at present. Please try again."),
    "sign_in_unavailable",
)
KEYS_CHANGED = ErrorDetail(
    gettext_noop(
        "The server cannot read what is stored: its keys were changed. An administrator finds more in the log."
    ),
    "keys_changed",
)
DATABASE_PAUSE_SECONDS = 5  # that a client is asked to wait for a database that is away
DISK_PAUSE_SECONDS = 60  # that a client is asked to wait for room on the disk
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
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
    default_code = "bad_request"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = _("What this is about has changed meanwhile. Please try again.")
    default_code = "conflict"


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request body is too large."
    default_code = "too_large"


class TooSlow(APIException):
    status_code = status.HTTP_408_REQUEST_TIMEOUT
    default_detail = "The request body did not come in time."
    default_code = "too_slow"


class RefusedByPlatform(APIException):
    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = _("The video platform refused this.")
    default_code = "platform_refused"


class TryAgain(APIException):
    """Temporary: `retry_after` seconds are rounded up to whole ones for the header; None sends no header."""

    status_code: int = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "try_again"

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
    told = what_to_tell(error, context["request"])
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
        return Response({"detail": problems, "code": "invalid_input"}, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(told, NotAuthenticated):
        told.detail = ErrorDetail("Not authenticated", "not_authenticated")
    response = plain_handler(told, context)
    if response is not None and isinstance(detail := response.data.get("detail"), ErrorDetail):
        response.data["code"] = detail.code
    return response


def what_to_tell(error: Exception, request: Request | None = None) -> Exception:
    """The exception itself, or one whose text is fit for who asks; without a request, for everybody."""
    if isinstance(error, PlatformNotConfigured):
        return TryAgain(str(error) if request and staff_may_view(request.user, Room) else NOWHERE)
    if isinstance(error, PlatformError):
        return _platform_problem(error)
    if isinstance(error, IssuerAway):
        return TryAgain(ISSUER_AWAY, FETCH_SECONDS)
    if is_away(error):
        return _away(DATABASE_PAUSE_SECONDS)
    if isinstance(error, WrongKey):
        return TryAgain(KEYS_CHANGED)
    if isinstance(error, IntegrityError):
        return Conflict()
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return TryAgain(
            gettext("There is no room for this at present."), DISK_PAUSE_SECONDS, status.HTTP_507_INSUFFICIENT_STORAGE
        )
    if isinstance(error, UnreadablePostError):
        return TooSlow()
    return error


def _away(seconds: float) -> TryAgain:
    return TryAgain(gettext("The service is not available for a moment. Please try again."), seconds)


def _platform_problem(error: PlatformError) -> APIException:
    label = platform_label(error.platform)
    match error:
        case PlatformUnavailable(platform=""):  # something of our own that the work needs
            return _away(error.retry_after)
        case PlatformUnavailable():
            said = gettext("%(platform)s does not answer at present. Please try again.")
            return TryAgain(said % {"platform": label}, error.retry_after)
        case PlatformRejected():
            said = gettext("%(platform)s refused this. An administrator finds the reason in the log.")
            return RefusedByPlatform(said % {"platform": label})
        case UnsupportedCapability():
            return BadRequest(str(error), "not_supported")
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
    return JsonResponse({"detail": "Not Found", "code": "path_not_found"}, status=status.HTTP_404_NOT_FOUND)


unknown_path.csrf_exempt = True  # type: ignore[attr-defined]
