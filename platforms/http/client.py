"""The one place that speaks HTTP to a provider: limits, retries, breaker, and errors in our own terms."""

import json
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError, ReadTimeoutError
from urllib3.util import Timeout

from platforms.exceptions import PlatformError, PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.health.figures import counter
from platforms.http.breaker import Breaker
from platforms.http.deadlines import BoundedAdapter
from platforms.http.time_limit import deadline_of
from platforms.pauses import shortened
from platforms.payloads import load, number

logger = logging.getLogger(__name__)

ATTEMPTS = 3
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
LONGEST_RETRY_WAIT_SECONDS = 5.0  # a provider that asks for more is told to the caller, not waited for
LONGEST_RETRY_AFTER_SECONDS = 3600.0  # the most that a caller is told
BACKOFF_SECONDS = 0.25  # before the second attempt, doubled for each further one
BODY_LIMIT_BYTES = 5 * 1024 * 1024
ERROR_TEXT_LIMIT = 300  # characters
LOOK_SECONDS = 3.0  # that a mere look whether something is there may take
TOKENS_HIDDEN = 256  # latest ones of those that are made for each call; more are not under way at once
POOL_SIZE = 64  # connections kept open; more are made and dropped as needed


@dataclass(frozen=True)
class Limits:
    """Seconds to connect, to wait for an answer, for all attempts together, and the longest wait that is asked for."""

    connect: float
    read: float
    total: float
    retry_after: float = LONGEST_RETRY_WAIT_SECONDS


def provider_limits() -> Limits:
    return Limits(settings.PROVIDER_CONNECT_TIMEOUT, settings.PROVIDER_READ_TIMEOUT, settings.PROVIDER_TOTAL_TIMEOUT)


