"""What all views of the API have in common."""

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rooms.api import scopes
from rooms.api.input import JSONParser
from rooms.api.schema import Schema
from rooms.api.throttling import require_rate
from rooms.models import ApiKey


class AlwaysJSON(DefaultContentNegotiation):
    """There is one format: no Accept header and no ?format= makes an answer fail."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    schema = Schema()
    content_negotiation_class = AlwaysJSON
    parser_classes = [JSONParser]
    limit = ""  # the name of what limits how often one caller may ask, if anything does

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ends the circles between view, request and response: they, and all that they hold, would wait in memory until
        garbage is collected, and collecting it takes longer than making most answers.
        """
        response = super().dispatch(request, *args, **kwargs)
        del self.response
        for name in ("request", "view"):
            del self.request.parser_context[name]
        if isinstance(response, Response):
            cast(Any, response).renderer_context = {"request": self.request}
        return response

    def check_permissions(self, request: Request) -> None:
        """A method that no one may use is answered 405, whoever asks."""
        if not hasattr(self, (request.method or "").lower()):
            self.http_method_not_allowed(request)
        super().check_permissions(request)
        if isinstance(request.auth, ApiKey):
            scopes.require(request.auth, request)

    def check_throttles(self, request: Request) -> None:
        super().check_throttles(request)
        if self.limit:
            require_rate(self.limit, request)


class IsAuthenticatedOrPublicModeReadOnly(BasePermission):
    """In public mode everybody may read; else people sign in first."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or (settings.PUBLIC_MODE and request.method in SAFE_METHODS))
