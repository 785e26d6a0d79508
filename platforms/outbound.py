"""Which addresses given by users or providers this server may call, and a session for `requests` that calls no other.

Every address that a name stands for is checked when a connection is made, and that very address is then called, so
that a name cannot mean one address to the check and another to the call.
"""

import ipaddress
import socket
import time
from collections.abc import Collection, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from platforms.dialling import CONNECT_LIMIT, Address, GuardedAdapter
from platforms.exceptions import PlatformRejected, PlatformUnavailable

DEFAULT_PORTS = {"http": 80, "https": 443}
UNICAST_IPV6 = ipaddress.ip_network("2000::/3")
# Neither of these reaches anybody, though not every version of `ipaddress` knows it: for documents, for old tunnels.
OTHERS_NOT_PUBLIC = (ipaddress.ip_network("3fff::/20"), ipaddress.ip_network("192.88.99.0/24"))
REDIRECTS = 5


class NotPublic(ValueError):
    """The text says, for the person who gave the address, what is wrong with it."""


class OutboundRefused(PlatformRejected):
    """A call that is not made, or not gone on with: calling again will not help. Never quotes a path or a query."""


class OutboundFailed(PlatformUnavailable):
    """A call that did not come through: it may later. Never quotes a path or a query."""


# Checking


def require_public_url(url: str) -> None:
    """Raise NotPublic unless this is an http(s) address whose host is a name or a public IP address.

    Looks at the text alone: what a name resolves to is checked when it is called. A `host:port` in
    OUTBOUND_ALLOWED_HOSTS is let through.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    if _place(host, port) in settings.OUTBOUND_ALLOWED_HOSTS:
        return
    name = _ascii(host)
    address = _literal_address(name)
    if name == "localhost" or name.endswith(".localhost") or (address and not _is_public(address)):
        raise NotPublic("This address is not on the public internet.")


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split(url: str) -> tuple[SplitResult, int]:
    # Readers of URLs disagree about these characters, so that one could check a host and another call a different one.
    if "\\" in url or any(character.isspace() or ord(character) < 32 for character in url):
        raise NotPublic("Enter an address without spaces and backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise NotPublic("Enter an address that starts with http:// or https://.") from None
    if not parts.hostname:
        raise NotPublic("Enter an address with a host name.")
    return parts, port


def _ascii(host: str) -> str:
    """The host as it would be called: full-width digits and other look-alikes become what they stand for."""
    if ":" in host:
        return host
    try:
        return host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        raise NotPublic("This host name is not valid.") from None


def _literal_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` is, in any notation that a C library takes (127.1, 0x7f000001); None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if any(address in network for network in OTHERS_NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Tunnels and translations hold an IPv4 address inside, which may be a private one.
        return address in UNICAST_IPV6 and address.is_global and not address.sixtofour and not address.teredo
    return address.is_global and not address.is_multicast


# Calling


def public_session(total: float, silence: float = 10.0, allowed: Collection[str] = ()) -> "PublicSession":
    """A session for one conversation with a public address.

    All of it, from now on, is over within `total` seconds: names, connections, redirects and bodies; and no wait for
    the next byte lasts longer than `silence` seconds. `allowed` adds host:port pairs, of addresses that the operator
    configured, to OUTBOUND_ALLOWED_HOSTS. No body is read before it is asked for: `read_all` does, up to a limit.

    Raises OutboundRefused and OutboundFailed; reading a body by other means also requests' and urllib3's own errors.
    """
    return PublicSession(_Guard(time.monotonic() + total, silence, frozenset(allowed)))


def read_all(response: requests.Response, limit: int) -> bytes:
    """The body, unpacked; OutboundRefused when it is larger than `limit` bytes."""
    content = bytearray()
    try:
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > limit:
                raise OutboundRefused(f"The answer is larger than {limit} bytes.")
    except (requests.RequestException, HTTPError, OSError) as error:
        raise OutboundFailed(f"The server {_what(error)}.") from None
    finally:
        response.close()
    return bytes(content)


class PublicSession(requests.Session):
    """Follows redirects of GET and HEAD only, without reading what comes with them, and never out of encryption."""

    def __init__(self, guard: "_Guard") -> None:
        super().__init__()
        self.trust_env = False  # no proxies and no credentials from the surroundings
        self.stream = True
        self.headers["Connection"] = "close"  # so that what follows an answer can be told from a next one
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.adapters.clear()
        self.mount("", _PublicAdapter(guard))
        self._guard = guard

    def give_time(self, total: float, silence: float) -> None:
        """Have other limits from now on: for a long body, after an answer that had to come soon."""
        self._guard.deadline = time.monotonic() + total
        self._guard.silence = silence

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return super().prepare_request(request)
        except (requests.RequestException, ValueError):  # both quote the address
            raise OutboundRefused("This is not the address of a web page.") from None

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
                raise OutboundRefused("The server redirects too often.")
            request = self._redirected(request, resp)
            resp = self.send(request, allow_redirects=False, **kwargs)
            yield resp

    def _redirected(self, request: requests.PreparedRequest, resp: requests.Response) -> requests.PreparedRequest:
        following = request.copy()
        try:
            following.prepare_url(urljoin(resp.url, self.get_redirect_target(resp) or ""), None)
        except (requests.RequestException, ValueError):
            raise OutboundRefused("The server redirects to something that is no address.") from None
        if resp.url.startswith("https:") and not (following.url or "").startswith("https:"):
            raise OutboundRefused("The server redirects to an address without encryption.")
        self.rebuild_auth(following, resp)  # type: ignore[no-untyped-call]
        return following


class _PublicAdapter(GuardedAdapter):
    guard: "_Guard"

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One hop; `requests` and urllib3 would quote the whole address in their errors."""
        self.guard.require(request.url or "")
        kwargs |= {"timeout": self.guard.timeout(), "proxies": None}
        try:
            return super().send(request, *args, **kwargs)
        except requests.exceptions.InvalidURL:
            raise OutboundRefused("This is not the address of a web page.") from None
        except (requests.RequestException, HTTPError) as error:
            raise OutboundFailed(f"The server {_what(error)}.") from None


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
            raise OutboundFailed(str(error)) from None
        return Timeout(connect=min(CONNECT_LIMIT, remaining), read=min(self.silence, remaining))

    def require(self, url: str) -> None:
        try:
            parts, port = _split(url)
            if not self._lets_through(parts.hostname or "", port):
                require_public_url(url)
        except NotPublic as error:
            raise OutboundRefused(str(error)) from None

    def check(self, host: str, port: int, addresses: list[Address]) -> None:
        """One address that is not public condemns the name."""
        found = [ipaddress.ip_address(address[4][0].partition("%")[0]) for address in addresses]
        if not all(map(_is_public, found)) and not self._lets_through(host, port):
            raise OutboundRefused("This address is not on the public internet.")

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
        return "could not be found"
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return "could not be reached"
    if isinstance(error, requests.Timeout | TimeoutError) or isinstance(reason, TimeoutError):
        return "did not answer in time"
    return "broke the connection off"
