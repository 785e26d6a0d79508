"""Who a request comes from, as far as that can be told before anybody is signed in."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

IPV6_NETWORK = 64  # bits: as much is given to a household or a machine, which has all of its addresses to call from

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]+)?|([^:]+):[0-9]+")  # [2001:db8::1]:443, 192.0.2.1:443


def network_of(request: HttpRequest) -> str:
    """Where a request comes from, as far as the proxies that are trusted say; what is no address counts as the peer."""
    address = address_of(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address.packed, IPV6_NETWORK), strict=False))
    return str(address or request.META.get("REMOTE_ADDR", ""))


def address_of(request: HttpRequest) -> Address | None:
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    trusted = min(settings.TRUSTED_PROXIES, len(forwarded))
    told = _address(forwarded[-trusted]) if trusted else None
    return told or _address(peer)


def _address(text: str) -> Address | None:
    text = text.strip()
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
