"""Where a processor outside fetches the files of its jobs, and sends its results.

A result is a POST of JSON, signed in X-Webhook-Signature as the job was (`platforms.signing.stamped_signature`), not
longer than five minutes ago:

    {"status": "done", "language": "en", "segments": [{"start": 0.0, "end": 2.5, "speaker": "Ada", "text": "Hello."}]}

with times in seconds from the start of the recording; or {"status": "failed", "error": "why"}. It may be sent again:
the first one counts.
"""

import json
import tempfile
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import payloads
from platforms.signing import StampedCheck
from recordings.media.info import LONGEST_SECONDS
from recordings.models import Recording
from recordings.storage import links
from recordings.storage.serving import serve_stored
from recordings.transcription.processors import Result, Segment, create_processor, get_available_processors
from recordings.transcription.processors.languages import language_code
from recordings.transcription.submit import fail, finish
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, Conflict, Invalid, TooLarge
from rooms.api.schema import INVALID, StatusSerializer, answers

BODY_LIMIT_BYTES = 32 * 1024 * 1024  # of any result
BODY_LEAST, BODY_EACH_SECOND = 1024 * 1024, 2048  # bytes; more is not said in a second
IN_MEMORY_BYTES = 1024 * 1024  # of a body whose signature is not known yet; the rest waits in a file
BLOCK_BYTES = 64 * 1024
TEXT_LIMIT = 20_000  # characters of a segment
REASON_LIMIT = 1000  # characters
SPEAKER_LIMIT = 255  # characters
NOT_AWAITED = ErrorDetail("This recording awaits no result.", "result_not_awaited")
State = Recording.State
AWAITING = {State.PROCESSING, State.FAILED, State.DONE}  # a late result counts, and one may be sent again


class WrongSignature(APIException):
    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "The signature is wrong or too old."
    default_code = "wrong_signature"


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
        parameters=[
            OpenApiParameter(
                "X-Webhook-Signature", str, OpenApiParameter.HEADER, required=True, description="t=<seconds>,v1=<hex>"
            )
        ],
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
        check = _check_of(request)
        recording = _find(recording_id)
        outcome = read_outcome(_signed_body(request, check, _longest_of(recording)))
        kept = finish(recording, outcome) if isinstance(outcome, Result) else fail(recording, outcome)
        if not kept:
            recording.refresh_from_db()
            if recording.state != State.DONE:
                raise Conflict(NOT_AWAITED)
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
        return payloads.text(data, "error", limit=REASON_LIMIT) or "The processor gave no reason."
    if outcome != "done":
        raise Invalid({"status": ["done or failed is required."]})
    segments = data.get("segments")
    if not isinstance(segments, list):
        raise Invalid({"segments": ["A list is required."]})
    return Result(
        language=language_code(payloads.text(data, "language")),
        duration=min(max(0.0, payloads.number(data.get("duration")) or 0.0), LONGEST_SECONDS),
        segments=sorted((_segment(number, item) for number, item in enumerate(segments)), key=lambda s: s.start),
    )


def _segment(place: int, item: Any) -> Segment:
    found: Mapping[str, Any] = payloads.mapping(item)
    start, end = payloads.number(found.get("start")), payloads.number(found.get("end"))
    problems = {}
    if start is None or not 0 <= start <= LONGEST_SECONDS:
        problems["start"] = [f"A number of seconds is required, from 0 to {LONGEST_SECONDS:.0f}."]
    if end is None or not (start or 0) <= end <= LONGEST_SECONDS:
        problems["end"] = [f"A number of seconds is required, from the start to {LONGEST_SECONDS:.0f}."]
    if not isinstance(found.get("text"), str):
        problems["text"] = ["A text is required."]
    if problems or start is None or end is None:
        raise Invalid({"segments": {place: problems}})
    speaker = payloads.text(found, "speaker", limit=SPEAKER_LIMIT)
    return Segment(start, end, speaker, payloads.text(found, "text", limit=TEXT_LIMIT).strip())


def _check_of(request: Request) -> StampedCheck:
    """Raises BadRequest and WrongSignature, for all that can be seen without the body."""
    signature = request.headers.get("X-Webhook-Signature", "")
    if not signature:
        raise BadRequest("X-Webhook-Signature is missing.")
    secrets = [s for alias in get_available_processors() for s in create_processor(alias).result_secrets]
    check = StampedCheck(secrets, signature)
    if not check.may_match:
        raise WrongSignature
    return check


def _find(recording_id: str) -> Recording:
    """Raises NotFound, and Conflict for a recording that awaits no result and has none."""
    recording = Recording.objects.exclude(state=State.DELETED).filter(pk=recording_id).first()
    if recording is None:
        raise NotFound(ErrorDetail("Recording not found", "recording_not_found"))
    if recording.state not in AWAITING:
        raise Conflict(NOT_AWAITED)
    return recording


def _longest_of(recording: Recording) -> int:
    seconds = recording.duration
    return BODY_LIMIT_BYTES if seconds is None else min(BODY_LIMIT_BYTES, int(BODY_LEAST + BODY_EACH_SECOND * seconds))


def _signed_body(request: Request, check: StampedCheck, limit: int) -> bytes:
    """Held in memory as a whole only when its signature is right. Raises TooLarge and WrongSignature."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise TooLarge
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as held:
        while request.stream and (part := request.stream.read(BLOCK_BYTES)):
            check.update(part)
            held.write(part)
            if held.tell() > limit:
                raise TooLarge
        if not check.matches():
            raise WrongSignature
        held.seek(0)
        return held.read()
