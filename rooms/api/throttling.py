"""How often a caller may try."""

import hashlib
import time

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

ATTEMPTS = 10
WINDOW = 300  # seconds, from the first attempt


class LoginThrottle(BaseThrottle):
    """Counts with one atomic step, so that attempts made at once are all counted."""

    seconds_left: float = 0

    def allow_request(self, request: Request, view: object) -> bool:
        caller = hashlib.sha256(str(self.get_ident(request)).encode()).hexdigest()
        now = time.time()
        started: float = cache.get_or_set(f"login-window:{caller}", now, WINDOW) or now
        counter = f"login-count:{caller}:{started}"
        cache.add(counter, 0, WINDOW)
        self.seconds_left = started + WINDOW - now
        try:
            return cache.incr(counter) <= ATTEMPTS
        except ValueError:  # dropped by a full cache at this very moment
            return True

    def wait(self) -> float:
        return max(1.0, self.seconds_left)
