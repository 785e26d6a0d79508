"""One view for the webhooks of every platform."""

import logging

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from platforms import metrics
from platforms.abilities import Webhooks
from platforms.exceptions import PlatformNotConfigured, WebhookRejected
from platforms.handler import create_platform_client
from platforms.limits import rates
from platforms.limits.callers import network_of
from platforms.webhooks import inbox, refusals
from platforms.work.database import is_away

logger = logging.getLogger(__name__)

TAKEN = b'{"status": "ok"}'


class BodyTooLarge(Exception):
    def __init__(self) -> None:
        super().__init__("The body is larger than any event.")


@csrf_exempt
@require_POST
def receive(request: HttpRequest, platform: str) -> HttpResponse:
    """Take a delivery in, and count how it was answered."""
    with metrics.webhook_seconds.labels(platform).time():
        response = take_in(request, platform)
    metrics.webhooks_received.labels(platform, str(response.status_code)).inc()
    return response


def take_in(request: HttpRequest, platform: str) -> HttpResponse:
    """Verify, store, acknowledge; what an event means is found out later.

    200 is the only answer that no provider counts as a failure, so every authentic event gets it, of whatever type.
    A provider that gives up after a few failures, or tries again only on 5xx, loses what it is refused.
    """
    try:
        body = read_body(request, settings.WEBHOOK_BODY_LIMIT)
        client = create_platform_client(platform).require(Webhooks)
        if not client.is_webhook_probe(body):
            client.authenticate_webhook(body, request.headers)
            inbox.store(platform, client.summarize_webhook(body), body)
    except BodyTooLarge as error:
        return refusal(request, platform, 413, error)
    except WebhookRejected as error:  # 400 or 401: not the provider, or with a secret that is not known here
        return refusal(request, platform, error.status, error)
    except PlatformNotConfigured:  # nothing can be verified without credentials
        return answer(platform, 401, "This platform is not configured.")
    except Error as error:
        if not is_away(error):
            raise
        # Not stored, or not surely: the provider is to send it again.
        return answer(platform, 503, "Try again later.", {"Retry-After": "5"})
    return HttpResponse(TAKEN, content_type="application/json")


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The raw body, of which no more than `limit` bytes are ever held. Raises BodyTooLarge."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > limit):
        raise BodyTooLarge
    body: bytes = request.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def refusal(request: HttpRequest, platform: str, status: int, error: Exception) -> JsonResponse:
    """Whoever has sent too many of these is told so, and no more is made of it. What is authentic never comes here."""
    try:
        rates.count("refused webhooks", network_of(request))
    except rates.TooMany as too_many:
        headers = {"Retry-After": str(too_many.seconds_left)}
        response = JsonResponse({"detail": str(too_many)}, status=429, headers=headers)
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django would write a line for each
        return response
    refusals.count(platform, error)
    return answer(platform, status, str(error))


def answer(platform: str, status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    logger.warning("webhook_refused platform=%s status=%s reason=%s", platform, status, detail)
    return JsonResponse({"detail": detail}, status=status, headers=headers)
