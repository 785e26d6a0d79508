"""What the web server, as `manage.py web` starts it, makes of its clients; Django's own test client never shows it."""

import io
import subprocess
import threading
import time
import uuid
import wave
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from platforms.signing import stamped_signature
from tests.conftest import error
from tests.support.live import running_product
from tests.support.slow_clients import answer_of, connect, exchange, held_open, request_of, status_of, timed, unfinished

pytestmark = pytest.mark.drill

SECRET = "secret-of-a-processor"
SIZE = 40_000_000  # bytes of the audio
QUICK = 0.5  # seconds in which webhooks and /health are answered nearly always
MAKE_AUDIO = f"""
from pathlib import Path
from django.conf import settings
from recordings.models import Transcript
file = Path(settings.DATA_DIR) / "recordings" / "long.mp3"
file.parent.mkdir(parents=True, exist_ok=True)
file.write_bytes(b"x" * {SIZE})
print(Transcript.objects.create(name="long", source_kind="room", share_mode="public", audio_file="long.mp3").pk)
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    variables = {
        "WHEREBY_API_KEY": "key",
        "WHEREBY_WEBHOOK_SECRET": "secret",
        "RECORDING_PROCESSOR": "http",
        "RECORDING_PROCESSOR_URL": "https://processor.example.com/",
        "RECORDING_PROCESSOR_SECRET": SECRET,
    }
    with running_product(tmp_path_factory.mktemp("product"), **variables) as product:
        yield product


@pytest.fixture
def address(product):
    return product.servers[0][0]


@pytest.fixture(scope="module")
def audio(product):
    """The path of a public transcript's audio, as long as that of a long meeting."""
    return f"/v1/transcripts/{product.tell('shell', '--verbosity=0', '-c', MAKE_AUDIO).strip()}/audio/mp3"


def check_quick(address):
    """Webhooks and /health are answered as ever."""
    times, answers = timed(
        lambda: (status_of("GET", f"{address}/health"), status_of("POST", f"{address}/v1/whereby/webhook", data=b"{}"))
    )
    assert set(answers) == {(200, 400)}  # one without a signature
    assert times[int(0.95 * len(times))] < 2 * QUICK


def test_a_connection_serves_on_whatever_the_views_left_unread(address):
    with requests.Session() as session:
        statuses = [session.post(f"{address}/v1/nothing", data=b"x" * 250_000).status_code for _ in range(60)]
    assert statuses == [404] * 60


PATHS = ["/v1/whereby/webhook", "/v1/auth/login", "/login", f"/v1/recordings/{uuid.uuid4()}/result"]


def test_bodies_that_do_not_come_hold_up_nobody_and_are_given_up(address):
    with ExitStack() as stack:
        held = [stack.enter_context(held_open(address, unfinished(path), 50)) for path in PATHS]
        check_quick(address)
        assert status_of("GET", f"{address}/login") == 200
        answers = [answer_of(channel) for channels in held for channel in channels]
    assert Counter(answer[:12] for answer in answers) == {b"HTTP/1.1 408": 200}
    assert all(b"connection: close" in answer for answer in answers)


def test_a_body_that_comes_too_slowly_is_given_up_however_steadily_it_comes(address):
    channel = connect(address)
    channel.sendall(unfinished("/v1/auth/login", length=100_000))
    is_over = threading.Event()

    def drip():
        while not is_over.wait(0.1):
            try:
                channel.sendall(b" ")
            except OSError:
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    started = time.monotonic()
    try:
        assert channel.recv(1000).startswith(b"HTTP/1.1 408")
    finally:
        is_over.set()
        dripping.join()
        channel.close()
    assert time.monotonic() - started < 30


def test_headers_that_do_not_come_hold_up_nobody(address):
    with held_open(address, b"POST /v1/whereby/webhook HTTP/1.1\r\nHost: localhost\r\nX-Slow", 200) as channels:
        check_quick(address)
        assert channels[0].recv(1000)[:12] in {b"", b"HTTP/1.1 408"}  # closed


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-"}], ids=["the whole", "a range"])
def test_players_that_pause_hold_up_nobody(address, audio, headers):
    with held_open(address, request_of("GET", audio, headers), 100, receive_buffer=4096) as channels:
        assert all(channel.recv(12) in {b"HTTP/1.1 200", b"HTTP/1.1 206"} for channel in channels)
        check_quick(address)
        assert len(requests.get(address + audio, timeout=60).content) == SIZE


def test_who_asks_for_all_of_a_long_file_gets_it_in_parts(address, audio):
    answer = requests.get(address + audio, headers={"Range": "bytes=100-"}, timeout=60)
    assert (answer.status_code, len(answer.content)) == (206, 4 * 1024 * 1024)
    assert answer.headers["Content-Range"] == f"bytes 100-{99 + 4 * 1024 * 1024}/{SIZE}"


