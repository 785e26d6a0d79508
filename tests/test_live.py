"""WebSockets and Server-Sent Events of a served product, from end to end."""

import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing, contextmanager

import pytest
import requests

from config.web import live
from config.web.live import is_own_page
from tests.support.following import close_code, code_of, event_source, followed, socket
from tests.support.live import ROOT, free_port, running_product, wait_until
from tests.support.oidc_issuer import AUDIENCE, running_issuer
from tests.support.slow_clients import connect, exchange, request_of

APP = "https://app.example.com"
OWN = "/v1/events"


@pytest.fixture(scope="module")
def issuer():
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def product(tmp_path_factory, django_db_setup, issuer):
    variables = {"CORS_ORIGINS": APP, "OIDC_ISSUER": issuer.address, "OIDC_AUDIENCE": AUDIENCE}
    with running_product(tmp_path_factory.mktemp("live"), **variables) as product:
        yield product


@pytest.fixture
def address(product):
    return product.servers[0][0]


@pytest.fixture(scope="module")
def token(product):
    return product.sign_in()


@pytest.fixture
def transcript(product, token):
    return make(product, token)


def make(product, token, **fields):
    made = product.api("POST", "/v1/transcripts", token=token, json={"name": "planning"}).json()["id"]
    if fields:
        change(product, token, made, **fields)
    return made


def change(product, token, transcript, **fields):
    answer = product.api("PATCH", f"/v1/transcripts/{transcript}", token=token, json=fields)
    assert answer.status_code == 200, answer.text


def events_of(transcript):
    return f"/v1/transcripts/{transcript}/events"


def test_owners_are_told_of_their_transcripts(product, address, token):
    with followed(address, OWN, token) as events:
        assert events.begin() == []
        made = make(product, token, title="Budget")
        assert events.next() == {"event": "TRANSCRIPT_CREATED", "data": {"id": made}}
        assert events.next() == {"event": "TRANSCRIPT_FINAL_TITLE", "data": {"id": made, "title": "Budget"}}
        assert product.api("DELETE", f"/v1/transcripts/{made}", token=token).status_code == 200
        assert events.next() == {"event": "TRANSCRIPT_DELETED", "data": {"id": made}}
        assert product.api("POST", f"/v1/transcripts/{made}/restore", token=token).status_code == 200
        assert events.next() == {"event": "TRANSCRIPT_RESTORED", "data": {"id": made}}


def test_readers_get_what_there_is_and_then_what_changes(product, address, token, transcript):
    change(product, token, transcript, title="Budget")
    with followed(address, events_of(transcript), token) as events:
        assert events.begin() == [{"event": "FINAL_TITLE", "data": {"title": "Budget"}}]
        change(product, token, transcript, short_summary="Fine.", long_summary="All is fine.")
        assert events.next() == {"event": "FINAL_SHORT_SUMMARY", "data": {"short_summary": "Fine."}}
        assert events.next() == {"event": "FINAL_LONG_SUMMARY", "data": {"long_summary": "All is fine."}}


@pytest.mark.parametrize("way", ["sub-protocol", "address", "header"])
def test_people_of_an_issuer_are_told_of_theirs_by_its_token(product, address, issuer, way):
    token = issuer.token("ES256", sub=way)
    path = f"{OWN}?token={token}" if way == "address" else OWN
    headers = {"Authorization": f"Bearer {token}"} if way == "header" else {}
    with followed(address, path, token if way == "sub-protocol" else None, additional_headers=headers) as events:
        assert events.begin() == []
        made = make(product, token)
        assert events.next() == {"event": "TRANSCRIPT_CREATED", "data": {"id": made}}


def test_a_bad_token_of_an_issuer_follows_nothing(address, issuer):
    with running_issuer() as other:
        other.name = issuer.name
        bad = [issuer.token(exp=1_577_836_800), issuer.token(aud="another service"), other.token()]
    for token in bad:
        assert close_code(address, OWN, token) == close_code(address, f"{OWN}?token={token}") == 4401


def test_the_sub_protocol_is_agreed_on_where_it_is_offered(address, token, transcript):
    with socket(address, OWN, token) as connection:
        assert connection.subprotocol == "bearer"
    with socket(address, f"{events_of(transcript)}?token={token}") as connection:
        assert connection.subprotocol is None


