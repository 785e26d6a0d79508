"""Which addresses may be called: by their text, and by what their names stand for when they are called."""

import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from platforms.http.safe_http import (
    RequestFailed,
    RequestRefused,
    UnsafeAddress,
    read_all,
    require_public_url,
    safe_session,
)
from tests.platforms.http.test_client import certificate, encrypted_server  # noqa: F401  (a fixture)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "https://example.com:65535/@home",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://bücher.example/",
        "https://localhost.example.com/",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_a_name_or_a_public_address_is_taken(url):
    require_public_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "１２７.0.0.1",  # noqa: RUF001
        "127。0。0。1",
        "127.0.0.1.",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:1::1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fc00::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "192.88.99.1",
        "198.18.0.1",
        "240.0.0.1",
    ],
)
def test_a_private_address_is_refused_in_every_notation(host):
    for url in (f"http://{host}", f"https://{host}:8443/path"):
        with pytest.raises(UnsafeAddress):
            require_public_url(url)


# One address of every line of both registries of special-purpose addresses, and of what answers inside clouds only.
SPECIAL = """
    0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.1.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10
    192.0.0.170 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.2 192.168.255.255 192.175.48.1 198.19.255.255
    198.51.100.1 203.0.113.1 239.255.255.255 240.0.0.1 255.255.255.255
    ::1 :: ::ffff:93.184.216.34 64:ff9b::5db8:d822 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:1::1 2001:1::2
    2001:1::3 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2002:5db8:d822::1
    2620:4f:8000::1 3fff:fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff0e::1 4000::1
    168.63.129.16 100.100.100.200 161.26.0.10 166.9.14.1 199.36.153.8 2600:2d00:2:1000::1
"""
NEIGHBOURS = "168.63.129.15 168.63.129.17 192.0.1.1 172.32.0.1 199.36.153.12 2001:200::1 3ffe::1"


def as_url(address):
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


@pytest.mark.parametrize("address", SPECIAL.split())
def test_no_special_address_is_public(address):
    with pytest.raises(UnsafeAddress, match="not on the public internet"):
        require_public_url(as_url(address))


@pytest.mark.parametrize("address", NEIGHBOURS.split())
def test_their_neighbours_are(address):
    require_public_url(as_url(address))


@pytest.mark.parametrize("port", [0, 1, 21, 22, 25, 110, 445, 1023, 3306, 5432, 6379, 6667, 9200, 11211, 27017])
def test_a_port_that_web_servers_do_not_use_is_refused(port, settings):
    with pytest.raises(UnsafeAddress, match=f"Port {port} "):
        require_public_url(f"https://example.com:{port}/")
    settings.OUTBOUND_ALLOWED_HOSTS = [f"example.com:{port}"]
    require_public_url(f"https://example.com:{port}/")


@pytest.mark.parametrize("port", [80, 443, 3000, 5678, 8000, 8080, 8443, 9991, 65535])
def test_others_are_taken(port):
    require_public_url(f"https://example.com:{port}/")


@pytest.mark.parametrize("user", ["someone@", "user:password@", "@", ":@", "93.184.216.34@", "a%40b:c@"])
def test_nobodys_name_or_password_is_sent_along(user):
    with pytest.raises(UnsafeAddress, match="without a user name"):
        require_public_url(f"https://{user}example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "ftp://example.com:21/",
        "gopher://example.com:70/",
        "file://example.com:80/etc/passwd",
        "javascript://example.com:443/",
        "redis://example.com:443/",
        "http://",
        "http://:80",
        "http://[::1",
        "http://example.com:port",
        "http://example.com:99999",
        "http://127.0.0.1\\@example.com",
        "http://example.com /",
        "http://exam\tple.com",
        "http://a..b",
        "http://" + "a" * 70 + ".com",
        "http://\ud800.com",
    ],
)
def test_what_is_no_http_address_is_refused(url):
    with pytest.raises(UnsafeAddress):
        require_public_url(url)