class ProviderAPI:
    """A provider's REST API: one session of reused connections, shared by threads.

    All calls raise PlatformUnavailable for what may pass (no connection, time over, 429, 5xx, an unreadable
    answer, an open breaker), PlatformRejected, with the `status`, for any other refusal, and PlatformNotConfigured
    for an address or a token that cannot be sent.

    A call is repeated within the limits when that does no harm: the method is idempotent, or the
    provider cannot have acted on it (no connection was made, or 429).

    `auth` is the token that all calls bear, or makes one for each: signed for it, or fetched when the last one is over.
    A call may bear a token of its own instead. Neither these nor `secrets` ever appear in a message, whatever the
    provider echoes. `wait_in_body` finds the seconds to wait in the JSON of a 429 that has no Retry-After.
    """

    def __init__(
        self,
        platform: str,
        label: str,
        base_url: str,
        auth: str | Callable[[], str] = "",
        secrets: tuple[str, ...] = (),
        wait_in_body: Callable[[Mapping[str, Any]], float | None] = lambda answer: None,
        limits: Callable[[], Limits] = provider_limits,
    ) -> None:
        self.platform = platform
        self.label = label
        self.base_url = base_url.rstrip("/")
        self.auth = auth if callable(auth) else lambda: auth
        self.secrets = tuple(secret for secret in (auth, *secrets) if isinstance(secret, str) and secret)
        self._latest = deque[str](maxlen=TOKENS_HIDDEN)
        self.wait_in_body = wait_in_body
        self.limits = limits
        self.breaker = Breaker(service=(platform or label)[:32])
        self.session = requests.Session()
        self.session.trust_env = False  # a netrc entry would replace the Authorization header
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # a jar would be shared by threads
        adapter = BoundedAdapter(pool_connections=2, pool_maxsize=POOL_SIZE)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self.request("GET", path, params=params)

    def exists(self, path: str) -> bool:
        """Whether the provider knows such a thing; for people who wait, so that less time is taken than usual."""
        try:
            self.request("GET", path, total=LOOK_SECONDS)
        except PlatformRejected as error:
            if error.status != 404:
                raise
            return False
        return True

    def post(self, path: str, body: Mapping[str, Any], repeatable: bool = False, token: str = "") -> Any:
        """`repeatable` says that the same call twice does no harm, so that a lost answer may be asked again."""
        return self.request("POST", path, json=body, repeatable=repeatable, token=token)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        repeatable: bool | None = None,
        total: float | None = None,
        token: str = "",
        **kwargs: Any,
    ) -> Any:
        """The decoded JSON answer, or None for an empty one. `kwargs` are those of requests.Request (`files` ...).

        `token` is what this call bears, where that is not what `auth` says, as one that is good for one room only.
        `total` is how many seconds all attempts may take together, where that is less than the limits say.
        """
        may_repeat = method in IDEMPOTENT if repeatable is None else repeatable
        limits = self.limits()
        deadline = deadline_of(min(limits.total, total or limits.total))
        attempt = 0
        while True:
            attempt += 1
            self._require_closed_breaker()
            try:
                return self._attempt(method, path, deadline, token, kwargs)
            except _Failed as failure:
                pause = failure.pause(attempt)
                repeat = (may_repeat or not failure.acted_on) and failure.asked_to_wait <= limits.retry_after
                last = attempt == ATTEMPTS or time.monotonic() + pause >= deadline
                if not repeat or last or self.breaker.is_open:
                    raise
            time.sleep(pause)

    def _require_closed_breaker(self) -> None:
        if wait := self.breaker.seconds_to_wait():
            raise PlatformUnavailable(
                f"{self.label} failed {self.breaker.failures} times in a row and is left alone for a moment.",
                self.platform,
                retry_after=wait,
            )

    def _attempt(self, method: str, path: str, deadline: float, token: str, kwargs: Mapping[str, Any]) -> Any:
        started = time.monotonic()
        try:
            answer = self._answer(method, path, *self._send(method, path, deadline, token, kwargs))
        except (_Failed, PlatformRejected) as error:
            # Only an absent provider opens the breaker: one that refuses, or asks for less (429), is there, and a
            # burst of calls for one room must not cut off all others.
            is_there = error.status is not None and error.status < 500
            seconds = self._note(started, is_there, error)
            logger.warning(
                "provider_call_failed platform=%s method=%s path=%s status=%s ms=%d",
                *(self.platform, method, self._redacted(path), error.status, seconds * 1000),
            )
            raise
        self._note(started, is_there=True)
        return answer

    def _note(self, started: float, is_there: bool, error: PlatformError | None = None) -> float:
        """How long the attempt took, in seconds."""
        seconds = time.monotonic() - started
        self.breaker.record(is_there, str(error or ""), is_good=error is None)
        if self.platform:
            counter.count_call(self.platform, seconds, not isinstance(error, PlatformUnavailable))
        return seconds

    def _send(
        self, method: str, path: str, deadline: float, token: str, kwargs: Mapping[str, Any]
    ) -> tuple[requests.Response, bytes]:
        limits = self.limits()
        # The first limit also holds for sending, which takes its time with a file.
        connect = limits.read if "files" in kwargs else limits.connect
        timeout: Any = Timeout(connect=connect, read=limits.read, total=max(0.001, deadline - time.monotonic()))
        sent = {**kwargs, "headers": {**kwargs.get("headers", {}), **self._authorization(token)}}
        try:
            request = self.session.prepare_request(requests.Request(method, self.base_url + path, **sent))
        except ValueError as error:
            raise self._unsendable(error) from error
        try:
            with self.session.send(request, timeout=timeout, allow_redirects=False, stream=True) as response:
                return response, self._read(response, method, path)
        except (UnicodeError, LocationParseError, requests.exceptions.InvalidSchema) as error:
            raise self._unsendable(error) from error
        except (requests.RequestException, HTTPError) as error:
            what, acted_on = _meaning(error)
            raise self._failed(method, path, what, acted_on=acted_on) from error

    def _authorization(self, token: str) -> dict[str, str]:
        token = token or self.auth()
        if not token:
            return {}
        if token not in self.secrets and token not in self._latest:
            self._latest.append(token)
        return {"Authorization": f"Bearer {token}"}

    def _read(self, response: requests.Response, method: str, path: str) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > BODY_LIMIT_BYTES:
                raise self._failed(method, path, "sent an answer that is too large")
        return bytes(content)

    def _answer(self, method: str, path: str, response: requests.Response, content: bytes) -> Any:
        status = response.status_code
        if status == 429 or status >= 500:
            asked = retry_after(response.headers.get("Retry-After", ""))
            if asked is None and status == 429:
                asked = self.wait_in_body(load(content))
            what = f"answered {status}: {self.safe_text(content)}"
            raise self._failed(method, path, what, status=status, acted_on=status != 429, asked_to_wait=asked)
        if status >= 300:
            message = f"{self.label} refused {method} {self._redacted(path)} with {status}: {self.safe_text(content)}"
            raise PlatformRejected(message, self.platform, status)
        if not content:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._failed(method, path, "answered with something that is not JSON") from error

    def _failed(self, method: str, path: str, what: str, **details: Any) -> "_Failed":
        return _Failed(f"{self.label} {what} ({method} {self._redacted(path)}).", self.platform, **details)

    def _unsendable(self, error: Exception) -> PlatformNotConfigured:
        return PlatformNotConfigured(
            f"{self.label} cannot be called: its address or key is not valid ({type(error).__name__}).", self.platform
        )

    def safe_text(self, content: bytes) -> str:
        """A provider's words, short enough and clean enough for a log and for every database."""
        said = self._redacted(content.decode("utf-8", "replace"))
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:ERROR_TEXT_LIMIT]

    def _redacted(self, text: str) -> str:
        for secret in (*self.secrets, *self._latest):
            for written in {secret, quote(secret, safe=""), secret.replace("/", "\\/")}:
                text = text.replace(written, "[secret]")
        return text


