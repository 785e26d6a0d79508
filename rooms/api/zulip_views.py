"""Where in Zulip a room's transcripts could be posted."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformUnavailable
from rooms import zulip
from rooms.api.base import ApiView
from rooms.api.errors import Invalid, RefusedByPlatform, TryAgain
from rooms.api.schema import INVALID, answers

SIGN_IN_FIRST = ErrorDetail("Authentication required", "not_authenticated")
AWAY = ErrorDetail("Zulip does not answer at present. Please try again.", "zulip_unavailable")
REFUSED = ErrorDetail("Zulip refused this. An administrator finds the reason in the log.", "zulip_refused")

T = TypeVar("T")


class StreamSerializer(serializers.Serializer[Any]):
    stream_id = serializers.IntegerField()
    name = serializers.CharField()


class TopicSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()


class StreamList(ApiView):
    @extend_schema(
        operation_id="v1_zulip_get_streams",
        summary="Streams of Zulip that the server's bot sees; none where /v1/config says that Zulip is not enabled",
        responses=answers(StreamSerializer(many=True), e403=SIGN_IN_FIRST, e502=REFUSED, e503=AWAY),
    )
    def get(self, request: Request) -> Response:
        return Response(asked(request, zulip.streams))


class TopicList(ApiView):
    @extend_schema(
        operation_id="v1_zulip_get_topics",
        summary="Topics of a stream of Zulip, the latest first",
        responses=answers(TopicSerializer(many=True), e403=SIGN_IN_FIRST, e422=INVALID, e502=REFUSED, e503=AWAY),
    )
    def get(self, request: Request, stream_id: str) -> Response:
        return Response(asked(request, lambda: zulip.topics(number_in_path(stream_id))))


def number_in_path(text: str) -> int:
    """Raises Invalid."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid({"stream_id": [ErrorDetail("A valid integer is required.", "invalid")]}, where="path")
    return int(text)


def asked(request: Request, ask: Callable[[], list[T]]) -> list[T]:
    """Raises PermissionDenied for who is not signed in, TryAgain and RefusedByPlatform."""
    if not request.user.is_authenticated:
        raise PermissionDenied(SIGN_IN_FIRST)
    try:
        return ask()
    except PlatformNotConfigured:
        return []
    except PlatformUnavailable as error:
        raise TryAgain(AWAY, error.retry_after) from error
    except PlatformError as error:
        raise RefusedByPlatform(REFUSED) from error