def test_bodies_of_strangers_leave_no_memory_behind(product, address):
    before = memory(product)
    signed_as_if = {"X-Webhook-Signature": stamped_signature("not the secret", b"")}
    with requests.Session() as session:
        for limit, path, headers, length, count in [
            (413, "/v1/whereby/webhook", {"Whereby-Signature": "t=1,v1=ab"}, 1_000_000, 2000),
            (401, "/v1/whereby/webhook", {"Whereby-Signature": "t=1,v1=ab"}, 250_000, 200),
            (404, f"/v1/recordings/{uuid.uuid4()}/result", signed_as_if, 31_000_000, 30),
            (401, f"/v1/recordings/{uuid.uuid4()}/result", {"X-Webhook-Signature": "t=1,v1=ab"}, 31_000_000, 30),
        ]:
            body = b"x" * length
            answers = {session.post(address + path, body, headers=headers).status_code for _ in range(count)}
            assert answers == {limit}, path
    assert memory(product) - before <= 50


def memory(product):
    """Of all processes of the web server, in MB."""
    parent = product.pid()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sum(_resident(pid) for pid in [parent, *children]) / 1024


def _resident(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_a_header_with_an_underscore_does_not_pass_for_another_one(address):
    headers = {"Connection": "close", "Whereby_Signature": "t=1,v1=ab", "Content-Length": 2}
    answer = exchange(address, request_of("POST", "/v1/whereby/webhook", headers, b"{}"))
    assert answer.startswith(b"HTTP/1.1 400")  # as without a signature; with a wrong one it is 401


@pytest.mark.parametrize("chunk", [10, 200_000])
def test_bodies_in_chunks_are_read_to_their_end(address, chunk):
    body = iter([b'{"email": ', b" " * chunk, b'"x"}'])
    answer = requests.post(f"{address}/v1/auth/login", body, headers={"Content-Type": "application/json"}, timeout=60)
    problems = [problem["loc"] for problem in answer.json()["detail"]]
    assert (answer.status_code, problems) == (422, [["body", "password"]])


def test_a_long_body_in_chunks_is_refused(address):
    answer = requests.post(f"{address}/v1/auth/login", iter([b" " * 300_000] * 5), timeout=60)
    assert (answer.status_code, answer.json()) == (413, error("The request body is too large."))


def test_an_upload_comes_whole_through_the_thread_that_waits_for_it(product, address):
    token = product.sign_in()
    transcript = product.api("POST", "/v1/transcripts", token=token, json={"name": "sent"}).json()["id"]
    path = f"/v1/transcripts/{transcript}/record/upload?chunk_number=0&total_chunks=2"
    sent = {"chunk": ("piece", bytes(range(256)) * 20_000)}
    assert product.api("POST", path, files=sent).status_code in {401, 403}
    answer = product.api("POST", path, token=token, files=sent)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    pieces = list(Path(product.environment["DATA_DIR"], "recordings", "uploads", transcript).iterdir())
    assert [piece.read_bytes() for piece in pieces] == [sent["chunk"][1]]


def test_a_form_with_a_file_comes_whole_as_well(product, address):
    """Longer than other forms may be; who is not logged in is told so."""
    page = f"{address}/transcripts/upload"
    sent = {"file": ("talk.wav", wav(seconds=120))}
    refused = requests.post(page, files=sent, allow_redirects=False, timeout=60)
    assert (refused.status_code, refused.headers["Location"]) == (302, "/login?next=/transcripts/upload")
    session = product.log_in_by_form("/login").cookies
    headers = {"X-CSRFToken": session["csrftoken"]}
    answer = requests.post(page, files=sent, cookies=session, headers=headers, allow_redirects=False, timeout=60)
    assert answer.status_code == 302
    shown = requests.get(address + answer.headers["Location"], cookies=session, timeout=60)
    assert "<h1" in shown.text
    assert "talk" in shown.text


def wav(seconds, rate=8000):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\1" * seconds * rate)
    return out.getvalue()


@pytest.mark.parametrize(
    "lines",
    [["GET /health HTTP/1.1", "Host: 10.42.8.201:8000"], ["GET /health HTTP/1.0"], ["GET /health HTTP/1.1", "Host:"]],
)
def test_probes_by_address_are_answered(address, lines):
    def status(path):
        request = "\r\n".join([lines[0].replace("/health", path), *lines[1:], "Connection: close", "", ""])
        return exchange(address, request.encode()).splitlines()[0].split(b" ", 1)[1]

    assert status("/health") == b"200 OK"
    assert status("/login") == b"400 Bad Request"


def test_a_server_process_that_is_killed_is_replaced(product, address):
    parent = product.pid()
    children = Path(f"/proc/{parent}/task/{parent}/children")
    (killed,) = children.read_text().split()
    subprocess.run(["kill", "-9", killed], check=True)
    product.wait_until_up()
    assert killed not in children.read_text().split()
