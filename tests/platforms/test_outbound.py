"""Which addresses may be called, by their text alone."""

import pytest

from platforms.outbound import NotPublic, require_public_url


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "https://user:password@example.com/",
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
    ],
)
def test_a_private_address_is_refused_in_every_notation(host):
    for url in (f"http://{host}", f"https://{host}:8443/path", f"http://someone@{host}/"):
        with pytest.raises(NotPublic):
            require_public_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
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
    with pytest.raises(NotPublic):
        require_public_url(url)


def test_an_allowed_exception_is_one_host_at_one_port(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:9000", "localhost:80", "[::1]:9000"]
    for url in ("http://127.0.0.1:9000/hook", "http://localhost/", "https://[::1]:9000/"):
        require_public_url(url)
    for url in ("http://127.0.0.1:9001", "https://localhost/", "http://127.0.0.1"):
        with pytest.raises(NotPublic):
            require_public_url(url)
