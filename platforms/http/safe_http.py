"""Which addresses given by users or providers this server may call, and a session for `requests` that calls no other.

Every address that a name stands for is checked when a connection is made, and that very address is then called, so
that a name cannot mean one address to the check and another to the call.
"""

import ipaddress
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from django.conf import settings
from django.utils.translation import gettext_noop
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.http.addresses import is_public, is_public_host, is_web_port
from platforms.http.connections import CONNECT_LIMIT_SECONDS, Address, GuardedAdapter

DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECTS = 5
NOT_FOUND = "could not be found on the public internet"


class UnsafeAddress(ValueError):
    """The text says, in English, to the person who gave the address what is wrong with it.

    `place` is its host:port where an operator could let it through by OUTBOUND_ALLOWED_HOSTS.
    """

    def __init__(self, text: str, place: str = "") -> None:
        super().__init__(text)
        self.place = place


class RequestRefused(PlatformRejected):
    """A call that is not made, or not gone on with: calling again will not help. Never quotes a path or a query."""


class RequestFailed(PlatformUnavailable):
    """A call that did not come through: it may later. Never quotes a path or a query."""


# Checking


def require_public_url(url: str) -> None:
    """Raise UnsafeAddress unless this is an http(s) address whose host is a name or a public IP address.

    Its port is one of the web, and it holds no password. Looks at the text alone: what a name resolves to is checked
    when it is called. A `host:port` in OUTBOUND_ALLOWED_HOSTS is let through.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    place = _place(host, port)
    if place in settings.OUTBOUND_ALLOWED_HOSTS:
        return
    if not is_public_host(_ascii(host)):
        raise UnsafeAddress(gettext_noop("This address is not on the public internet."), place)
    if not is_web_port(port):
        raise UnsafeAddress(f"Port {port} is not one that web servers use.", place)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split(url: str) -> tuple[SplitResult, int]:
    # Readers of URLs disagree about these characters, so that one could check a host and another call a different one.
    if "\\" in url or any(character.isspace() or ord(character) < 32 for character in url):
        raise UnsafeAddress(gettext_noop("Enter an address without spaces and backslashes."))
    try:
        parts = urlsplit(url)
        default = DEFAULT_PORTS[parts.scheme]
        port = default if parts.port is None else parts.port
    except (ValueError, KeyError):
        raise UnsafeAddress(gettext_noop("Enter an address that starts with http:// or https://.")) from None
    if not parts.hostname:
        raise UnsafeAddress(gettext_noop("Enter an address with a host name."))
    if "@" in parts.netloc:
        raise UnsafeAddress(gettext_noop("Enter an address without a user name and password."))
    return parts, port


def _ascii(host: str) -> str:
    """The host as it would be called: full-width digits and other look-alikes become what they stand for."""
    if ":" in host:
        return host
    try:
        return host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        raise UnsafeAddress(gettext_noop("This host name is not valid.")) from None


# Calling


def safe_session(total: float, silence: float = 10.0, allowed: Collection[str] = ()) -> "SafeSession":
    """A session for one conversation with a public address.

    All of it, from now on, is over within `total` seconds: names, connections, redirects and bodies; and no wait for
    the next byte lasts longer than `silence` seconds. `allowed` adds host:port pairs, of addresses that the operator
    configured, to OUTBOUND_ALLOWED_HOSTS. No body is read before it is asked for: `read_all` does, up to a limit.

    Raises RequestRefused and RequestFailed; reading a body by other means also requests' and urllib3's own errors.
    """
    return SafeSession(_Guard(time.monotonic() + total, silence, frozenset(allowed)))


def read_all(response: requests.Response, limit: int) -> bytes:
    """The body, unpacked; RequestRefused when it is larger than `limit` bytes."""
    content = bytearray()
    try:
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > limit:
                raise RequestRefused(f"The answer is larger than {limit} bytes.")
    except (requests.RequestException, HTTPError, OSError) as error:
        raise RequestFailed(f"The server {_what(error)}.") from None
    finally:
        response.close()
    return bytes(content)


def read_start(response: requests.Response, limit: int) -> str:
    """The text at the beginning of a body, of at most `limit` bytes; what else there is, is not read.

    For people to look at: where it breaks off, or cannot be unpacked, what came before is all.
    """
    content = bytearray()
    with suppress(requests.RequestException, HTTPError, OSError):
        for chunk in response.iter_content(1024):
            content += chunk
            if len(content) >= limit:
                break
    response.close()
    return content[:limit].decode("utf-8", "replace").replace("\x00", "")


class SafeSession(requests.Session):
    """Follows redirects of GET and HEAD only, without reading what comes with them, and never out of encryption."""

    def __init__(self, guard: "_Guard") -> None:
        super().__init__()
        self.trust_env = False  # no proxies and no credentials from the surroundings
        # Nothing of a body is read before somebody says how much of it may be.
        self.stream = True
        self.headers["Connection"] = "close"  # so that what follows an answer can be told from a next one
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Of several, the adapter with the longest prefix is taken: those for http:// and https:// would go before "",
        # and call anything.
        self.adapters.clear()
        self.mount("", _SafeAdapter(guard))
        self._guard = guard

    def give_time(self, total: float, silence: float) -> None:
        """Have other limits from now on: for a long body, after an answer that had to come soon."""
        self._guard.deadline = time.monotonic() + total
        self._guard.silence = silence

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return super().prepare_request(request)
        except (requests.RequestException, ValueError):  # both quote the address
            raise RequestRefused("This is not the address of a web page.") from None

    def resolve_redirects(  # type: ignore[override]
        self, resp: requests.Response, request: requests.PreparedRequest, **kwargs: Any
    ) -> Iterator[requests.Response]:
        if kwargs.pop("yield_requests", False) or request.method not in {"GET", "HEAD"}:
            return
        hops = 0
        while resp.is_redirect:
            resp.close()
            hops += 1
            if hops > REDIRECTS:
                raise RequestRefused("The server redirects too often.")
            # What a server sends us on to is an address that somebody gave: it is sent, and so checked, like the first.
            request = self._redirected(request, resp)
            resp = self.send(request, allow_redirects=False, **kwargs)
            yield resp

    def _redirected(self, request: requests.PreparedRequest, resp: requests.Response) -> requests.PreparedRequest:
        following = request.copy()
        try:
            following.prepare_url(urljoin(resp.url, self.get_redirect_target(resp) or ""), None)
        except (requests.RequestException, ValueError):
            raise RequestRefused("The server redirects to something that is no address.") from None
        if resp.url.startswith("https:") and not (following.url or "").startswith("https:"):
            raise RequestRefused("The server redirects to an address without encryption.")
        # Takes credentials off where the host is another one.
        self.rebuild_auth(following, resp)  # type: ignore[no-untyped-call]
        return following


class _SafeAdapter(GuardedAdapter):
    guard: "_Guard"

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One hop; `requests` and urllib3 would quote the whole address in their errors."""
        self.guard.require(request.url or "")
        # A proxy would look the name up by itself, and call what it finds.
        kwargs |= {"timeout": self.guard.timeout(), "proxies": None}
        try:
            return super().send(request, *args, **kwargs)
        except requests.exceptions.InvalidURL:
            raise RequestRefused("This is not the address of a web page.") from None
        except (requests.RequestException, HTTPError) as error:
            raise RequestFailed(f"The server {_what(error)}.") from None