@pytest.mark.parametrize(
    ("path", "bearer", "code"),
    [
        (OWN, None, 4401),
        (OWN, "bad", 4401),
        (f"{OWN}?token=bad", None, 4401),
        (f"{OWN}?since=soon", "good", 4422),
        ("/v1/transcripts/{private}/events", None, 4403),
        ("/v1/transcripts/{public}/events", "bad", 4401),
        (f"/v1/transcripts/{uuid.uuid4()}/events", "good", 4404),
        ("/v1/rooms", "good", 4404),
        ("/v1/nothing", "good", 4404),
    ],
)
def test_a_socket_that_is_refused_is_told_why(address, known, path, bearer, code):
    assert close_code(address, path.format(**known), known.get(bearer)) == code


@pytest.fixture(scope="module")
def known(product, token):
    """Tokens, and transcripts."""
    private, public = make(product, token), make(product, token, share_mode="public")
    return {"good": token, "bad": "not-a-token", "private": private, "public": public}


def test_who_is_not_signed_in_may_follow_what_is_public(product, address, token, transcript):
    change(product, token, transcript, share_mode="public")
    with followed(address, events_of(transcript)) as events:
        events.begin()
        change(product, token, transcript, title="Heard by all")
        assert events.next()["data"] == {"title": "Heard by all"}


def test_who_may_not_read_any_more_is_told_no_more(product, address, token, transcript):
    change(product, token, transcript, share_mode="public")
    with socket(address, events_of(transcript)) as connection, event_source(address, events_of(transcript)) as source:
        connection.recv(timeout=20)
        source.begin()
        change(product, token, transcript, share_mode="private", title="Between us")
        with pytest.raises(AssertionError, match="has ended"):
            source.next()
        assert code_of(connection) == 4403


def test_what_is_deleted_is_followed_no_more(product, address, token, transcript):
    with socket(address, events_of(transcript), token) as connection:
        connection.recv(timeout=20)
        product.api("DELETE", f"/v1/transcripts/{transcript}", token=token)
        assert code_of(connection) == 4404


def test_the_pages_of_others_open_no_socket_by_a_cookie(product, address):
    cookie = {"Cookie": f"sessionid={session_of(product)}"}
    with followed(address, OWN, additional_headers=cookie, origin=address) as events:
        assert events.begin() == []
    assert close_code(address, OWN, additional_headers=cookie, origin="https://elsewhere.example.com") == 4401
    assert close_code(address, OWN, additional_headers=cookie) == 4401


# Pages


HOME = "/events/"
TOLD = {"event": "CHANGED", "data": {}}


@contextmanager
def open_page(product, address):
    """The first page of whoever is signed in by a cookie, from when it is followed on."""
    cookie = {"Cookie": f"sessionid={session_of(product)}"}
    with followed(address, HOME, additional_headers=cookie, origin=address) as events:
        assert events.begin() == []
        yield events


def make_room(product, token, **fields):
    name = f"room-{uuid.uuid4()}"
    answer = product.api("POST", "/v1/rooms", token=token, json={"name": name, "platform": "mock", **fields})
    assert answer.status_code == 200, answer.text
    return name


def test_a_page_is_told_when_to_look(product, address, token):
    with open_page(product, address) as page:
        make_room(product, token)
        assert page.next() == TOLD


def test_clients_of_the_api_are_told_of_no_page(product, address, token):
    with followed(address, OWN, token) as events, open_page(product, address) as page:
        events.begin()
        make_room(product, token)
        assert page.next() == TOLD
        made = make(product, token)
        assert events.next() == {"event": "TRANSCRIPT_CREATED", "data": {"id": made}}


def test_a_guest_is_told_of_the_call_as_its_page_shows_it(product, address, token):
    room = make_room(product, token)
    meeting = product.api("POST", f"/v1/rooms/{room}/meeting", json={}).json()["id"]
    with followed(address, f"/events/{room}/{meeting}") as events:
        events.begin()
        assert product.api("PATCH", f"/v1/meetings/{meeting}/deactivate", token=token).ok
        assert events.next() == TOLD
    assert close_code(address, f"/events/{room}/{uuid.uuid4()}") == 4404


def test_pages_are_followed_by_curl_as_well(product, address, token):
    room = make_room(product, token)
    meeting = product.api("POST", f"/v1/rooms/{room}/meeting", json={}).json()["id"]
    with event_source(address, f"/events/{room}/{meeting}") as events:
        events.begin()
        assert product.api("PATCH", f"/v1/meetings/{meeting}/deactivate", token=token).ok
        assert events.next() == TOLD


