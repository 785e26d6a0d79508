"""Calls to a provider that is fast, slow, absent, broken or malicious, over real sockets."""

import contextlib
import itertools
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.http import client, deadlines
from platforms.http.breaker import Breaker
from platforms.http.client import ProviderAPI
from tests.support.certificates import make_certificate
from tests.support.stub_provider import Answer, StubProvider

TOKEN = "t0ken/with+signs"


@pytest.fixture
def stub():
    with StubProvider() as stub:
        stub.on("GET", "/ok", Answer(200, {"fine": True}))
        yield stub


@pytest.fixture
def api(stub):
    return api_for(stub.url)


def api_for(url, **options):
    return ProviderAPI("acme", "Acme", url, TOKEN, **options)


@contextlib.contextmanager
def raw_server(serve):
    """A server of which `serve(connection)` decides every byte; the number of its connections is counted."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    connections = []

    def serve_one(connection):
        with connection, contextlib.suppress(OSError):  # the client went away, as it should
            serve(connection)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()


def read_request(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError
        received += chunk
    return received


def drip(connection, content, pause=0.02):
    for byte in content:
        connection.sendall(bytes([byte]))
        time.sleep(pause)


# What is sent and what comes back


def test_a_call_carries_the_key_and_returns_decoded_json(stub, api):
    assert api.get("/ok", {"a": "1 2"}) == {"fine": True}
    [request] = stub.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.query == {"a": ["1 2"]}


def test_a_body_is_sent_as_json(stub, api):
    stub.on("POST", "/things", Answer(201, [1]))
    assert api.post("/things", {"name": "Zoë"}) == [1]
    [request] = stub.requests
    assert request.json == {"name": "Zoë"}
    assert request.headers["content-type"] == "application/json"


def test_a_file_is_sent_as_a_form(stub, api):
    stub.on("PUT", "/logo", Answer(204))
    assert api.request("PUT", "/logo", files={"image": ("logo.png", b"png", "image/png")}) is None
    assert b'name="image"; filename="logo.png"' in stub.requests[0].body


@pytest.mark.parametrize("answer", [Answer(204), Answer(200, body=b"")])
def test_an_empty_answer_is_none(stub, api, answer):
    stub.on("DELETE", "/thing", answer)
    assert api.delete("/thing") is None


def test_a_slash_at_the_end_of_the_address_is_not_doubled(stub):
    api_for(stub.url + "/").get("/ok")
    assert stub.requests[0].path == "/ok"


def test_a_key_in_a_netrc_file_does_not_replace_the_configured_one(stub, api, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.get("/ok")
    assert stub.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_in_the_environment_is_not_used(stub, api, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert api.get("/ok") == {"fine": True}


def test_cookies_are_not_kept(stub, api):
    stub.on("GET", "/cookie", Answer(200, {}, headers={"Set-Cookie": "who=1; Path=/"}))
    api.get("/cookie")
    api.get("/cookie")
    assert "cookie" not in stub.requests[1].headers


# Connections


def test_one_connection_serves_many_calls_also_after_refusals():
    def serve(connection):
        for number in range(100):
            read_request(connection)
            status = b"404 Not Found" if number % 2 else b"200 OK"
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n{}" % status)

    with raw_server(serve) as (url, connections):
        api = api_for(url)
        for number in range(6):
            if number % 2:
                with pytest.raises(PlatformRejected):
                    api.get("/x")
            else:
                assert api.get("/x") == {}
        assert len(connections) == 1


def test_a_connection_that_the_provider_closed_is_replaced_without_a_failure():
    closed = threading.Event()

    def serve(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with raw_server(serve) as (url, connections):
        api = api_for(url)
        assert api.post("/x", {}) == {}
        assert closed.wait(5)
        assert api.post("/x", {}) == {}
        assert len(connections) == 2


def test_a_connection_that_was_idle_for_long_is_not_trusted(stub, monkeypatch):
    def serve(connection):
        while True:
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(serve) as (url, connections):
        api = api_for(url)
        api.get("/x")
        monkeypatch.setattr(deadlines, "IDLE_LIMIT_SECONDS", 0.0)
        api.get("/x")
        assert len(connections) == 2


def test_calls_of_several_threads_do_not_wait_for_each_other(stub, api):
    """The breaker must not hold its lock during a call."""
    together = threading.Barrier(8)

    def answer(request):
        together.wait(5)  # breaks, and with it the call, unless all eight are in flight at once
        return Answer(200, {})

    stub.on("GET", "/slow", answer)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: api.get("/slow"), range(8))) == [{}] * 8


# Encryption


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path)


@contextlib.contextmanager
def encrypted_server(certificate, content):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            while True:
                read_request(secured)
                drip(secured, content, pause=0 if len(content) < 100 else 0.02)

    with raw_server(serve) as (url, connections):
        yield url.replace("http://127.0.0.1", "https://localhost"), connections


def test_an_encrypted_connection_is_reused(certificate):
    with encrypted_server(certificate, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, connections):
        api = api_for(url)
        api.session.verify = str(certificate)
        assert [api.get("/x"), api.get("/x")] == [{}, {}]
        assert len(connections) == 1


def test_an_encrypted_server_that_drips_costs_no_more_than_the_read_limit(certificate, settings):
    settings.PROVIDER_READ_TIMEOUT = 0.3
    with encrypted_server(certificate, HEAD + b"X-Long: " + b"x" * 2000) as (url, _):
        api = api_for(url)
        api.session.verify = str(certificate)
        assert seconds_until_unavailable(lambda: api.post("/x", {}), "did not answer in time") < 2


def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_no_key(certificate):
    with encrypted_server(certificate, b"") as (url, connections):
        with pytest.raises(PlatformUnavailable, match="Acme has no certificate that is trusted"):
            api_for(url).post("/x", {})
        assert len(connections) == 1


# Refusals


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_final_and_not_repeated(stub, api, status):
    stub.on("GET", "/x", Answer(status, {"error": "no"}))
    with pytest.raises(PlatformRejected, match=rf'Acme refused GET /x with {status}: {{"error": "no"}}') as caught:
        api.get("/x")
    assert caught.value.status == status
    assert caught.value.platform == "acme"
    assert len(stub.requests) == 1


def test_a_redirect_is_not_followed(stub, api):
    stub.on("GET", "/old", Answer(302, headers={"Location": f"{stub.url}/ok"}))
    with pytest.raises(PlatformRejected) as caught:
        api.get("/old")
    assert caught.value.status == 302
    assert [request.path for request in stub.requests] == ["/old"]


def test_what_no_log_shows_and_no_database_takes_is_left_out_of_what_the_provider_says(stub, api):
    stub.on("GET", "/x", Answer(400, body=b"a\x00b\x1b[31mc\xe2\x80\xaed"))
    with pytest.raises(PlatformRejected) as caught:
        api.get("/x")
    assert str(caught.value).endswith("with 400: a b [31mc d")


def test_what_the_provider_says_is_shortened_and_put_on_one_line(stub, api):
    stub.on("GET", "/x", Answer(400, body=b"a\n\n b\xff " + b"long " * 1000))
    with pytest.raises(PlatformRejected) as caught:
        api.get("/x")
    assert ": a b\ufffd long long" in str(caught.value)
    assert len(str(caught.value)) < client.ERROR_TEXT_LIMIT + 100


def test_each_call_may_have_a_token_of_its_own_and_none_of_them_is_repeated(stub, caplog):
    numbers = itertools.count(1)
    api = ProviderAPI("acme", "Acme", stub.url, lambda: f"signed-{next(numbers)}")
    api.get("/ok")
    stub.on("GET", "/odd/*", lambda request: Answer(403, {"error": f"{request.headers['authorization']} signed-1"}))
    with pytest.raises(PlatformRejected) as caught:
        api.get("/odd/signed-2")
    assert [request.headers["authorization"] for request in stub.requests] == ["Bearer signed-1", "Bearer signed-2"]
    assert "Bearer [secret] [secret]" in str(caught.value)
    assert "signed-" not in str(caught.value) + caplog.text


def test_a_call_that_is_repeated_asks_for_its_token_again(stub):
    stub.on("GET", "/busy", Answer(503), Answer(200, {}))
    numbers = itertools.count(1)
    ProviderAPI("acme", "Acme", stub.url, lambda: f"signed-{next(numbers)}").get("/busy")
    assert [request.headers["authorization"] for request in stub.requests] == ["Bearer signed-1", "Bearer signed-2"]


def test_a_call_may_bear_a_token_that_is_good_for_it_alone(stub):
    """As one that opens a single room; it is hidden like those that all calls bear."""
    stub.on("POST", "/x", Answer(403, {"said": "Bearer t-of-room"}))
    with pytest.raises(PlatformRejected) as caught:
        api_for(stub.url).post("/x", {}, token="t-of-room")
    assert stub.requests[0].headers["authorization"] == "Bearer t-of-room"
    assert "[secret]" in str(caught.value)
    assert "t-of-room" not in str(caught.value)


def test_without_a_token_nothing_is_sent_in_its_place(stub):
    ProviderAPI("acme", "Acme", stub.url, lambda: "").get("/ok")
    assert "authorization" not in stub.requests[0].headers


def test_secrets_are_not_repeated_in_errors_or_logs_however_they_are_written(stub, caplog):
    api = api_for(stub.url, secrets=("aws/secret", ""))
    echo = f"{TOKEN} t0ken%2Fwith%2Bsigns aws/secret aws\\/secret"
    stub.on("GET", "/*", Answer(403, body=echo.encode()))
    with pytest.raises(PlatformRejected) as caught:
        api.get("/tokens/t0ken%2Fwith%2Bsigns")
    assert "[secret] [secret] [secret] [secret]" in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert "t0ken" not in text
        assert "aws" not in text
    assert "provider_call_failed platform=acme method=GET path=/tokens/[secret] status=403" in caplog.text


# Repeating


def test_a_failing_server_is_asked_again_for_what_may_be_repeated(stub, api):
    stub.on("GET", "/x", Answer(500), Answer(503), Answer(200, {}))
    assert api.get("/x") == {}
    assert len(stub.requests) == 3


def test_there_is_an_end_to_asking_again(stub, api):
    stub.on("GET", "/x", Answer(502, body=b"bad gateway"))
    with pytest.raises(PlatformUnavailable, match=r"Acme answered 502: bad gateway \(GET /x\)\.") as caught:
        api.get("/x")
    assert len(stub.requests) == client.ATTEMPTS
    assert caught.value.retry_after == 5


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_do_its_work_twice_is_not_repeated(stub, api, method):
    stub.on(method, "/x", Answer(500))
    with pytest.raises(PlatformUnavailable):
        api.request(method, "/x", json={})
    assert len(stub.requests) == 1


def test_a_post_that_does_no_harm_twice_is_repeated(stub, api):
    stub.on("POST", "/x", Answer(500), Answer(200, {}))
    assert api.post("/x", {"n": 1}, repeatable=True) == {}
    assert [request.json for request in stub.requests] == [{"n": 1}] * 2


def test_a_post_for_which_no_connection_could_be_made_is_repeated():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    stub_started = threading.Event()
    api = api_for(f"http://127.0.0.1:{port}")

    def start_late():
        with socket.create_server(("127.0.0.1", port)) as late:
            stub_started.set()
            connection, _ = late.accept()
            with connection:
                read_request(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    timer = threading.Timer(0.05, start_late)
    timer.start()
    try:
        assert api.post("/x", {}) == {}
    finally:
        timer.join()


def test_a_server_that_is_not_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PlatformUnavailable, match="could not be reached"):
        api_for(f"http://127.0.0.1:{port}").post("/x", {})


def test_a_host_without_an_address_is_unavailable():
    with pytest.raises(PlatformUnavailable, match="could not be reached"):
        api_for("http://nowhere.invalid").post("/x", {})


@pytest.mark.parametrize("ending", ["before", "in the first line", "in the body"])
def test_a_post_whose_connection_breaks_is_not_repeated(ending):
    answer = {
        "before": b"",
        "in the first line": b"HTTP/1.1",
        "in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
    }

    def serve(connection):
        read_request(connection)
        connection.sendall(answer[ending])

    with raw_server(serve) as (url, connections):
        with pytest.raises(PlatformUnavailable, match="broke the connection off"):
            api_for(url).post("/x", {})
        assert len(connections) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"not http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Header: 1\r\n" * 200 + b"\r\n{}",
    ],
)
def test_an_answer_that_is_broken_http_is_unavailable(answer):
    def serve(connection):
        read_request(connection)
        connection.sendall(answer)

    with raw_server(serve) as (url, _), pytest.raises(PlatformUnavailable, match="broke the connection off"):
        api_for(url).post("/x", {})


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_not_json_is_unavailable(stub, api, body):
    stub.on("POST", "/x", Answer(200, body=body))
    with pytest.raises(PlatformUnavailable, match="not JSON"):
        api.post("/x", {})


def test_an_answer_without_end_is_cut_off():
    def serve(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(serve) as (url, _), pytest.raises(PlatformUnavailable, match="too large"):
        api_for(url).post("/x", {})


# Being asked to wait


def test_a_short_wait_is_waited_for_even_by_a_post(stub, api):
    stub.on("POST", "/x", Answer(429, headers={"Retry-After": "0.4"}), Answer(200, {}))
    started = time.monotonic()
    assert api.post("/x", {}) == {}
    assert 0.4 <= time.monotonic() - started < 10


def test_without_a_time_the_wait_is_short(stub, api):
    stub.on("POST", "/x", Answer(429), Answer(200, {}))
    assert api.post("/x", {}) == {}


def test_a_long_wait_is_told_and_not_waited_for(stub, api):
    stub.on("GET", "/x", Answer(429, headers={"Retry-After": "30"}))
    started = time.monotonic()
    with pytest.raises(PlatformUnavailable, match="answered 429") as caught:
        api.get("/x")
    assert time.monotonic() - started < 15
    assert caught.value.retry_after == 30
    assert len(stub.requests) == 1


def test_a_failing_server_may_ask_for_a_wait_too(stub, api):
    stub.on("GET", "/x", Answer(503, headers={"Retry-After": "60"}))
    with pytest.raises(PlatformUnavailable) as caught:
        api.get("/x")
    assert caught.value.retry_after == 60
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("header", "at_least", "at_most"),  # a date is made when the test runs, which may be long after it was collected
    [
        (lambda: format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True), 1700, 1800),
        (lambda: format_datetime((datetime.now(UTC) + timedelta(minutes=30)).replace(tzinfo=None)), 1700, 1800),
        ("1e9", client.LONGEST_RETRY_AFTER_SECONDS, client.LONGEST_RETRY_AFTER_SECONDS),
        ("9999999999999999999999", client.LONGEST_RETRY_AFTER_SECONDS, client.LONGEST_RETRY_AFTER_SECONDS),
    ],
)
def test_the_time_may_be_a_date_and_is_capped(stub, api, header, at_least, at_most):
    stub.on("GET", "/x", Answer(429, headers={"Retry-After": header() if callable(header) else header}))
    with pytest.raises(PlatformUnavailable) as caught:
        api.get("/x")
    assert at_least <= caught.value.retry_after <= at_most


@pytest.mark.parametrize(
    "header", ["soon", "nan", "inf", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Oct 2015 07:28:00 GMT"]
)
def test_a_time_that_says_nothing_or_is_past_is_a_short_wait(stub, api, header):
    stub.on("GET", "/x", Answer(429, headers={"Retry-After": header}), Answer(200, {}))
    assert api.get("/x") == {}


def test_the_time_may_be_in_the_body(stub):
    api = api_for(stub.url, wait_in_body=lambda answer: answer.get("seconds"))
    stub.on("GET", "/x", Answer(429, {"seconds": 40}))
    with pytest.raises(PlatformUnavailable) as caught:
        api.get("/x")
    assert caught.value.retry_after == 40


# Limits in time


def seconds_until_unavailable(call, match):
    started = time.monotonic()
    with pytest.raises(PlatformUnavailable, match=match):
        call()
    return time.monotonic() - started


def test_a_server_that_does_not_answer_costs_the_read_limit(stub, api, settings):
    settings.PROVIDER_READ_TIMEOUT = 0.2
    stub.on("POST", "/x", Answer(200, {}, delay=2))
    assert 0.2 <= seconds_until_unavailable(lambda: api.post("/x", {}), "did not answer in time") < 1.5


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"Content-Length: 2000\r\n\r\n" + b" " * 2000,
        HEAD + b"\r\n" + b" " * 2000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 400,
        HEAD + b"X-Long: " + b"x" * 2000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
    ],
    ids=["body", "body without a length", "chunks", "headers", "interim answers"],
)
def test_a_server_that_drips_costs_no_more_than_the_read_limit(settings, content):
    settings.PROVIDER_READ_TIMEOUT = 0.3

    def serve(connection):
        read_request(connection)
        drip(connection, content)

    with raw_server(serve) as (url, _):
        api = api_for(url)
        assert seconds_until_unavailable(lambda: api.post("/x", {}), "did not answer in time") < 2


def test_a_server_that_never_stops_costs_no_more_than_the_read_limit(settings):
    settings.PROVIDER_READ_TIMEOUT = 0.3

    def serve(connection):
        read_request(connection)
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    with raw_server(serve) as (url, _):
        api = api_for(url)
        assert seconds_until_unavailable(lambda: api.post("/x", {}), "did not answer in time") < 2


def test_all_attempts_together_stay_within_the_total(stub, api, settings):
    settings.PROVIDER_TOTAL_TIMEOUT = 0.5
    settings.PROVIDER_READ_TIMEOUT = 0.3
    stub.on("GET", "/x", Answer(200, {}, delay=3))
    assert seconds_until_unavailable(lambda: api.get("/x"), "did not answer in time") < 1.5


def test_a_wait_that_would_pass_the_total_is_not_begun(stub, api, settings):
    settings.PROVIDER_TOTAL_TIMEOUT = 2
    stub.on("GET", "/x", Answer(429, headers={"Retry-After": "3"}))
    assert seconds_until_unavailable(lambda: api.get("/x"), "429") < 1.5
    assert len(stub.requests) == 1


def test_a_server_that_does_not_read_costs_no_more_than_the_limit(settings):
    settings.PROVIDER_READ_TIMEOUT = 0.3
    release = threading.Event()

    def serve(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        release.wait(5)

    with raw_server(serve) as (url, _):
        api = api_for(url)
        upload = {"image": ("logo.png", b"x" * 20_000_000, "image/png")}
        call = lambda: api.request("PUT", "/x", files=upload, repeatable=False)  # noqa: E731
        assert seconds_until_unavailable(call, "Acme") < 3
        release.set()


def test_a_request_without_a_limit_reads_for_as_long_as_it_takes(stub, api):
    stub.on("GET", "/slow", Answer(200, {"fine": True}, delay=0.1))
    assert api.session.get(f"{stub.url}/slow", timeout=None).json() == {"fine": True}


# The breaker


def fail(api, times):
    for _ in range(times):
        with pytest.raises(PlatformUnavailable):
            api.post("/x", {})


@pytest.mark.django_db
def test_a_provider_that_keeps_failing_is_left_alone(stub, api):
    stub.on("POST", "/x", Answer(500))
    fail(api, 5)
    assert len(stub.requests) == 5
    with pytest.raises(PlatformUnavailable, match="Acme failed 5 times in a row and is left alone") as caught:
        api.get("/ok")
    assert 0 < caught.value.retry_after <= 20
    assert len(stub.requests) == 5


@pytest.mark.django_db
def test_an_open_breaker_ends_the_repeating(stub, api):
    stub.on("POST", "/x", Answer(500))
    stub.on("GET", "/x", Answer(500))
    fail(api, 4)
    with pytest.raises(PlatformUnavailable, match="answered 500"):
        api.get("/x")
    assert len(stub.requests) == 5


def test_one_success_starts_the_count_anew(stub, api):
    stub.on("POST", "/x", Answer(500))
    fail(api, 4)
    api.get("/ok")
    fail(api, 4)
    assert api.get("/ok") == {"fine": True}


@pytest.mark.django_db
def test_other_platforms_go_on(stub, api):
    stub.on("POST", "/x", Answer(500))
    fail(api, 6)
    assert api_for(stub.url).get("/ok") == {"fine": True}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refusals_do_not_open_the_breaker(stub, api, status):
    stub.on("POST", "/x", Answer(status))
    for _ in range(10):
        with pytest.raises(PlatformRejected):
            api.post("/x", {})
    assert api.get("/ok") == {"fine": True}


def test_being_asked_to_slow_down_does_not_open_the_breaker(stub, api):
    stub.on("POST", "/x", Answer(429, headers={"Retry-After": "30"}))
    fail(api, 10)
    assert api.get("/ok") == {"fine": True}


def test_after_a_pause_one_call_tries_whether_the_provider_is_back(stub, api):
    api.breaker = Breaker(failures=2, pause=0.2)
    stub.on("POST", "/x", Answer(500), Answer(500), Answer(500), Answer(200, {}))
    fail(api, 2)
    time.sleep(0.2)
    fail(api, 1)
    with pytest.raises(PlatformUnavailable, match="left alone"):
        api.post("/x", {})
    time.sleep(0.2)
    assert api.post("/x", {}) == {}
    assert api.post("/x", {}) == {}
    assert len(stub.requests) == 5


def test_of_many_calls_after_a_pause_only_one_is_the_trial():
    breaker = Breaker(failures=1, pause=0.05)
    breaker.record(available=False)
    time.sleep(0.05)
    breaker.pause = 60
    waits = [breaker.seconds_to_wait() for _ in range(5)]
    assert waits[0] == 0
    assert all(wait > 0 for wait in waits[1:])


def test_a_trial_that_never_reports_does_not_keep_the_breaker_open_for_ever():
    breaker = Breaker(failures=1, pause=0.05)
    breaker.record(available=False)
    time.sleep(0.05)
    assert breaker.seconds_to_wait() == 0
    assert breaker.seconds_to_wait() > 0
    time.sleep(0.05)
    assert breaker.seconds_to_wait() == 0


# Configuration


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("", TOKEN),
        ("nonsense", TOKEN),
        ("ftp://127.0.0.1", TOKEN),
        ("http://", TOKEN),
        ("http://a..b", TOKEN),
        ("http://127.0.0.1:1", "line\nbreak"),
        ("http://127.0.0.1:1", "long \u2013 dash"),
    ],
)
def test_an_address_or_key_that_cannot_be_sent_is_a_matter_of_configuration(url, token):
    api = ProviderAPI("acme", "Acme", url, token)
    with pytest.raises(PlatformNotConfigured, match="Acme cannot be called: its address or key is not valid") as caught:
        api.get("/x")
    assert token not in str(caught.value)


def test_a_call_may_bear_headers_of_its_own(stub, api):
    stub.on("POST", "/jobs", Answer(202))
    api.request("POST", "/jobs", data=b"{}", headers={"X-Signature": "of this body"})
    [request] = stub.requests
    assert request.headers["x-signature"] == "of this body"
    assert request.headers["authorization"].startswith("Bearer ")
