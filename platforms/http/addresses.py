"""Which IP addresses and ports are places on the public internet that people may have this server call."""

import ipaddress
import socket

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# All of https://www.iana.org/assignments/iana-ipv4-special-registry (2025-10), also what is reachable from everywhere:
# none of it is anybody's web server. Multicast has a registry of its own.
_SPECIAL_IPV4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
"""
# All of https://www.iana.org/assignments/iana-ipv6-special-registry (2025-10) within 2000::/3, which is all that is
# given out. Tunnels and translations (2001::/32, 2002::/16) hold an IPv4 address inside, which may be a private one.
_UNICAST_IPV6 = ipaddress.ip_network("2000::/3")
_SPECIAL_IPV6 = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
# Public by their number, but answering those only who are inside a cloud: Azure's host (168.63.129.16), IBM Cloud's
# services, Google's interfaces for private networks. All other clouds' are in the registries.
_CLOUDS = """
    168.63.129.16/32 161.26.0.0/16 166.8.0.0/14 199.36.153.4/30 199.36.153.8/30
    2600:2d00:2:1000::/64 2600:2d00:2:2000::/64
"""
_NOT_PUBLIC = [ipaddress.ip_network(text) for text in (_SPECIAL_IPV4 + _SPECIAL_IPV6 + _CLOUDS).split()]

# What is not spoken to by HTTP, beyond the privileged ports: https://fetch.spec.whatwg.org/#port-blocking, and what
# databases, caches, brokers and those who administer machines listen on. Their answers, and the damage, are not ours.
_OTHER_SERVICES = """
    1080 1099 1194 1433 1434 1521 1719 1720 1723 1883 2049 2181 2222 2375 2376 2377 2379 2380 3128 3260 3306 3389 3659
    4045 4190 4222 4444 5037 5060 5061 5432 5433 5671 5672 5900 5901 5984 5985 5986 6000 6379 6380 6443 6566 6665 6666
    6667 6668 6669 6679 6697 8086 8125 8500 9042 9092 9160 9200 9300 10080 10250 10255 11211 15672 26379 27017 27018
    50000 61613 61616
"""
_OTHER_PORTS = frozenset(map(int, _OTHER_SERVICES.split()))


def is_public(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST_IPV6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def literal_address(host: str) -> IPAddress | None:
    """The IP address that `host` is, in any notation that a C library takes (127.1, 0x7f000001); None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_public_host(host: str) -> bool:
    """Whether a host, by its text, is no number of a private network and not this machine; a name may mean anything."""
    address = literal_address(host)
    return is_public(address) if address else host != "localhost" and not host.endswith(".localhost")


def is_web_port(port: int) -> bool:
    return port in {80, 443} or (port >= 1024 and port not in _OTHER_PORTS)