def test_who_may_not_see_a_page_may_not_follow_it(product, address, token):
    room = make_room(product, token)
    cookie = {"Cookie": f"sessionid={session_of(product)}"}
    for path in (HOME, f"/events/rooms/{room}"):
        assert close_code(address, path) == 4401
        assert close_code(address, path, additional_headers=cookie, origin="https://elsewhere.example.com") == 4401
    assert close_code(address, "/events/rooms/nowhere", additional_headers=cookie, origin=address) == 4404


def test_a_page_that_shows_other_rooms_by_now_begins_anew_and_one_that_is_signed_out_ends(tmp_path):
    with running_product(tmp_path, WAIT_DIVISOR="60") as product:
        token, address = product.sign_in(), product.servers[0][0]
        session = session_of(product)
        cookie = {"additional_headers": {"Cookie": f"sessionid={session}"}, "origin": address}
        with socket(address, HOME, **cookie) as connection:
            connection.recv(timeout=20)
            make_room(product, token)
            assert code_of(connection) == live.TRY_AGAIN
        with socket(address, HOME, **cookie) as connection:
            connection.recv(timeout=20)
            sign_out(product, session)
            assert code_of(connection) == 4401


def sign_out(product, session):
    with requests.Session() as browser:
        browser.cookies["sessionid"] = session
        browser.get(f"{product.servers[0][0]}/account", timeout=60)
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post(f"{product.servers[0][0]}/logout", form, allow_redirects=False, timeout=60).ok


@pytest.mark.parametrize("origin", [b"http://[", b"null", b"", b"https://elsewhere.example.com"])
def test_what_no_page_of_ours_sends_is_none(origin):
    assert not is_own_page({"headers": [(b"host", b"rooms.example.com"), (b"origin", origin)]})
    assert is_own_page({"headers": [(b"host", b"rooms.example.com"), (b"origin", b"https://rooms.example.com")]})


def test_nobody_takes_the_places_of_all_others(monkeypatch):
    monkeypatch.setattr(live, "MOST_CONNECTIONS", 4)
    monkeypatch.setattr(live, "MOST_OF_ONE_CALLER", 2)
    connections = live.Live()
    with ExitStack() as held:

        def come(caller):
            return held.enter_context(connections.place_of(caller))

        for caller in ("account 1", "account 1", "account 2"):
            come(caller)
        with pytest.raises(live.Refused, match="429"):
            come("account 1")
        come("network 203.0.113.9")
        with pytest.raises(live.Refused, match="503"):
            come("account 2")
    with connections.place_of("account 1"):
        pass
    assert not connections._callers


def session_of(product):
    return product.log_in_by_form("/login").cookies["sessionid"]


def test_events_are_sent_to_who_only_asks_by_http(product, address, token):
    bearer = {"Authorization": f"Bearer {token}", "Origin": APP}
    with event_source(address, OWN, bearer) as events:
        events.begin()
        made = make(product, token)
        assert events.next() == {"event": "TRANSCRIPT_CREATED", "data": {"id": made}}
    with event_source(address, f"{OWN}?token={token}", {"Last-Event-ID": str(events.last_id - 1)}) as again:
        assert again.next() == {"event": "TRANSCRIPT_CREATED", "data": {"id": made}}


@pytest.mark.parametrize(("path", "status"), [(OWN, 401), (f"/v1/transcripts/{uuid.uuid4()}/events", 404)])
def test_an_event_source_that_is_refused_gets_the_status(address, path, status):
    answer = requests.get(address + path, headers={"Origin": APP}, timeout=20)
    assert (answer.status_code, set(answer.json())) == (status, {"detail", "code"})
    assert answer.headers["Access-Control-Allow-Origin"] == APP


def test_the_beginning_of_an_event_stream(address, token):
    request = request_of("GET", f"{OWN}?token={token}", {"Origin": APP})
    with closing(connect(address)) as channel:
        channel.sendall(request)
        found = b""
        while b"PING" not in found:
            found += channel.recv(65536)
    head = found.partition(b"\r\n\r\n")[0].lower()
    assert b"content-type: text/event-stream" in head
    assert b"cache-control: no-store" in head
    assert f"access-control-allow-origin: {APP}".encode() in head
    assert b"\r\ncontent-length:" not in head
    assert b"retry: 2000" in found


