"""The one place that speaks HTTP to a provider: limits, retries, breaker, and errors in our own terms."""

import json
import logging
import random
import time
from collections.abc import Mapping
from typing import Any

import pybreaker
import requests
import tenacity
from django.conf import settings
from requests.adapters import HTTPAdapter

from platforms.exceptions import PlatformError, PlatformRejected, PlatformUnavailable

logger = logging.getLogger(__name__)

ATTEMPTS = 3
RETRY_AFTER_CAP = 5.0  # seconds; a provider that asks for more is told to the caller, not waited for
BACKOFF = 0.25  # seconds before the second attempt, doubled for each further one
FAILURES_TO_OPEN = 5  # in a row; then the provider is left alone for BREAKER_PAUSE
BREAKER_PAUSE = 20  # seconds
BODY_LIMIT = 5 * 1024 * 1024  # bytes
ERROR_TEXT_LIMIT = 300  # characters
POOL_SIZE = 64  # connections kept open; more are made and dropped as needed


class ProviderAPI:
    """A provider's REST API: one session of reused connections, shared by threads.

    All calls raise PlatformUnavailable for what may pass (no connection, time over, 429, 5xx, an unreadable
    answer, an open breaker) and PlatformRejected, with the `status`, for any other 4xx.

    `secrets` never appear in a message, whatever the provider echoes.
    """

    def __init__(self, platform: str, label: str, base_url: str, token: str, secrets: tuple[str, ...] = ()) -> None:
        self.platform = platform
        self.label = label
        self.base_url = base_url
        self.secrets = tuple(secret for secret in (token, *secrets) if secret)
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES_TO_OPEN, reset_timeout=BREAKER_PAUSE, exclude=[PlatformRejected]
        )
        self.session = requests.Session()
        self.session.trust_env = False  # a netrc entry would replace the Authorization header
        self.session.headers["Authorization"] = f"Bearer {token}"
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=POOL_SIZE)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self.request("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any], repeatable: bool = False) -> Any:
        """`repeatable` says that the same call twice does no harm, so that a lost answer may be asked again."""
        return self.request("POST", path, json=body, repeatable=repeatable)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def request(self, method: str, path: str, repeatable: bool | None = None, **kwargs: Any) -> Any:
        """The decoded JSON answer, or None for an empty one."""
        may_repeat = method != "POST" if repeatable is None else repeatable
        deadline = time.monotonic() + settings.PROVIDER_TOTAL_TIMEOUT

        def attempt() -> Any:
            return self.breaker.call(self._attempt, method, path, deadline, kwargs)

        try:
            return _retrying(deadline, may_repeat)(attempt)
        except pybreaker.CircuitBreakerError as error:
            raise PlatformUnavailable(
                f"{self.label} failed {FAILURES_TO_OPEN} times in a row and is left alone for a moment.",
                self.platform,
                retry_after=BREAKER_PAUSE,
            ) from error

    def _attempt(self, method: str, path: str, deadline: float, kwargs: Mapping[str, Any]) -> Any:
        remaining = deadline - time.monotonic()
        timeout = (
            min(settings.PROVIDER_CONNECT_TIMEOUT, remaining),
            min(settings.PROVIDER_READ_TIMEOUT, remaining),
        )
        try:
            with self.session.request(
                method, self.base_url + path, timeout=timeout, allow_redirects=False, stream=True, **kwargs
            ) as response:
                content = _read(response, deadline)
        except requests.ConnectTimeout as error:
            raise self._unavailable(method, path, "did not accept the connection in time", sent=False) from error
        except requests.Timeout as error:
            raise self._unavailable(method, path, "did not answer in time") from error
        except requests.ConnectionError as error:
            sent = "NewConnectionError" not in repr(error)
            raise self._unavailable(method, path, "could not be reached", sent=sent) from error
        except requests.RequestException as error:
            raise self._unavailable(method, path, "broke off its answer") from error
        if response.status_code >= 300:
            raise self._failure(method, path, response, content)
        if not content:
            return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise self._unavailable(method, path, "answered with something that is not JSON") from error

    def _failure(self, method: str, path: str, response: requests.Response, content: bytes) -> PlatformError:
        status = response.status_code
        text = self.safe_text(content)
        logger.warning("provider_call_failed platform=%s method=%s status=%s", self.platform, method, status)
        if status == 429 or status >= 500:
            retry_after = _retry_after(response)
            return self._unavailable(
                method, path, f"answered {status}: {text}", sent=status != 429, retry_after=retry_after
            )
        return PlatformRejected(f"{self.label} refused {method} {path} with {status}: {text}", self.platform, status)

    def _unavailable(
        self, method: str, path: str, what: str, sent: bool = True, retry_after: float | None = None
    ) -> PlatformUnavailable:
        error = _Attempt(f"{self.label} {what} ({method} {path}).", self.platform)
        error.sent = sent
        error.asked_to_wait = retry_after
        error.retry_after = max(retry_after or 0, error.retry_after)
        return error

    def safe_text(self, content: bytes) -> str:
        """A provider's words, short enough and clean enough for a log."""
        text = " ".join(content[: 4 * ERROR_TEXT_LIMIT].decode("utf-8", "replace").split())
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return text[:ERROR_TEXT_LIMIT]


class _Attempt(PlatformUnavailable):
    """One attempt that failed; `sent` tells whether the provider may have acted on it."""

    sent = True
    asked_to_wait: float | None = None


def _retrying(deadline: float, may_repeat: bool) -> tenacity.Retrying:
    def worth_repeating(error: BaseException) -> bool:
        return (
            isinstance(error, _Attempt)
            and (may_repeat or not error.sent)
            and (error.asked_to_wait or 0) <= RETRY_AFTER_CAP
        )

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked: float = (error.asked_to_wait or 0) if isinstance(error, _Attempt) else 0
        backoff: float = BACKOFF * 2 ** (state.attempt_number - 1)
        return max(asked, backoff * random.uniform(0.5, 1.5))  # noqa: S311  (spreads load, guards nothing)

    def over(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or time.monotonic() + state.upcoming_sleep >= deadline

    return tenacity.Retrying(retry=tenacity.retry_if_exception(worth_repeating), wait=pause, stop=over, reraise=True)


def _read(response: requests.Response, deadline: float) -> bytes:
    """The whole body, unless it is too large or drips past the deadline."""
    content = bytearray()
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > BODY_LIMIT:
            raise requests.exceptions.ContentDecodingError("too large")
        if time.monotonic() > deadline:
            raise requests.exceptions.ReadTimeout("total time over")
    return bytes(content)


def _retry_after(response: requests.Response) -> float | None:
    """Seconds asked for by the header; a date or nonsense counts as not given."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