class _Guard:
    """What one session may call, and until when."""

    def __init__(self, deadline: float, silence: float, allowed: frozenset[str]) -> None:
        self.deadline = deadline
        self.silence = silence
        self.allowed = allowed

    def remaining(self) -> float:
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("The time for this call is over.")
        return seconds

    def timeout(self) -> Any:
        try:
            remaining = self.remaining()
        except TimeoutError as error:
            raise RequestFailed(str(error)) from None
        return Timeout(connect=min(CONNECT_LIMIT_SECONDS, remaining), read=min(self.silence, remaining))

    def require(self, url: str) -> None:
        try:
            parts, port = _split(url)
            if not self._lets_through(parts.hostname or "", port):
                require_public_url(url)
        except UnsafeAddress as error:
            raise RequestRefused(str(error)) from None

    def check(self, host: str, port: int, addresses: list[Address]) -> None:
        """One address that is not public condemns the name. Nobody can tell such a name from one that is unknown."""
        # What follows % is the interface, which is no part of the number.
        found = [ipaddress.ip_address(address[4][0].partition("%")[0]) for address in addresses]
        if not all(map(is_public, found)) and not self._lets_through(host, port):
            raise RequestFailed(f"The server {NOT_FOUND}.")

    def _lets_through(self, host: str, port: int) -> bool:
        place = _place(host, port)
        return place in self.allowed or place in settings.OUTBOUND_ALLOWED_HOSTS


def _what(error: Exception) -> str:
    """What went wrong, in words that do not quote the address."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.exceptions.SSLError):
        return "has no certificate that is trusted, or broke the encryption"
    if isinstance(reason, NameResolutionError):
        return NOT_FOUND
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return "could not be reached"
    if isinstance(error, requests.Timeout | TimeoutError) or isinstance(reason, TimeoutError):
        return "did not answer in time"
    return "broke the connection off"