class _Failed(PlatformUnavailable):
    """One attempt that failed. `acted_on` tells whether the provider may have done what was asked."""

    def __init__(
        self,
        message: str,
        platform: str,
        status: int | None = None,
        acted_on: bool = True,
        asked_to_wait: float | None = None,
    ) -> None:
        super().__init__(message, platform)
        self.status = status
        self.acted_on = acted_on
        self.asked_to_wait = asked_to_wait or 0.0
        if asked_to_wait is not None:
            self.retry_after = min(asked_to_wait, LONGEST_RETRY_AFTER_SECONDS)

    def pause(self, attempt: int) -> float:
        """Seconds before the next attempt: what was asked for, and some more, so that not all come back at once."""
        backoff: float = BACKOFF_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  (guards nothing)
        return self.asked_to_wait + shortened(backoff)


def _meaning(error: Exception) -> tuple[str, bool]:
    """What went wrong on the way, and whether the provider may have acted on the call."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return "could not be reached", False
    if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
        return "did not answer in time", True
    if isinstance(error, requests.exceptions.SSLError):
        return "has no certificate that is trusted, or does not encrypt", True
    return "broke the connection off", True


@contextmanager
def unless_gone(*words: str) -> Iterator[None]:
    """Let a refusal pass that says that there is no such thing (any more): by status 404, or by one of these words."""
    try:
        yield
    except PlatformRejected as error:
        said = str(error).replace(" ", "")
        if error.status != 404 and not any(word in said for word in words):
            raise


def path_to(kind: str, name: str) -> str:
    """The path of one thing below the API's address, whatever its name holds."""
    return f"/{kind}/{quote(name, safe='')}"


def retry_after(header: str) -> float | None:
    """Seconds from now that a Retry-After header asks for, as a number or as a date; None when it says neither."""
    seconds = number(header)
    if seconds is None and header:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
    return None if seconds is None else max(0.0, seconds)
