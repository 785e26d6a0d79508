"""How often a caller may try."""

from rest_framework import status
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from platforms.limits import rates
from platforms.limits.callers import network_of
from rooms import logins
from rooms.api.errors import TryAgain
from rooms.api.schema import TOO_OFTEN


class LoginThrottle(BaseThrottle):
    """Counts the attempts from one address, also those that are not even complete."""

    seconds_left: float = 0

    def allow_request(self, request: Request, view: object) -> bool:
        try:
            logins.count_for_address(request._request)
        except logins.TooManyAttempts as error:
            self.seconds_left = error.seconds_left
            return False
        return True

    def wait(self) -> float:
        return self.seconds_left


def require_rate(limit: str, request: Request) -> None:
    """Raises TryAgain. People count by their account, and those who are not signed in by where they call from."""
    caller = f"network {network_of(request._request)}" if request.user.is_anonymous else f"account {request.user.pk}"
    try:
        rates.count(limit, caller)
    except rates.TooMany as error:
        detail = ErrorDetail(str(error), TOO_OFTEN.code)
        raise TryAgain(detail, error.seconds_left, status.HTTP_429_TOO_MANY_REQUESTS) from error
