"""Which addresses given by users or providers this server may call: public ones, and allowed exceptions."""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

DEFAULT_PORTS = {"http": 80, "https": 443}
UNICAST_IPV6 = ipaddress.ip_network("2000::/3")


class NotPublic(ValueError):
    """The text says, for the person who gave the address, what is wrong with it."""


def require_public_url(url: str) -> None:
    """Raise NotPublic unless this is an http(s) address whose host is a name or a public IP address.

    Looks at the text alone: what a name resolves to is checked when it is called. A `host:port` in
    OUTBOUND_ALLOWED_HOSTS is let through.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    if f"{shown}:{port}" in settings.OUTBOUND_ALLOWED_HOSTS:
        return
    name = _ascii(host)
    address = _literal_address(name)
    if name == "localhost" or name.endswith(".localhost") or (address and not _is_public(address)):
        raise NotPublic("This address is not on the public internet.")


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
    if isinstance(address, ipaddress.IPv6Address):
        # Tunnels and translations hold an IPv4 address inside, which may be a private one.
        return address in UNICAST_IPV6 and address.is_global and not address.sixtofour and not address.teredo
    return address.is_global and not address.is_multicast
