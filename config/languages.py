"""The texts of scripts, in the languages that pages are in."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

KEPT_FOR = 600  # seconds


@method_decorator(cache_control(public=True, max_age=KEPT_FOR), name="dispatch")
class ScriptTexts(JavaScriptCatalog):
    """What static/language.js looks texts up in. Pages in English, as texts are written, do not load it."""

    http_method_names = ["get", "head"]
    packages = list(settings.TRANSLATED_APPS)

    def get(self, request: HttpRequest, language: str) -> HttpResponse:
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            return super().get(request)