def test_only_get_is_followed(address, token):
    answer = requests.post(address + OWN, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.status_code == 405
    head = exchange(address, request_of("HEAD", f"{OWN}?token={token}", {"Connection": "close"}))
    assert head.startswith(b"HTTP/1.1 200")
    assert b"PING" not in head


@pytest.mark.parametrize("path", [OWN, "the transcript's"])
def test_what_was_missed_comes_once_and_in_order(product, address, token, transcript, path):
    path = OWN if path == OWN else events_of(transcript)
    with followed(address, path, token) as events:
        events.begin()
        change(product, token, transcript, title="one")
        assert events.next()["data"]["title"] == "one"
        seen = events.last_id
    for title in ("two", "three"):
        change(product, token, transcript, title=title)
    with followed(address, f"{path}?since={seen}", token) as events:
        assert events.begin() == []
        assert [events.next()["data"]["title"] for _ in range(2)] == ["two", "three"]
        change(product, token, transcript, title="four")
        assert events.next()["data"]["title"] == "four"


def test_who_has_seen_more_than_there_is_begins_anew(product, address, token, transcript):
    change(product, token, transcript, title="Budget")
    with followed(address, f"{events_of(transcript)}?since=999999999999", token) as events:
        assert [message["event"] for message in events.begin()] == ["FINAL_TITLE"]
        change(product, token, transcript, title="Hiring")
        assert events.next()["data"]["title"] == "Hiring"


def test_a_server_that_is_killed_costs_no_event(tmp_path):
    with running_product(tmp_path, servers=2) as product:
        token = product.sign_in()
        transcript = make(product, token)
        first, second = product.servers[0][0], product.servers[1][0]
        with followed(first, OWN, token) as events:
            events.begin()
            change(product, token, transcript, title="one")
            assert events.next()["data"]["title"] == "one"
            seen = events.last_id
            product.kill(0)
        for title in ("two", "three"):
            answer = product.api("PATCH", f"/v1/transcripts/{transcript}", 1, token, json={"title": title})
            assert answer.status_code == 200
        with followed(second, f"{OWN}?since={seen}", token) as events:
            assert events.begin() == []
            assert [events.next()["data"]["title"] for _ in range(2)] == ["two", "three"]


def test_connections_that_stay_may_have_a_process_of_their_own(product, token):
    port = free_port()
    command = [sys.executable, "manage.py", "live", "--port", str(port)]
    where = {"cwd": ROOT, "env": product.environment, "stdout": product.log, "stderr": product.log}
    process = subprocess.Popen(command, **where)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/health"))
        with followed(address, OWN, token) as events:
            events.begin()
            made = make(product, token)
            assert events.next()["data"] == {"id": made}
    finally:
        process.terminate()
        process.wait(20)


def answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_other_processes_are_heard(tmp_path):
    with running_product(tmp_path, servers=2) as product:
        token = product.sign_in()
        with followed(product.servers[0][0], OWN, token) as events:
            events.begin()
            made = product.api("POST", "/v1/transcripts", 1, token, json={"name": "a"}).json()["id"]
            assert events.next()["data"] == {"id": made}


def test_a_server_with_followers_ends_when_it_is_asked_to(tmp_path):
    with running_product(tmp_path) as product:
        token = product.sign_in()
        address, process = product.servers[0]
        with socket(address, OWN, token) as connection, event_source(address, f"{OWN}?token={token}") as source:
            connection.recv(timeout=20)
            source.begin()
            started = time.monotonic()
            process.terminate()
            process.wait(20)
            assert time.monotonic() - started < 10
            assert code_of(connection) not in {1000, 1001}  # after which the single-page app does not come again
        wait_until(lambda: process.poll() is not None)


@pytest.mark.parametrize("follow", [OWN, "the transcript's"])
def test_a_token_that_was_ended_ends_what_it_opened(tmp_path, follow):
    with running_product(tmp_path, WAIT_DIVISOR="60") as product:
        token = product.sign_in()
        path = OWN if follow == OWN else events_of(make(product, token))
        with socket(product.servers[0][0], path, token) as connection:
            connection.recv(timeout=20)
            assert product.api("POST", "/v1/auth/logout", token=token).status_code == 200
            assert code_of(connection) == 4401
