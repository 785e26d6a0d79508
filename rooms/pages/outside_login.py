"""Signing in to pages and Admin by the page of an OpenID Connect issuer, where one is configured."""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from rooms import logins, second_factor, sign_in_entries
from rooms.oidc.issuer import IssuerAway
from rooms.oidc.sign_in import NotSignedIn, begin, complete, is_offered
from rooms.pages.login import refusal

logger = logging.getLogger(__name__)

COOKIE = "outside-login"
PATH = "/login/outside"
BACKEND = "django.contrib.auth.backends.ModelBackend"
KEPT_FOR = timedelta(minutes=15)  # until the browser has to be back
# After which somebody signs in again: who has left a group has its rights for no longer.
SESSION_LASTS = timedelta(hours=12)
AWAY = gettext_noop("The sign-in service does not answer. Try again later.")
NOT_COMPLETED = gettext_noop("The sign-in was not completed. Please try again.")


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    if not is_offered():
        raise Http404
    try:
        address, kept = begin()
    except IssuerAway:
        return refusal(request, AWAY, 503)
    response = redirect(address)
    response.set_cookie(
        COOKIE,
        signing.dumps(kept | {"next": safe_next(request, request.GET.get("next", ""))}, salt=COOKIE),
        max_age=KEPT_FOR,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_GET
@never_cache
def done(request: HttpRequest) -> HttpResponse:
    """Where the issuer sends the browser back to."""
    if not is_offered():
        raise Http404
    response = _completed(request)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _completed(request: HttpRequest) -> HttpResponse:
    try:
        kept = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=KEPT_FOR)
        logins.count_for_address(request)
        user = complete(request.GET.dict(), kept)
    except signing.BadSignature:
        return refusal(request, NOT_COMPLETED, 400)
    except logins.TooManyAttempts as error:
        return refusal(request, logins.TOO_MANY, 429, error.seconds_left)
    except NotSignedIn as error:
        logger.warning("outside_login_refused reason=%s", error)
        return refusal(request, NOT_COMPLETED, 403)
    except IssuerAway:
        return refusal(request, AWAY, 503)
    login(request, user, backend=BACKEND)
    second_factor.note_shown(request)
    sign_in_entries.signed_in(request, user, sign_in_entries.SINGLE_SIGN_ON)
    request.session.set_expiry(SESSION_LASTS)
    return redirect(safe_next(request, kept["next"]))


def safe_next(request: HttpRequest, address: str) -> str:
    """A page of ours; the first one for any other address."""
    hosts, is_secure = {request.get_host()}, request.is_secure()
    if url_has_allowed_host_and_scheme(address, allowed_hosts=hosts, require_https=is_secure):
        return address
    return resolve_url(settings.LOGIN_REDIRECT_URL)
