"""Who may follow what: the answers that the web server goes on with, by WebSocket or by Server-Sent Events."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from platforms.limits.callers import network_of
from recordings.api.transcripts.media import AudioQuery, listener
from recordings.live.messages import Channel
from recordings.live.nudges import Page
from recordings.transcripts.access import DENIED, NO_TRANSCRIPT, find_transcript
from rooms.api.base import ApiView
from rooms.api.input import read_query
from rooms.api.schema import INVALID, SIGN_IN, answers

RETRY_MILLISECONDS = 2000  # until a client that was cut off comes again
LARGEST_ID = 2**63 - 1
F = TypeVar("F", bound=Callable[..., HttpResponse])
ABOUT = (
    "By Server-Sent Events, or as a WebSocket with the sub-protocols `bearer, <token>`. Messages are "
    '`{"event": ..., "data": ..., "id": ...}`; PING says that the connection lives. A WebSocket that is refused is '
    "closed with 4000 and the status, as 4401. Who was cut off gets what was missed after `since`, or Last-Event-ID, "
    "for a day."
)


class FollowQuery(AudioQuery):
    since = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST_ID, help_text="The id of the last message that came."
    )


class EventStream(HttpResponse):
    """An answer that the web server goes on with; see `config/web/live.py`."""

    def __init__(self, channel: Channel | Page, since: int | None, caller: str) -> None:
        super().__init__(f"retry: {RETRY_MILLISECONDS}\n\n", content_type="text/event-stream")
        self.headers["X-Accel-Buffering"] = "no"  # proxies send it on as it comes
        self.channel = channel
        self.since = since
        self.caller = caller


def documented(operation: str, summary: str, events: str, **errors: str) -> Callable[[F], F]:
    responses: dict[Any, Any] = {code: answer for code, answer in answers(None, **errors).items() if code != 200}
    stream = OpenApiResponse(OpenApiTypes.STR, "Messages, until the client goes.")
    decorated: Callable[[F], F] = extend_schema(
        operation_id=operation,
        summary=summary,
        description=f"{ABOUT} {events}",
        parameters=[FollowQuery, OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER)],
        responses={(200, "text/event-stream"): stream, **responses},
    )
    return decorated


class FollowOwn(ApiView):
    @documented(
        "v1_user_get_websocket_events",
        "What happens to one's own transcripts, as it happens",
        "TRANSCRIPT_CREATED, TRANSCRIPT_DELETED and TRANSCRIPT_RESTORED have the transcript's `id`; TRANSCRIPT_STATUS "
        "also `value`, TRANSCRIPT_FINAL_TITLE `title`, TRANSCRIPT_DURATION `duration` in milliseconds.",
        e401=SIGN_IN,
        e422=INVALID,
    )
    def get(self, request: Request) -> HttpResponse:
        user = listener(request)
        if not user.is_authenticated:
            raise NotAuthenticated
        return EventStream(Channel(user_id=user.pk), since_of(request), caller_of(request._request, user))


class FollowTranscript(ApiView):
    @documented(
        "v1_transcript_get_websocket_events",
        "What happens to a transcript, as it happens",
        "First comes what there is: TOPIC (a topic), WAVEFORM `waveform`, ACTION_ITEMS `action_items`, FINAL_TITLE "
        "`title`, FINAL_LONG_SUMMARY `long_summary`, FINAL_SHORT_SUMMARY `short_summary`, DURATION `duration` in "
        "milliseconds; then the same whenever it changes, and STATUS `value`.",
        e403=DENIED,
        e404=NO_TRANSCRIPT,
        e422=INVALID,
    )
    def get(self, request: Request, transcript_id: str) -> HttpResponse:
        user = listener(request)
        transcript = find_transcript(user, transcript_id)
        return EventStream(Channel(transcript_id=transcript.pk), since_of(request), caller_of(request._request, user))


def caller_of(request: HttpRequest, user: Any) -> str:
    """Of whom no more than so many connections stay at a time."""
    return f"account {user.pk}" if user.is_authenticated else f"network {network_of(request)}"


def since_of(request: Request) -> int | None:
    """The id of the last message that the client has; a browser that connects again names it in a header."""
    since: int | None = read_query(request, FollowQuery).get("since")
    seen = request.headers.get("Last-Event-ID", "")
    return int(seen) if re.fullmatch(r"[0-9]{1,18}", seen) else since
