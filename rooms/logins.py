"""Logging in, and how often somebody may try: from one address and at one account, whatever process is asked.

The attempts are counted in the database, which a login needs anyway: nothing else that is away keeps people out.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop

from platforms.limits.callers import network_of
from rooms import sign_in_entries
from rooms.models import LoginAttempts

PER_ADDRESS = 10
PER_ACCOUNT = 5
WINDOW = timedelta(minutes=5)  # from the first attempt
TOO_MANY = gettext_noop("Too many login attempts. Try again later.")
SAME_EMAIL = 5  # accounts that are tried; each costs a slow hash
FORGOTTEN_AT_ONCE = 100  # rows


class TooManyAttempts(Exception):
    def __init__(self, since: Any) -> None:
        super().__init__(TOO_MANY)
        self.seconds_left = max(1.0, (since + WINDOW - timezone.now()).total_seconds())


def log_in(request: HttpRequest, name: str, password: str) -> Any:
    """Whose e-mail address, or user name, and password these are; None for nobody. Raises TooManyAttempts.

    Several accounts may have one address. For a name that is not known just as much is computed and counted.
    """
    accounts = _accounts_called(name)
    if not accounts:
        _count(f"name {name.lower()}", PER_ACCOUNT)
        if (user := authenticate(request, username=name, password=password)) is None:
            sign_in_entries.refused(request, None, sign_in_entries.PASSWORD)
        return user
    counted, refusal = [], None
    for account in accounts:
        try:
            count_for_account(account)
        except TooManyAttempts as error:
            refusal = error
            sign_in_entries.locked_out(request, account)
            continue
        counted.append(account)
        if user := authenticate(request, username=account.get_username(), password=password):
            forget(counted)
            return user
    for account in counted:
        sign_in_entries.refused(request, account, sign_in_entries.PASSWORD)
    if refusal and not counted:
        raise refusal
    return None


def _accounts_called(name: str) -> list[Any]:
    users = get_user_model().objects.order_by("pk")
    by_email = users.filter(email__iexact=name, is_active=True)[:SAME_EMAIL]
    return list(by_email) or list(users.filter(username=name))


def count_for_address(request: HttpRequest) -> None:
    """Raises TooManyAttempts."""
    try:
        _count(f"address {network_of(request)}", PER_ADDRESS)
    except TooManyAttempts:
        sign_in_entries.locked_out(request)
        raise


def count_for_account(user: Any) -> None:
    """Before the password is looked at, so that of attempts made at once none is free. Raises TooManyAttempts."""
    _count(_account(user), PER_ACCOUNT)


def count_for_code(user: Any) -> None:
    """As `count_for_account`, for the code of a second factor. Raises TooManyAttempts."""
    _count(_code(user), PER_ACCOUNT)


def forget_codes(user: Any) -> None:
    LoginAttempts.objects.filter(subject=_hidden(_code(user))).delete()


def is_password_of(user: Any, password: str) -> bool:
    """Whoever finds somebody's session has no more attempts than at a login. Raises TooManyAttempts."""
    count_for_account(user)
    if not user.check_password(password):
        return False
    forget([user])
    return True


def forget(users: Sequence[Any]) -> None:
    """What was counted for them, as one has shown to be the right person."""
    LoginAttempts.objects.filter(subject__in=[_hidden(_account(user)) for user in users]).delete()


def _account(user: Any) -> str:
    return f"account {user.pk}"


def _code(user: Any) -> str:
    return f"code {user.pk}"


def _count(subject: str, limit: int) -> None:
    now = timezone.now()
    with transaction.atomic():
        attempts, is_new = LoginAttempts.objects.select_for_update().get_or_create(
            subject=_hidden(subject), defaults={"since": now}
        )
        if attempts.since <= now - WINDOW:
            attempts.since, attempts.count = now, 0
        if attempts.count >= limit:
            raise TooManyAttempts(attempts.since)
        attempts.count += 1
        attempts.save()
        if is_new:
            _forget_old(now)


def _forget_old(now: Any) -> None:
    """A few for each new one, so that they never become many; those in use are left to their users."""
    old = LoginAttempts.objects.select_for_update(skip_locked=True).filter(since__lte=now - WINDOW)
    LoginAttempts.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()


def _hidden(subject: str) -> str:
    """Who tried to log in from where is nobody's business."""
    return salted_hmac("login attempts", subject, algorithm="sha256").hexdigest()
