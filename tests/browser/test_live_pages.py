"""Pages in a browser that are told when to look, by the product as it runs; and that look by themselves when they must.

A page looks by a request for itself (home) or for its meeting (a call). As long as it is told, each of these follows a
message, but for one a minute.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.chromium import open_page
from tests.browser.people import Visitor
from tests.support.live import ADMIN, ROOT, free_port, running_product, wait_until
from tests.support.proxy import PathProxy
from tests.support.visits import NO_SOCKETS

pytestmark = pytest.mark.browser

FIRST = "automatic"  # who comes first begins the recording
AT_REST_SECONDS = 60


class Watched:
    """What a page looks for at an address (a pattern), and what it is told, since `forget`."""

    def __init__(self, page, address):
        self.page = page
        self.sockets = []
        page.on("websocket", self._opened)
        page.on("request", lambda request: self._looked(request, address))
        self.forget()

    def forget(self):
        self.messages, self.looks, self._since = [], 0, time.monotonic()

    def _opened(self, socket):
        if "/events/" in socket.url:
            self.sockets.append(socket)
            socket.on("framereceived", lambda text: self.messages.append(text))

    def _looked(self, request, address):
        self.looks += request.resource_type == "fetch" and bool(re.fullmatch(address, request.url))

    def until(self, condition, seconds=60):
        """Waits for what the page's events bring."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.messages, self.looks)
            self.page.wait_for_timeout(100)

    def follows(self):
        """From then on it is told."""
        self.until(lambda: self.messages and self.looks)

    def only_looked_when_told(self):
        by_itself = (time.monotonic() - self._since) // AT_REST_SECONDS
        assert self.looks <= len(self.messages) + by_itself, (self.messages, self.looks)
        return True


def make_room(product, name):
    fields = {"name": name, "platform": "mock", "recording_type": "cloud", "recording_trigger": FIRST}
    return product.api("POST", "/v1/rooms", json=fields)


def row_of(page, room):
    return page.locator("#rooms > li").filter(has=page.get_by_role("heading", name=room, exact=True))


def test_another_page_shows_who_comes_what_is_recorded_and_what_became_of_it(browser, product):
    room = "told"
    make_room(product, room)
    watcher, speaker = Visitor(browser, product), Visitor(browser, product)
    home = Watched(watcher.page, f"{product.url}/")
    watcher.sign_in()
    watcher.go("/account")
    home.forget()
    watcher.go("/")
    home.follows()
    speaker.enter(room, name="Bo")
    speaker.answer_consent(agrees=True)
    speaker.join_call("Bo")
    expect(row_of(watcher.page, room)).to_contain_text("1 in the meeting")
    expect(row_of(watcher.page, room)).to_contain_text("Recording")
    speaker.page.wait_for_timeout(3000)  # what Bo says
    speaker.leave()
    expect(row_of(watcher.page, room)).to_contain_text("Nobody is in it")
    done = watcher.page.locator("#recordings > li").filter(has_text=room).filter(has_text="Ready")
    expect(done).to_have_count(1, timeout=120_000)
    assert home.only_looked_when_told()
    assert (home.sockets[-1].is_closed(), watcher.problems) == (False, [])


def test_a_page_that_is_told_does_not_look_by_the_clock(browser, product):
    watcher = Visitor(browser, product)
    watcher.page.clock.install()
    home = Watched(watcher.page, f"{product.url}/")
    watcher.sign_in()
    watcher.go("/")
    home.follows()
    # Meetings of other tests may still end: a moment without anything is waited for.
    for _ in range(60):
        home.forget()
        watcher.page.clock.run_for(40_000)
        watcher.page.wait_for_timeout(1000)
        if not home.messages:
            break
    assert (home.messages, home.looks) == ([], 0)
    watcher.page.clock.run_for(25_000)  # and yet once a minute
    home.until(lambda: home.looks == 1)


def test_a_guest_in_a_call_is_told_that_it_has_ended(browser, product):
    room = "ending"
    make_room(product, room)
    guest = Visitor(browser, product)
    call = Watched(guest.page, f"{product.url}/v1/rooms/{room}/meetings/[^/]+")
    guest.enter(room, name="Bo")
    guest.answer_consent(agrees=True)
    call.follows()
    [meeting] = product.api("GET", f"/v1/rooms/{room}/meetings/active")
    product.api("PATCH", f"/v1/meetings/{meeting['id']}/deactivate")
    expect(guest.page.get_by_role("heading", name="The meeting has ended")).to_be_visible()
    assert call.only_looked_when_told()
    [socket] = call.sockets
    call.until(socket.is_closed)


