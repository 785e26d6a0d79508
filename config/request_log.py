"""Ids for the log: each request has one, its caller's if there is a fit one, and tells it back."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from platforms import logs

logger = logging.getLogger(__name__)

HEADER, VARIABLE = "X-Request-ID", "HTTP_X_REQUEST_ID"
FIT = re.compile(r"[0-9A-Za-z._-]{8,64}")
# Parts of addresses -> what they name.
PARTS = {"meeting_id": "meeting", "recording_id": "recording", "transcript_id": "transcript", "room_id": "room"}

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_log(get_response: GetResponse) -> GetResponse:
    """Comes first. In JSON there is a line for each request as well: by its route, as an address may hold a secret."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        given = request.META.get(VARIABLE, "")
        request_id = given if FIT.fullmatch(given) else uuid.uuid4().hex
        began = time.monotonic()
        with logs.about(request=request_id):
            response = get_response(request)
            if settings.LOG_FORMAT == "json":
                route = request.resolver_match.route if request.resolver_match else ""
                logger.info(
                    "request_done method=%s route=%s status=%s ms=%d",
                    *(request.method, route, response.status_code, (time.monotonic() - began) * 1000),
                )
        response.headers[HEADER] = request_id
        return response

    def name_what_it_is_about(request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        logs.add(**{name: kwargs[part] for part, name in PARTS.items() if part in kwargs})

    answer.process_view = name_what_it_is_about  # type: ignore[attr-defined]  # looked for by Django
    return answer
