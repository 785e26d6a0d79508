"""No page keeps anybody out: by axe-core (https://github.com/dequelabs/axe-core), and at the width of a telephone."""

from functools import partial
from pathlib import Path

import pytest

from tests.browser.people import Visitor
from tests.support.live import wait_until

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SERIOUS = {"serious", "critical"}
TELEPHONE = {"width": 360, "height": 740}
WIDE = {"width": 1200, "height": 800}
ROOM = "open-to-all"


@pytest.fixture(scope="module")
def transcript(product):
    """Uploaded, so that nobody need speak; the address of its page."""
    room = {
        "name": ROOM, "platform": "mock", "is_shared": True, "is_locked": False, "room_mode": "group",
        "recording_type": "cloud", "recording_trigger": "none", "zulip_auto_post": False, "zulip_stream": "",
        "zulip_topic": "", "webhook_url": "", "webhook_secret": "",
    }  # fmt: skip
    product.api("POST", "/v1/rooms", json=room)
    made = product.api("POST", "/v1/transcripts", json={"name": "Weekly <b>meeting</b>", "source_kind": "file"})
    product.upload(made["id"])
    wait_until(lambda: product.api("GET", f"/v1/transcripts/{made['id']}")["status"] == "ended", seconds=60, every=0.5)
    return f"/transcripts/{made['id']}"


def signed_in(browser, product, path, **look):
    person = Visitor(browser, product, **look)
    person.sign_in()
    person.go(path)
    return person


def guest(browser, product, path, **look):
    person = Visitor(browser, product, **look)
    person.go(path)
    return person


def asked_for_name(browser, product, **look):
    person = guest(browser, product, f"/{ROOM}", **look)
    person.page.get_by_role("heading", name="Join the meeting").wait_for()
    return person


def in_meeting(browser, product, **look):
    person = Visitor(browser, product, **look)
    person.enter(ROOM, name="Bo")
    person.answer_consent(agrees=True)
    person.join_call("Bo")
    return person


def asked_for_consent(browser, product, **look):
    person = Visitor(browser, product, **look)
    person.enter(ROOM, name="Bo")
    person.page.get_by_role("button", name="I agree").wait_for()
    return person


def gone(browser, product, **look):
    person = in_meeting(browser, product, **look)
    person.leave()
    return person


def ended(browser, product, **look):
    person = in_meeting(browser, product, **look)
    [meeting] = product.api("GET", f"/v1/rooms/{ROOM}/meetings/active")
    product.api("PATCH", f"/v1/meetings/{meeting['id']}/deactivate")
    person.page.get_by_role("heading", name="The meeting has ended").wait_for()
    return person


def controls(browser, product, **look):
    person = Visitor(browser, product, **look)
    person.page.goto(f"{product.sandbox}/controls")
    return person


PAGES = {
    "log in": partial(guest, path="/login"),
    "home of a guest": partial(guest, path="/"),
    "home": partial(signed_in, path="/"),
    "password": partial(signed_in, path="/account/password"),
    "search": partial(signed_in, path="/search?q=sandbox"),
    "trash": partial(signed_in, path="/transcripts/trash"),
    "upload": partial(signed_in, path="/transcripts/upload"),
    "nothing found": partial(signed_in, path="/search?q=xyzzy"),
    "no such page": partial(guest, path="/no-such-room"),
    "name": asked_for_name,
    "consent": asked_for_consent,
    "meeting": in_meeting,
    "left": gone,
    "ended": ended,
    "controls of the sandbox": controls,
}


def serious_violations(page):
    page.evaluate(AXE.read_text())  # not as a script of the page, whose policy would not let it in
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("transcript")
def test_no_serious_violation_and_no_overflow(browser, product, name, scheme):
    person = PAGES[name](browser, product, color_scheme=scheme, viewport=WIDE)
    assert serious_violations(person.page) == []
    person.page.set_viewport_size(TELEPHONE)
    assert overflow(person.page) <= 0
    assert serious_violations(person.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_transcript(browser, product, transcript, scheme):
    person = signed_in(browser, product, transcript, color_scheme=scheme, viewport=WIDE)
    person.page.get_by_text("Sandbox transcript").first.wait_for()
    assert serious_violations(person.page) == []
    person.page.set_viewport_size(TELEPHONE)
    assert overflow(person.page) <= 0


def overflow(page):
    """Pixels by which the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/rooms/room/",
        "/admin/rooms/room/add/",
        "/admin/rooms/rollout/1/change/",
        "/admin/rooms/change/",
        "/admin/rooms/invitation/",
        "/admin/rooms/invitation/add/",
        "/admin/auth/user/",
        "/admin/meetings/meeting/",
        "/admin/recordings/recording/",
        "/admin/background-work/?state=all",
    ],
)
@pytest.mark.usefixtures("transcript")
def test_admin_has_no_serious_violation_and_stays_within_its_policy(browser, product, path, scheme):
    person = signed_in(browser, product, path, color_scheme=scheme, viewport=WIDE)
    assert person.problems == []
    assert serious_violations(person.page) == []
    person.page.set_viewport_size(TELEPHONE)
    assert overflow(person.page) <= 0
    assert serious_violations(person.page) == []


def test_the_preview_of_a_rollout_has_no_serious_violation(browser, product):
    person = signed_in(browser, product, "/admin/rooms/rollout/1/change/", viewport=WIDE)
    person.page.locator("[name=switched_on]").click()
    person.page.get_by_role("button", name="Preview…").click()
    person.page.get_by_role("heading", name="Nothing has been changed yet").wait_for()
    assert person.problems == []
    assert serious_violations(person.page) == []
    person.page.set_viewport_size(TELEPHONE)
    assert overflow(person.page) <= 0


def test_admin_shows_moments_in_the_readers_zone(browser, product, transcript):
    person = signed_in(browser, product, "/admin/rooms/room/", timezone_id="Asia/Kolkata")
    moment = person.page.locator("#result_list time").first
    assert moment.get_attribute("title").endswith(" UTC")
    apart = person.page.evaluate(
        "time => new Date(time.textContent + 'Z') - new Date(time.dateTime)", moment.element_handle()
    )
    assert apart == 5.5 * 3600 * 1000


def test_a_rooms_page_shows_one_tab_at_a_time_by_keyboard_too(browser, product, transcript):
    person = signed_in(browser, product, "/admin/rooms/room/", viewport=WIDE)
    person.page.get_by_role("link", name=ROOM, exact=True).click()
    person.page.get_by_role("tab", name="Room", exact=True).focus()
    assert person.page.get_by_label("Name", exact=False).first.is_visible()
    person.page.keyboard.press("ArrowRight")
    assert person.page.get_by_role("tab", name="Platform").get_attribute("aria-selected") == "true"
    assert person.page.get_by_role("tabpanel").count() == 1
    assert person.page.get_by_text("Platforms compared").is_visible()
    assert serious_violations(person.page) == []
