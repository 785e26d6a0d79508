"""The second factor of an account: a code that an app makes anew every 30 seconds, or one of some recovery codes.

Whoever signs in with a password is asked for it, on pages, in Admin and by the API. A session remembers that it was
shown, so that nothing is looked up for a page. API keys are not asked for one, nor are people whom the issuer of
OpenID Connect signed in: asking is the issuer's part.
"""

import time
from base64 import b32encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from rooms import logins, sign_in_entries
from rooms.browsers import browsers_of, sign_out

RECOVERY_CODES = 10
CODE_LENGTH = 16  # characters, at most
SHOWN = "second_factor"  # where a session keeps that it was shown, or need not be
WAITING = "waiting_for_second_factor"  # where a session keeps whose password was right
WAITS = timedelta(minutes=5)
# Where whoever has to set one up may go before that.
OPEN_PATHS = ("/account/second-factor", "/login", "/logout", "/static/", "/health", "/ready", "/metrics")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def is_on(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def new_secret() -> str:
    """As hexadecimal digits."""
    return str(random_hex(20))


def typed(secret: str) -> str:
    """As people type it into an app that cannot read the picture."""
    return b32encode(bytes.fromhex(secret)).decode()


def address_of(user: Any, secret: str) -> str:
    """What the picture says to an app."""
    return str(TOTPDevice(user=user, key=secret).config_url)


def turn_on(request: HttpRequest, secret: str, code: str) -> list[str]:
    """The recovery codes; none where the code is not right. Signs out other browsers, which have not shown it."""
    code = _plain(code)
    totp = TOTP(bytes.fromhex(secret))
    totp.time = time.time()
    if not code.isdecimal() or not totp.verify(int(code), tolerance=1):
        return []
    user: Any = request.user
    with transaction.atomic():
        get_user_model().objects.select_for_update().get(pk=user.pk)
        TOTPDevice.objects.filter(user=user).delete()
        TOTPDevice.objects.create(user=user, name="app", key=secret, last_t=totp.t(), drift=totp.drift)
        codes = new_codes(user)
        sign_out(browsers_of(user).exclude(session=request.session.session_key))
    request.session[SHOWN] = True
    return codes


def new_codes(user: Any) -> list[str]:
    """Those from before open nothing any more."""
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes")
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def turn_off(user: Any) -> bool:
    """Whether there was one."""
    with transaction.atomic():
        deleted, _ = TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
    return bool(deleted)


def check(request: HttpRequest, user: Any, code: str) -> bool:
    """Whether it is the app's code, or a recovery code; each counts once. Raises TooManyAttempts.

    Attempts are counted apart from those at the password, which whoever gets as far as this knows. After each wrong
    code the library takes none for twice as long.
    """
    try:
        is_right = _check(user, code)
    except logins.TooManyAttempts:
        sign_in_entries.locked_out(request, user)
        raise
    if not is_right:
        sign_in_entries.refused(request, user, sign_in_entries.CODE)
    return is_right


def _check(user: Any, code: str) -> bool:
    logins.count_for_code(user)
    code = _plain(code)
    kind = TOTPDevice if code.isdecimal() else StaticDevice
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return False
        is_allowed, refusal = device.verify_is_allowed()
        if not is_allowed:
            raise logins.TooManyAttempts(refusal["locked_until"] - logins.WINDOW)
        is_right = bool(device.verify_token(code))
    if is_right:
        logins.forget_codes(user)
    return is_right


def _plain(code: str) -> str:
    """Apps show it in groups."""
    return code.replace(" ", "").replace("-", "").lower()


# Of a browser


def wait_for_code(request: HttpRequest, user: Any) -> None:
    """The password was right: the browser is signed in once the code was, too."""
    request.session[WAITING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": time.time() + WAITS.total_seconds(),
    }


def waiting(request: HttpRequest) -> Any | None:
    """Whose code is waited for, if anybody's."""
    kept = request.session.get(WAITING)
    if not kept or kept["until"] < time.time():
        return None
    user = get_user_model().objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept["password"]):
        return None
    return user


def note_shown(request: HttpRequest) -> None:
    request.session.pop(WAITING, None)
    request.session[SHOWN] = True


def is_required(user: Any) -> bool:
    return bool(settings.REQUIRE_SECOND_FACTOR and user.is_staff)


def requiring_it(get_response: GetResponse) -> GetResponse:
    """Leads staff who have none to where they set it up. For the API their session is nobody's until then."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not _is_missing(request):
            return get_response(request)
        if request.path_info.startswith("/v1/"):
            request.user = AnonymousUser()
            return get_response(request)
        return redirect("second-factor")

    return answer


def _is_missing(request: HttpRequest) -> bool:
    return (
        settings.REQUIRE_SECOND_FACTOR
        and settings.SESSION_COOKIE_NAME in request.COOKIES
        and not request.path_info.startswith(OPEN_PATHS)
        and request.user.is_authenticated
        and is_required(request.user)
        and not request.session.get(SHOWN)
    )
