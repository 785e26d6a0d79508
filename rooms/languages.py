"""The language that somebody chose: a browser keeps it in a cookie, and an account brings it to other browsers."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from rooms.models import ChosenLanguage

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def choose(user: Any, language: str) -> None:
    """Of a language that there is none of nothing is kept."""
    if language in dict(settings.LANGUAGES):
        ChosenLanguage.objects.update_or_create(user=user, defaults={"code": language})


def bring(request: HttpRequest, user: Any) -> None:
    """Somebody has signed in: the browser is told with the answer."""
    request.brought_language = _known(ChosenLanguage.objects.filter(user=user))  # type: ignore[attr-defined]


def language_of_mails(address: str) -> str:
    """What its account chose, else MAIL_LANGUAGE."""
    chosen = ChosenLanguage.objects.filter(user__email__iexact=address, user__is_active=True)
    return _known(chosen) or settings.MAIL_LANGUAGE


def keeping_language(get_response: GetResponse) -> GetResponse:
    """With a cookie the language costs no query on other pages."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if language := getattr(request, "brought_language", ""):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                language,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite="Lax",  # LANGUAGE_COOKIE_SAMESITE
            )
        return response

    return answer


def _known(chosen: Any) -> str:
    """One that pages are still in, and that all of them chose; empty where there is none."""
    codes = set(chosen.values_list("code", flat=True))
    return codes.pop() if len(codes) == 1 and codes <= set(dict(settings.LANGUAGES)) else ""