def test_who_waits_for_a_transcript_is_told_when_it_is_there(browser, product):
    made = product.api("POST", "/v1/transcripts", json={"name": "talk", "source_kind": "file"})
    reader = Visitor(browser, product)
    reader.sign_in()
    page = Watched(reader.page, f"{product.url}/transcripts/{made['id']}")
    reader.go(f"/transcripts/{made['id']}")
    page.follows()
    expect(reader.page.get_by_role("status")).to_contain_text("Waiting for its recording")
    page.forget()
    product.upload(made["id"])
    expect(reader.page.locator("#turns")).to_be_visible(timeout=120_000)
    assert page.messages
    assert page.only_looked_when_told()
    page.until(page.sockets[-1].is_closed)


# A process of its own for what stays connected, as deploy/Caddyfile has it


@contextmanager
def live_process(product, port):
    command = [sys.executable, "manage.py", "live", "--port", str(port)]
    where = {"cwd": ROOT, "env": product.environment, "stdout": product.log, "stderr": product.log}
    process = subprocess.Popen(command, start_new_session=True, **where)
    try:
        wait_until(lambda: answers(port))
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def sent_to_live():
    """The paths, of the proxy's own configuration."""
    [paths] = re.findall(r"@live path (.+)", (ROOT / "deploy/Caddyfile").read_text())
    return "|".join(re.escape(path).replace(r"\*", ".*") + "$" for path in paths.split())


@pytest.fixture
def behind_a_proxy(tmp_path):
    """The product, the port of its live process, and the address of both."""
    with running_product(tmp_path) as product:
        live, web = free_port(), int(product.servers[0][0].rpartition(":")[2])
        with PathProxy(sent_to_live(), live, web) as proxy:
            yield product, live, proxy.address


def sign_in(page):
    page.get_by_label("E-mail address or user name").fill(ADMIN["email"])
    page.get_by_label("Password").fill(ADMIN["password"])
    page.get_by_role("button", name="Log in").click()


def test_a_page_goes_on_without_the_live_process_and_catches_up_with_the_next(browser, behind_a_proxy):
    product, live, address = behind_a_proxy
    token = product.sign_in()

    def make_room(name):
        assert product.api("POST", "/v1/rooms", token=token, json={"name": name, "platform": "mock"}).ok

    page, problems = open_page(browser, f"{address}/login")
    home = Watched(page, f"{address}/")
    with live_process(product, live):
        sign_in(page)
        home.follows()
        make_room("told")
        expect(row_of(page, "told")).to_be_visible()
        assert home.only_looked_when_told()
    home.forget()
    make_room("looked-for")
    expect(row_of(page, "looked-for")).to_be_visible()
    assert (home.messages, home.looks > 0) == ([], True)
    with live_process(product, live):
        home.until(lambda: home.messages)
        home.until(lambda: home.looks)
        home.forget()
        make_room("told-again")
        expect(row_of(page, "told-again")).to_be_visible()
        assert home.only_looked_when_told()
    assert [problem for problem in problems if not NO_SOCKETS.match(problem)] == []


def test_a_page_catches_up_when_the_server_was_away(browser, tmp_path):
    """Nobody is there to answer it meanwhile: it shows what happened as soon as there is."""
    with running_product(tmp_path, servers=2) as product:
        token = product.sign_in()
        address = product.servers[0][0]
        page, _ = open_page(browser, f"{address}/login")
        home = Watched(page, f"{address}/")
        sign_in(page)
        home.follows()
        product.kill(0)
        home.until(home.sockets[0].is_closed)
        assert product.api("POST", "/v1/rooms", 1, token, json={"name": "made-meanwhile", "platform": "mock"}).ok
        home.forget()
        product.start_again(0)
        expect(row_of(page, "made-meanwhile")).to_be_visible(timeout=60_000)
        home.until(lambda: home.messages)


def test_who_left_is_told_whether_the_meeting_goes_on(browser, product):
    product.api("POST", "/v1/rooms", json={"name": "outside", "platform": "mock", "recording_type": "none"})
    ada, bo = Visitor(browser, product), Visitor(browser, product)
    for person, name in ((ada, "Ada"), (bo, "Bo")):
        person.enter("outside", name=name)
        person.join_call(name)
    ada.leave()
    told = ada.page.locator("#goes-on")
    expect(told).to_have_text("It goes on while somebody is in it.")
    bo.leave()
    expect(told).to_have_text(re.compile("Nobody is in it any more. It ends by itself.|It is over."))
    product.api("PATCH", f"/v1/meetings/{ada.page.url.rpartition('/')[2]}/deactivate")
    expect(told).to_have_text("It is over.")
    expect(ada.page.get_by_role("button", name="Rejoin")).to_be_hidden()
    ada.page.get_by_role("link", name="Back to the room").click()
    ada.page.wait_for_url("**/outside")
    assert ada.problems == []
