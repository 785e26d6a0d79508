"""No address that people or providers give leads to a place that is not public: of a calendar, a webhook, a download.

Each is tried with internal addresses, with forms in which these can be written, with names that stand for them, with
redirects to them, and with a resolver that answers differently the second time. Logos are files, never addresses.
"""

import socket
from contextlib import suppress

import pytest

from platforms.exceptions import PlatformError
from recordings.fetching.download.sources import UrlSource
from rooms.calendar import feed
from rooms.models import Room, WebhookDelivery
from rooms.webhooks import sending
from tests.platforms.http.test_safe_http import SPECIAL
from tests.support.stub_provider import Answer, StubProvider

PUBLIC = "93.184.216.34"
MORE = """
    10.96.0.1 172.17.0.1 172.16.0.10 192.168.0.1 192.168.65.2 169.254.169.254 169.254.170.2 127.0.0.53 127.1.2.3
    100.127.255.254 224.0.0.251 fd00::1 fe80::a9fe:a9fe ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe
"""
INTERNAL = [*SPECIAL.split(), *MORE.split()]


def forms_of(address):
    """How an IPv4 address can be written, by C libraries, browsers and mistakes."""
    a, b, c, d = map(int, address.split("."))
    number = (a << 24) + (b << 16) + (c << 8) + d
    wide = str.maketrans("0123456789", "０１２３４５６７８９")  # noqa: RUF001
    circled = str.maketrans("123456789", "①②③④⑤⑥⑦⑧⑨")
    return [
        address,
        f"{address}.",
        f"{number}",
        f"{number:#x}",
        f"{number:#X}",
        f"0{number:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"000{a:o}.{b}.{c}.{d}",
        f"{a}.{b}.{(c << 8) + d}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"{a:#x}.{(b << 16) + (c << 8) + d}",
        address.translate(wide),
        address.translate(circled),
        address.replace(".", "。"),
        address.replace(".", "．"),  # noqa: RUF001
        address.replace(".", "%2e"),
        f"%{ord(address[0]):x}{address[1:]}",
        f"[::ffff:{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[0:0:0:0:0:ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        f"user:word@{address}",
        f"{PUBLIC}@{address}",
        f"{address}:80@{PUBLIC}",
        f"{address}\\@{PUBLIC}",
        f"{PUBLIC}\\@{address}",
        f"{address} .example.com",
        f"{address}\t",
        f"{address}:0",
    ]


NAMES = """
    localhost LOCALHOST localhost. sub.localhost \uff4cocalhost [::1] [0:0:0:0:0:0:0:1] [::] 0 0.0.0.0 127.1 0x7f.1
    [fe80::1%25lo] [::1%25lo] ip6-localhost localtest.internal metadata.google.internal [::ffff:0:127.0.0.1]
"""
FORMS = [*forms_of("127.0.0.1"), *forms_of("169.254.169.254"), *forms_of("10.0.0.1"), *NAMES.split()]


def read_calendar(url):
    feed.fetch(url)


def call_webhook(url):
    room = Room(name="standup", webhook_url=url)
    answer = sending.send(room, WebhookDelivery(room=room, event="test", body="{}"), attempt=0)
    assert not answer.is_success


def download(url):
    UrlSource(lambda: url).open(0, None, 5.0)


WAYS = {"calendar": read_calendar, "webhook": call_webhook, "download": download}


@pytest.fixture
def connections(monkeypatch):
    """Where connections would have gone; those to public addresses go nowhere either."""
    opened = []
    real = socket.socket.connect

    def connect(sock, place):
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or place in connections_allowed:
            return real(sock, place)
        opened.append(place[0])
        raise OSError("Nothing is called here.")

    connections_allowed = []
    monkeypatch.setattr(socket.socket, "connect", connect)
    return opened, connections_allowed


@pytest.fixture
def resolve(monkeypatch):
    """`resolve(*answers)`: what every name stands for, the first time, the second and ever after."""
    real = socket.getaddrinfo

    def set_answers(*answers):
        left = list(answers)

        def look_up(host, port, *args, **kwargs):
            with suppress(socket.gaierror):
                return real(host, port, *args, flags=socket.AI_NUMERICHOST, **{**kwargs, "type": socket.SOCK_STREAM})
            answer = left.pop(0) if len(left) > 1 else left[0]
            return real(answer, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return set_answers


def try_it(way, url):
    with suppress(PlatformError, feed.FeedUnavailable, OSError):
        WAYS[way](url)


def as_host(address):
    return f"[{address}]" if ":" in address else address


def test_there_are_enough_of_them():
    assert len(set(INTERNAL)) >= 60
    assert len(set(FORMS)) >= 70


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_no_internal_address_is_called(way, connections, resolve):
    resolve("127.0.0.1")
    for address in INTERNAL:
        for scheme in ("http", "https"):
            try_it(way, f"{scheme}://{as_host(address)}/")
    assert connections[0] == []


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_no_name_of_an_internal_address_is_called(way, connections, resolve):
    for address in INTERNAL:
        resolve(address)
        try_it(way, "https://inside.example.com/")
    assert connections[0] == []


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_no_form_of_an_internal_address_is_called(way, connections, resolve):
    """Whoever takes a form for a name asks a resolver, which says that it is this machine."""
    resolve("127.0.0.1")
    for form in FORMS:
        try_it(way, f"http://{form}/")
    assert set(connections[0]) <= {PUBLIC}


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_a_resolver_that_changes_its_answer_does_not_matter(way, connections, resolve):
    """Only what was checked is called: the name is looked up once for each connection."""
    for address in INTERNAL:
        resolve(PUBLIC, address)
        try_it(way, "https://rebinding.example.com/")
        resolve(address, PUBLIC)
        try_it(way, "https://rebinding.example.com/")
    assert set(connections[0]) <= {PUBLIC}
    assert connections[0]


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_no_redirect_leads_inside(way, connections, resolve, settings):
    resolve("127.0.0.1")
    with StubProvider() as server:
        place = server.url.removeprefix("http://")
        settings.OUTBOUND_ALLOWED_HOSTS = [place]
        host, _, port = place.partition(":")
        connections[1].append((host, int(port)))
        for target in [*(as_host(address) for address in INTERNAL), *FORMS]:
            answer = Answer(302, headers={"Location": f"http://{target}/".encode().decode("latin-1")})
            server.on("GET", "/moved", answer)
            server.on("POST", "/moved", answer)
            try_it(way, f"{server.url}/moved")
        asked = server.requests
    assert len(asked) >= len(FORMS)
    assert {request.path for request in asked} == {"/moved"}
    assert set(connections[0]) <= {PUBLIC}
