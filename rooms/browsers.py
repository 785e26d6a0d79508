"""The browsers that somebody is signed in with: noted as they sign in, and now and then while they are used."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from rooms.models import SignedInBrowser

PRECISION_SECONDS = 600  # so that a busy browser costs no write for each request
REMEMBERED = 10_000  # browsers, by each process

# What stands in what a browser calls itself -> what people call it. The first counts: most name others as well.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}

_noted: dict[str, float] = {}  # key of a session -> when this process noted it last

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def noting_browsers(get_response: GetResponse) -> GetResponse:
    """Comes after the session. Looks only at one that the answer was made by, so that all others stay untouched."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code < 500 and request.session.accessed and _is_due(request.session.session_key):
            with suppress(DatabaseError), transaction.atomic():  # a database that only reads still answers
                if _is_of_caller(request):
                    note(request, request.user)
        return response

    return answer


def _is_due(key: str | None) -> bool:
    return key is not None and time.monotonic() - _noted.get(key, -PRECISION_SECONDS) >= PRECISION_SECONDS


def _is_of_caller(request: HttpRequest) -> bool:
    """Whether the session is of whoever asked: a token may name somebody else."""
    return request.user.is_authenticated and request.session.get(SESSION_KEY) == str(request.user.pk)


def note(request: HttpRequest, user: Any) -> None:
    """That somebody uses this browser now."""
    if not request.session.session_key:
        request.session.save()
    key = str(request.session.session_key)
    if len(_noted) >= REMEMBERED:
        _noted.clear()
    _noted[key] = time.monotonic()
    if Session.objects.filter(pk=key).exists():
        seen = {"user": user, "label": label_of(request.headers.get("User-Agent", "")), "last_seen_at": timezone.now()}
        SignedInBrowser.objects.update_or_create(session_id=key, defaults=seen)


def label_of(agent: str) -> str:
    """Such as Firefox on Linux; empty for a program that names neither."""
    browser, system = (_first_in(agent, names) for names in (BROWSERS, SYSTEMS))
    return f"{browser or 'A browser'} on {system}" if system else browser


def _first_in(agent: str, names: Mapping[str, str]) -> str:
    return next((name for part, name in names.items() if part in agent), "")


def browsers_of(user: Any) -> QuerySet[SignedInBrowser]:
    return SignedInBrowser.objects.filter(user=user, session__expire_date__gt=timezone.now())


def sign_out(browsers: QuerySet[SignedInBrowser]) -> int:
    """How many there were."""
    keys = list(browsers.order_by().values_list("session", flat=True))
    Session.objects.filter(pk__in=keys).delete()
    return len(keys)
