"""What clients are told when nobody knew what to do about an error: JSON below /v1/, a page elsewhere."""

import logging
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from rest_framework.exceptions import ErrorDetail

from rooms.api.errors import TryAgain, what_to_tell

logger = logging.getLogger(__name__)

SERVER_ERROR = ErrorDetail("This is the server's fault and was written to its log.", "server_error")


def unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Status 503 for an error that passes, such as a database that is away."""
    told = what_to_tell(error) if isinstance(error, Exception) else None
    if not isinstance(told, TryAgain) or told.status_code != 503:
        return None
    logger.warning("request_failed path=%s status=503 error=%s", request.path, type(error).__name__)
    answer = _answer(request, 503, told.detail, "503.html", passes=told.wait is not None)
    if told.wait:
        answer["Retry-After"] = str(told.wait)
    return answer


@never_cache
def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the error is the one that is being handled."""
    return unavailable(request, sys.exc_info()[1]) or _answer(request, 500, SERVER_ERROR, "500.html")


def _answer(request: HttpRequest, status: int, detail: Any, template: str, passes: bool = False) -> HttpResponse:
    if request.path.startswith("/v1/"):
        return JsonResponse({"detail": detail, "code": detail.code}, status=status)
    # Without a request, so that it needs no database.
    page = loader.render_to_string(template, {"detail": gettext(detail), "passes": passes})
    return HttpResponse(page, status=status)
