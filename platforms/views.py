"""One view for the webhooks of every platform."""

import logging
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from platforms import inbox
from platforms.exceptions import PlatformNotConfigured, WebhookRejected
from platforms.handler import create_platform_client

logger = logging.getLogger(__name__)


class BodyTooLarge(Exception):
    pass


@csrf_exempt
@require_POST
def receive(request: HttpRequest, platform: str) -> HttpResponse:
    """Verify, store, acknowledge; what an event means is found out later.

    200 is the only answer that no provider counts as a failure, so every authentic event gets it, of whatever type.
    A provider that gives up after a few failures, or tries again only on 5xx, loses what it is refused.
    """
    try:
        body = read_body(request, settings.WEBHOOK_BODY_LIMIT)
        client = create_platform_client(platform)
        if not client.is_webhook_probe(body):
            client.authenticate_webhook(body, request.headers)
            inbox.store(platform, client.summarize_webhook(body), body)
    except BodyTooLarge:
        return refusal(platform, 413, "The body is larger than any event.")
    except WebhookRejected as error:  # 400 or 401: not the provider, or with a secret that is not known here
        return refusal(platform, error.status, str(error))
    except PlatformNotConfigured:  # nothing can be verified without credentials
        return refusal(platform, 401, "This platform is not configured.")
    except (OperationalError, InterfaceError):  # not stored, or not surely: the provider is to send it again
        return refusal(platform, 503, "Try again later.", {"Retry-After": "5"})
    return JsonResponse({"status": "ok"})


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The raw body, of which no more than `limit` bytes are ever held. Raises BodyTooLarge."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > limit):
        raise BodyTooLarge
    # Django takes a body without Content-Length for empty; servers that know its end say so.
    is_chunked = not declared and request.META.get("wsgi.input_terminated")
    stream: Any = request.META["wsgi.input"] if is_chunked else request
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def refusal(platform: str, status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    logger.warning("webhook_refused platform=%s status=%s reason=%s", platform, status, detail)
    return JsonResponse({"detail": detail}, status=status, headers=headers)
