"""The certificate of PUBLIC_URL, as a server on loopback shows it."""

import contextlib
import socket
import ssl
import threading
from datetime import timedelta

import pytest

from platforms.health import certificate, notices
from tests.support.certificates import make_certificate
from tests.support.live import free_port

pytestmark = pytest.mark.django_db


@contextlib.contextmanager
def proxy(file):
    """The port of one that shows a certificate and says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.fixture
def show(settings, tmp_path, monkeypatch):
    """Look at a certificate that is trusted here, unless it is not to be; what staff are told then."""

    def show(lasts, is_trusted=True):
        file = make_certificate(tmp_path, lasts)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        if is_trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with proxy(file) as port:
            settings.PUBLIC_URL = f"https://localhost:{port}"
            certificate.check()
        return [notice.text for notice in notices.shown()]

    return show


def test_staff_are_told_two_weeks_before_its_end_and_not_after_it_was_renewed(show):
    [text] = show(timedelta(days=13))
    assert "ends on" in text
    assert show(timedelta(days=60)) == []


def test_one_that_is_over_or_of_nobody_is_told_of(show):
    [text] = show(timedelta(hours=-1))
    assert "not valid" in text
    assert show(timedelta(days=60)) == []
    [text] = show(timedelta(days=60), is_trusted=False)
    assert "not valid" in text


def test_nothing_is_known_of_an_address_that_cannot_be_called_from_here(show, settings):
    assert len(show(timedelta(days=1))) == 1
    settings.PUBLIC_URL = f"https://localhost:{free_port()}"
    certificate.check()
    assert len(notices.shown()) == 1
    settings.PUBLIC_URL = "http://localhost:8000"
    certificate.check()
    assert not notices.shown()
