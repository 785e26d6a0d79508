"""What is answered to machines before anything is done that only people need; and to all, when a database is away."""

from collections.abc import Callable
from typing import Any, cast

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.http import Http404, HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import get_resolver
from django.utils import translation
from django.utils.cache import patch_vary_headers
from rest_framework.response import Response
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from config.errors import unavailable
from config.metrics import metrics_page
from config.readiness import Ready
from platforms.webhooks.urls import webhook_routes
from platforms.webhooks.views import receive
from rooms.api.public_views import Health

GetResponse = Callable[[HttpRequest], HttpResponseBase]

IN_ENGLISH = ("/v1/", "/openapi.json", "/media/")

_probes: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/health": Health.as_view(),
    "/ready": Ready.as_view(),
    "/metrics": metrics_page,
}


def probes(get_response: GetResponse) -> GetResponse:
    """Comes first: probes call by address, by http, and some name no host."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if (probe := _probes.get(request.path_info)) is None:
            return get_response(request)
        response = probe(request)
        return response.render() if isinstance(response, Response) else response

    return answer


def webhooks(get_response: GetResponse) -> GetResponse:
    """Comes after the redirect to https."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        platform = webhook_routes().get(request.path_info) if request.path_info.startswith("/v1/") else None
        if platform is None:
            return get_response(request)
        request.get_host()  # raises DisallowedHost
        return receive(request, platform)

    return answer


def not_stored(get_response: GetResponse) -> GetResponse:
    """What /v1/ answers is for who asks, whom a header names: no browser and no proxy may keep it for others."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path_info.startswith("/v1/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer


def languages(get_response: GetResponse) -> GetResponse:
    """Pages are in the language that a person chose, or else in one that their browser names.

    Not Django's LocaleMiddleware, which leaves its language to the next request of the thread: that may be for the API.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(IN_ENGLISH):
            return get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language, deactivate=True):
            response = get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response

    return answer


def own_error_pages(get_response: GetResponse) -> GetResponse:
    """Comes last. With DEBUG, Django has pages for developers: they would tell people who mistyped an address, or for
    whom a database is away, about the code.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        leads_nowhere = response.status_code == 404 and request.resolver_match is None
        return _not_found(request, Http404()) if leads_nowhere else response

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        return _not_found(request, error) if isinstance(error, Http404) else unavailable(request, error)

    answer.process_exception = process_exception  # type: ignore[attr-defined]  # looked for by Django
    return answer


def _not_found(request: HttpRequest, error: Exception) -> HttpResponseBase:
    page: Callable[..., HttpResponseBase] = get_resolver().resolve_error_handler(404)
    return page(request, exception=error)


def is_of_program(request: HttpRequest) -> bool:
    """Whether it is for the API, by no browser that is signed in. The API's documentation is a page like others."""
    path = request.path_info
    return path.startswith("/v1/") and not request.META.get("HTTP_COOKIE") and not path.startswith("/v1/schema")


class PagesOnly:
    """Goes before a middleware that does nothing for programs, which need not wait for it to find that out."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        this, middleware = cast(Any, self), cast(Any, super())
        answer: HttpResponseBase = (this.get_response if is_of_program(request) else middleware.__call__)(request)
        return answer


class StaticFiles(PagesOnly, WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    pass


class Messages(PagesOnly, MessageMiddleware):
    pass


class ContentPolicy(PagesOnly, CSPMiddleware):
    """Makes no policy for what shall have none: making one takes longer than most of what the API does otherwise."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        excluded = tuple(settings.CONTENT_SECURITY_POLICY["EXCLUDE_URL_PREFIXES"])
        return response if request.path_info.startswith(excluded) else super().process_response(request, response)


class CompressedPages(PagesOnly, GZipMiddleware):
    """Pages only: what is streamed, as audio of which a part is asked for or an archive, is sent as it is.

    BREACH (a secret told by the length of a page that repeats what an attacker sends) finds nothing: it takes many
    answers with one secret, and the secret that all pages have, the CSRF token, is masked anew by Django in every
    response, which it also pads by a random length.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page and not response.streaming else response
