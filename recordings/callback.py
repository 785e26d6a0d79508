"""Where a processor outside fetches the files of its jobs, and sends its results.

A result is a POST of JSON, signed in X-Webhook-Signature as the job was (`platforms.signing.stamped_signature`), not
longer than five minutes ago:

    {"status": "done", "language": "en", "segments": [{"start": 0.0, "end": 2.5, "speaker": "Ada", "text": "Hello."}]}

with times in seconds from the start of the recording; or {"status": "failed", "error": "why"}. It may be sent again:
the first one counts.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import reading
from platforms.signing import matches_stamped
from recordings import links
from recordings.handoff import fail, finish
from recordings.models import Recording
from recordings.processors import Result, Segment, create_processor, get_available_processors
from recordings.serving import serve_stored
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, Conflict, Invalid, TooLarge
from rooms.api.schema import INVALID, StatusSerializer, answers

BODY_LIMIT = 32 * 1024 * 1024  # bytes
TEXT_LIMIT = 20_000  # characters of a segment
REASON_LIMIT = 1000  # characters
SPEAKER_LIMIT = 255  # characters


class WrongSignature(APIException):
    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "The signature is wrong or too old."


@require_safe
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    stored = links.linked(token)
    if stored is None:
        raise Http404
    return serve_stored(request, stored.file, stored.content_type, download="download" in request.GET)


class TakeResult(ApiView):
    authentication_classes = []
    permission_classes = []

    @extend_schema(
        summary="Send the result of a job",
        description="Signed with the secret that the job was signed with, in X-Webhook-Signature.",
        request={"application/json": dict[str, Any]},
        responses=answers(
            StatusSerializer,
            e400="The signature is missing.",
            e401="The signature is wrong or too old.",
            e404="There is no such recording.",
            e409="The recording awaits no result.",
            e413="The body is too large.",
            e422=INVALID,
        ),
    )
    def post(self, request: Request, recording_id: str) -> Response:
        outcome = read_outcome(_signed_body(request))
        recording = _find(recording_id)
        kept = finish(recording, outcome) if isinstance(outcome, Result) else fail(recording, outcome)
        if not kept:
            recording.refresh_from_db()
            if recording.state != Recording.State.DONE:
                raise Conflict("This recording awaits no result.")
        return Response({"status": "ok"})


def read_outcome(body: bytes) -> Result | str:
    """The result, or the reason why there is none. Raises Invalid, which names the field."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("JSON decode error", "json_invalid") from None
    if not isinstance(data, dict):
        raise Invalid("A JSON object is required.")
    outcome = data.get("status", "done")
    if outcome == "failed":
        return reading.text(data, "error", limit=REASON_LIMIT) or "The processor gave no reason."
    if outcome != "done":
        raise Invalid({"status": ["done or failed is required."]})
    segments = data.get("segments")
    if not isinstance(segments, list):
        raise Invalid({"segments": ["A list is required."]})
    return Result(
        language=reading.text(data, "language", limit=16),
        duration=max(0.0, reading.number(data.get("duration")) or 0.0),
        segments=sorted((_segment(number, item) for number, item in enumerate(segments)), key=lambda s: s.start),
    )


def _segment(place: int, item: Any) -> Segment:
    found: Mapping[str, Any] = reading.mapping(item)
    start, end = reading.number(found.get("start")), reading.number(found.get("end"))
    problems = {}
    if start is None or start < 0:
        problems["start"] = ["A number of seconds is required, 0 or more."]
    if end is None or end < (start or 0):
        problems["end"] = ["A number of seconds is required, not less than the start."]
    if not isinstance(found.get("text"), str):
        problems["text"] = ["A text is required."]
    if problems or start is None or end is None:
        raise Invalid({"segments": {place: problems}})
    speaker = reading.text(found, "speaker", limit=SPEAKER_LIMIT)
    return Segment(start, end, speaker, reading.text(found, "text", limit=TEXT_LIMIT).strip())


def _signed_body(request: Request) -> bytes:
    signature = request.headers.get("X-Webhook-Signature", "")
    if not signature:
        raise BadRequest("X-Webhook-Signature is missing.")
    body: bytes = request.stream.read(BODY_LIMIT + 1) if request.stream else b""
    if len(body) > BODY_LIMIT:
        raise TooLarge
    secrets = [s for alias in get_available_processors() for s in create_processor(alias).result_secrets]
    if not matches_stamped(secrets, body, signature):
        raise WrongSignature
    return body


def _find(recording_id: str) -> Recording:
    recording = Recording.objects.exclude(state=Recording.State.DELETED).filter(pk=recording_id).first()
    if recording is None:
        raise NotFound("Recording not found")
    return recording