def test_an_allowed_exception_is_one_host_at_one_port(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:9000", "localhost:80", "[::1]:9000"]
    for url in ("http://127.0.0.1:9000/hook", "http://localhost/", "https://[::1]:9000/"):
        require_public_url(url)
    for url in ("http://127.0.0.1:9001", "https://localhost/", "http://127.0.0.1"):
        with pytest.raises(UnsafeAddress):
            require_public_url(url)


# Calling


class Server:
    """Answers each connection by the next script, bytes or a function of the socket; keeps what it was asked."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.requests = []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.url = f"http://{self.place}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        for script in self.scripts:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self.requests.append(connection.recv(65536).decode())
                if callable(script):
                    script(connection)
                else:
                    connection.sendall(script)

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join()


@pytest.fixture
def server(settings):
    """Makes servers that are allowed to be called; `hidden` ones are not."""
    servers = []

    def start(*scripts, hidden=False):
        servers.append(Server(*scripts))
        if not hidden:
            settings.OUTBOUND_ALLOWED_HOSTS = [*settings.OUTBOUND_ALLOWED_HOSTS, servers[-1].place]
        return servers[-1]

    yield start
    for one in servers:
        one.close()


@pytest.fixture
def names(monkeypatch):
    """What names stand for, as a list of addresses or a function that gives one; counts how often each was asked."""
    known, asked = {}, Counter()
    real = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host not in known:
            return real(host, port, *args, **kwargs)
        asked[host] += 1
        addresses = known[host]() if callable(known[host]) else known[host]
        return [entry for address in addresses for entry in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return SimpleNamespace(known=known, asked=asked)


def get(url, total=5.0, silence=2.0, limit=99_999, **kwargs):
    with safe_session(total, silence) as session:
        return read_all(session.get(url, **kwargs), limit)


def test_a_public_session_reads_an_answer(server):
    assert get(server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").url, limit=5) == b"hello"


def test_a_private_address_is_not_called(server):
    hidden = server(OK, hidden=True)
    with pytest.raises(RequestRefused, match="not on the public internet"):
        get(hidden.url)
    assert hidden.requests == []


@pytest.mark.parametrize("others", [[], ["93.184.216.34"], ["2606:2800:220:1:248:1893:25c8:1946"]])
def test_a_name_with_a_private_address_among_its_addresses_is_not_called(server, names, others):
    hidden = server(OK, hidden=True)
    names.known["inside.example"] = [*others, "127.0.0.1"]
    with pytest.raises(RequestFailed, match="could not be found"):
        get(f"http://inside.example:{hidden.place.partition(':')[2]}/")
    assert hidden.requests == []


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "::1", "100.64.0.1", "0.0.0.0"])  # noqa: S104
def test_a_name_cannot_hide_a_private_address_in_another_notation(names, address):
    names.known["inside.example"] = [address]
    with pytest.raises(RequestFailed, match="could not be found"):
        get("http://inside.example/")


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254", "168.63.129.16"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_inside_cannot_be_told_from_one_that_is_not_there(names, scheme, address):
    """Whoever may name addresses could else ask which machines there are."""
    names.known["inside.example"] = [address]
    failures = []
    for host in ("inside.example", "nowhere.invalid"):
        with pytest.raises((RequestRefused, RequestFailed)) as caught:
            get(f"{scheme}://{host}/")
        failures.append((type(caught.value), str(caught.value)))
    assert failures[0] == failures[1]


def test_a_name_is_looked_up_once_so_that_what_was_checked_is_what_is_called(server, names, settings):
    right, wrong = server(OK), server(OK, hidden=True)
    host, port = "turning.example", right.place.partition(":")[2]
    settings.OUTBOUND_ALLOWED_HOSTS = [f"{host}:{port}"]
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    names.known[host] = lambda: next(answers)
    assert get(f"http://{host}:{port}/") == b"{}"
    assert names.asked[host] == 1
    assert wrong.requests == []


def test_the_next_address_is_tried_when_one_does_not_answer(server, names, settings):
    there = server(OK)
    port = there.place.partition(":")[2]
    settings.OUTBOUND_ALLOWED_HOSTS = [f"two.example:{port}"]
    names.known["two.example"] = ["127.0.0.9", "127.0.0.1"]
    assert get(f"http://two.example:{port}/") == b"{}"


def test_proxies_of_the_surroundings_are_not_used(server, monkeypatch):
    proxy, there = server(OK), server(OK)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    get(there.url)
    assert there.requests
    assert proxy.requests == []


def redirect(target):
    return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_is_followed(server):
    there = server(OK)
    first = server(redirect(f"{there.url}/there?a=b"))
    assert get(first.url) == b"{}"
    assert there.requests[0].startswith("GET /there?a=b ")


def test_the_host_of_a_redirect_is_checked_too(server):
    hidden = server(OK, hidden=True)
    first = server(redirect(hidden.url))
    with pytest.raises(RequestRefused, match="not on the public internet"):
        get(first.url)
    assert hidden.requests == []


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd", "ftp://example.com/"],
)
def test_a_redirect_to_what_may_not_be_called_is_refused(server, target):
    with pytest.raises(RequestRefused):
        get(server(redirect(target), redirect(target)).url)


def test_redirects_end(server):
    there = server(*[redirect("/again")] * 10)
    with pytest.raises(RequestRefused, match="too often"):
        get(there.url)
    assert len(there.requests) == 6


def test_the_body_of_a_redirect_is_not_read(server):
    def endless(connection):
        connection.sendall(redirect("/there").replace(b"Content-Length: 0\r\n", b""))
        while True:
            connection.sendall(b"x" * 65536)

    started = time.monotonic()
    assert get(server(endless, OK).url) == b"{}"
    assert time.monotonic() - started < 8


def test_credentials_stay_with_the_host_that_they_are_for(server):
    other = server(OK)
    first = server(redirect(other.url))
    get(first.url, headers={"Authorization": "Bearer secret"})
    assert "secret" in first.requests[0]
    assert "secret" not in other.requests[0]


def test_what_was_posted_is_not_sent_elsewhere(server):
    there = server(redirect("/elsewhere"), OK)
    with safe_session(5) as session, session.post(there.url, data=b"x") as answer:
        assert answer.status_code == 302
    assert len(there.requests) == 1


def test_a_redirect_out_of_encryption_is_refused(certificate):  # noqa: F811
    head = b"HTTP/1.1 302 Found\r\nLocation: http://93.184.216.34/?signature=x\r\nContent-Length: 0\r\n\r\n"
    with encrypted_server(certificate, head) as (url, _), safe_session(5, allowed=[urlsplit(url).netloc]) as session:
        session.verify = str(certificate)
        with pytest.raises(RequestRefused, match="without encryption"):
            session.get(url)


def drip(start, byte):
    def script(connection):
        connection.sendall(start)
        while True:
            connection.sendall(byte)
            time.sleep(0.02)

    return script


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"]
)
def test_a_server_that_drips_is_left_when_the_time_is_over(server, start):
    started = time.monotonic()
    with pytest.raises(RequestFailed):
        get(server(drip(start, b"x")).url, total=0.4)
    assert time.monotonic() - started < 8


def test_a_silent_server_is_left_before_that(server):
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(RequestFailed, match="did not answer in time"):
        get(server(lambda connection: release.wait(10)).url, total=30, silence=0.2)
    assert time.monotonic() - started < 8
    release.set()


def test_the_time_counts_from_the_beginning_of_the_session(server):
    with safe_session(0.05) as session:
        time.sleep(0.06)
        with pytest.raises(RequestFailed, match="time for this call is over"):
            session.get(server(OK).url)


def test_a_name_that_takes_for_ever_to_look_up_is_given_up(names):
    release = threading.Event()
    names.known["slow.example"] = lambda: release.wait(10) and []
    started = time.monotonic()
    with pytest.raises(RequestFailed):
        get("http://slow.example/", total=0.2)
    assert time.monotonic() - started < 8
    release.set()


def test_a_body_beyond_the_limit_is_refused(server):
    with pytest.raises(RequestRefused, match="larger than 4 bytes"):
        get(server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").url, limit=4)


@pytest.mark.parametrize("length", [3, 7])
def test_a_body_that_is_not_as_long_as_announced_is_no_answer(server, length):
    with pytest.raises(RequestFailed, match="broke the connection off"):
        get(server(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello".encode()).url)


def test_an_answer_is_not_held_back_by_a_connection_that_stays_open(server):
    release = threading.Event()

    def keep_open(connection):
        connection.sendall(OK)
        release.wait(30)

    started = time.monotonic()
    assert get(server(keep_open).url) == b"{}"
    assert time.monotonic() - started < 20  # far less than the server would stay
    release.set()


def assert_quotes_nothing(error):
    while error:
        said = f"{error} {error.args!r}"
        assert "hunter2" not in said
        assert "/path" not in said
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    "url", ["{place}", "http://{place}?x\ud800", "http://[{place}/", "ftp://{place}/", "http://a b/"]
)
def test_no_error_quotes_what_an_address_asks_for(server, url):
    """The query of a signed link lets its holder in."""
    url = url.replace("{place}", "127.0.0.1:1") + "/path?signature=hunter2"
    with pytest.raises((RequestRefused, RequestFailed)) as caught:
        get(url)
    assert_quotes_nothing(caught.value)


@pytest.mark.parametrize("script", [b"", b"nonsense\r\n\r\n", redirect("/path?signature=hunter2") * 1])
def test_no_failure_quotes_what_an_address_asks_for(server, script):
    with pytest.raises((RequestRefused, RequestFailed)) as caught:
        get(server(script, b"").url + "/path?signature=hunter2")
    assert_quotes_nothing(caught.value)
