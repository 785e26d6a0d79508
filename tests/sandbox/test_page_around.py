"""What the meeting page tells: the page that frames it by messages, and the product by webhooks."""

import pytest
from playwright.sync_api import expect

from platforms.sandbox.server import running_sandbox
from tests.browser.chromium import chromium, open_page
from tests.sandbox.calls import CLOUD, Api, daily_room, whereby_room
from tests.sandbox.product import Product
from tests.sandbox.tabs import join, make_room, room_of
from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.browser
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
AROUND = """<!doctype html><html lang="en"><title>Around</title><main><script>
  const told = [];
  addEventListener("message", ({ data }) => told.push(data));
  const frame = document.createElement("iframe");
  frame.allow = "microphone";
  frame.title = "Meeting";
  frame.src = decodeURIComponent(location.hash.slice(1));
  document.querySelector("main").append(frame);
</script></main></html>"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def sandbox():
    with running_sandbox(storage=False) as sandbox:
        yield sandbox


@pytest.fixture
def framed(browser, sandbox):
    """A page of another origin with the meeting page in a frame: it, the frame, and what it was told."""
    with StubProvider() as other:
        other.on("GET", "/*", Answer(200, body=AROUND.encode(), headers={"Content-Type": "text/html"}))

        def open_framed(query):
            page, _ = open_page(browser, f"{other.url}/around#{sandbox.url}/mock/standup?{query}")

            def told(*messages):
                wanted = [{"sandbox": True, **message} for message in messages]
                wait_until(lambda: page.evaluate("told") == wanted, seconds=10)

            return page, page.frame_locator("iframe"), told

        yield open_framed


READY, JOINED, LEFT, ENDED = ({"type": kind} for kind in ("ready", "joined", "left", "ended"))
ON, OFF = ({"type": "recording", "on": on} for on in (True, False))


def test_the_page_around_is_told_what_goes_on(framed, sandbox):
    _, frame, told = framed("name=Ada&host=key&recording=cloud")
    told(READY)
    join(frame)
    told(READY, JOINED)
    frame.get_by_role("button", name="Start recording").click()
    told(READY, JOINED, ON)
    frame.get_by_role("button", name="Stop recording").click()
    told(READY, JOINED, ON, OFF)
    frame.get_by_role("button", name="Leave").click()
    told(READY, JOINED, ON, OFF, LEFT)


def test_a_name_that_the_page_around_gives_is_not_asked_for(framed, sandbox):
    _, frame, told = framed("name=Ada")
    expect(frame.get_by_text("You come in as Ada.")).to_be_visible()
    expect(frame.get_by_label("Your name")).to_be_hidden()
    frame.get_by_role("button", name="Join").press("Enter")
    told(READY, JOINED)
    assert [person.name for person in room_of(sandbox).people] == ["Ada"]
    frame.get_by_role("button", name="Leave").press("Enter")
    frame.get_by_role("button", name="Join again").press("Enter")
    expect(frame.get_by_role("button", name="Join", exact=True)).to_be_focused()


def test_without_one_it_is_asked_for(framed):
    _, frame, _ = framed("")
    expect(frame.get_by_label("Your name")).to_be_visible()
    expect(frame.get_by_text("You come in as")).to_be_hidden()


def test_the_page_around_may_have_somebody_leave(framed, sandbox):
    page, frame, told = framed("name=Ada")
    join(frame)
    told(READY, JOINED)
    page.evaluate("frame.contentWindow.postMessage({ sandbox: true, type: 'leave' }, '*')")
    told(READY, JOINED, LEFT)
    assert room_of(sandbox).people == []


def test_taking_the_frame_away_is_leaving(framed, sandbox):
    page, frame, told = framed("name=Ada")
    join(frame)
    told(READY, JOINED)
    page.evaluate("frame.remove()")
    wait_until(lambda: room_of(sandbox).people == [], seconds=3)


def test_the_end_is_told_also_to_who_comes_late(framed, sandbox):
    _, frame, told = framed("name=Ada")
    join(frame)
    told(READY, JOINED)
    sandbox.world.close(room_of(sandbox))
    told(READY, JOINED, ENDED)
    _, _, late_told = framed("name=Bo")
    late_told(READY, ENDED)


def test_messages_of_others_than_the_page_around_do_nothing(framed, sandbox):
    page, frame, told = framed("name=Ada")
    join(frame)
    told(READY, JOINED)
    [meeting] = page.frames[1:]
    meeting.evaluate("window.postMessage({ sandbox: true, type: 'leave' }, '*')")
    page.evaluate("frame.contentWindow.postMessage('leave', '*')")
    page.evaluate("frame.contentWindow.postMessage({ type: 'leave' }, '*')")
    frame.get_by_role("button", name="Mute").click()  # by then the messages have been heard
    expect(frame.get_by_role("button", name="Leave")).to_be_visible()
    assert [person.name for person in room_of(sandbox).people] == ["Ada"]


def daily_address(sandbox):
    room = daily_room(sandbox, enable_recording="cloud")
    token = {"room_name": room.name, "is_owner": True, "user_name": "Ada"}
    answer = Api(sandbox, "daily").post("/meeting-tokens", {"properties": token})
    return room, f"{sandbox.url}/daily/{room.name}?t={answer.json()['token']}"


def whereby_address(sandbox):
    room, answer = whereby_room(sandbox, recording={**CLOUD, "startTrigger": "none"})
    return room, answer["hostRoomUrl"] + "&displayName=Ada"


def mock_address(sandbox):
    room = make_room(sandbox, recording="cloud")
    return room, f"{sandbox.url}/mock/standup?name=Ada&host=key"


@pytest.mark.parametrize(
    ("address", "before", "after"),
    [
        (
            mock_address,
            ["participant.joined", "meeting.started", "recording.started"],
            ["participant.left", "meeting.ended", "recording.ready"],
        ),
        (
            daily_address,
            ["participant.joined", "recording.started"],
            ["participant.left", "recording.ready-to-download"],
        ),
        (
            whereby_address,
            ["room.client.joined", "room.client.joined"],
            ["room.client.left", "room.client.left", "recording.finished"],
        ),
    ],
)
def test_webhooks_tell_the_product_in_order(browser, address, before, after):
    with Product() as product, running_sandbox(product.url, SECRET) as sandbox:
        room, url = address(sandbox)
        page, _ = open_page(browser, url)
        expect(page.get_by_label("Your name")).to_have_value("Ada")
        join(page)
        page.get_by_role("button", name="Start recording").click()
        wait_until(lambda: product.kinds() == before)
        wait_until(lambda: room.recording.audio)
        page.get_by_role("button", name="Leave").click()
        wait_until(lambda: product.kinds() == before + after)
