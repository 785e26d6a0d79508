"""A room's own page in the product as it runs: an owner gives it a calendar and a webhook, tries both, and sends again.

The feed and the receiver are servers on loopback, which are let through as an operator would.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import chromium
from tests.browser.people import Visitor
from tests.browser.product import served_product
from tests.browser.test_accessibility import TELEPHONE, WIDE, serious_violations
from tests.browser.test_live_pages import Watched
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.browser

ROOM = "board"
HOOK = "/hooks/in-4c1d"


@pytest.fixture(scope="module")
def server():
    """Somebody's calendar, and somebody's receiver of events."""
    with StubProvider() as stub:
        yield stub


@pytest.fixture(scope="module")
def product(server, tmp_path_factory):
    allowed = server.url.removeprefix("http://")
    with served_product(tmp_path_factory.mktemp("product"), OUTBOUND_ALLOWED_HOSTS=allowed) as product:
        place = f"{product.url}/{ROOM}"
        coming = [in_minutes(60 * n, uid=str(n), title=f"Board meeting {n}", location=place) for n in (20, 40)]
        elsewhere = in_minutes(90, uid="dentist", title="Dentist", location="Main Street 1")
        server.on("GET", FEED, calendar(*coming, elsewhere))
        server.on("POST", HOOK, Answer(body=b"thank <b>you</b>"))
        yield product


@pytest.fixture(scope="module")
def owner(product):
    with chromium(microphone=False) as browser:
        owner = Visitor(browser, product, viewport=WIDE)
        owner.sign_in()
        owner.go("/new")
        owner.page.get_by_label("Name").fill(ROOM)
        owner.page.get_by_role("button", name="Make the room").click()
        owner.page.get_by_role("heading", name=ROOM).wait_for()
        owner.browser = browser
        yield owner


@pytest.fixture(scope="module")
def equipped(product, server):
    """The page of a room that has both."""
    room = product.api("POST", "/v1/rooms", json={"name": "equipped", "platform": "mock"})
    addresses = {"ics_url": server.url + FEED, "ics_enabled": True, "ics_all_events": True}
    product.api("PATCH", f"/v1/rooms/{room['id']}", json={"webhook_url": server.url + HOOK, **addresses})
    product.api("POST", f"/v1/rooms/{room['id']}/webhook/test")
    product.api("POST", "/v1/rooms/equipped/meeting", json={})
    wait_until(lambda: product.api("GET", "/v1/rooms/equipped/meetings"), seconds=60, every=0.5)
    return "/rooms/equipped"


def section(owner, name):
    return owner.page.get_by_role("region", name=name)


def synced(calendar):
    """Whether it could be read by hand: not a moment after it was read before."""
    calendar.get_by_role("button", name="Sync now").click()
    calendar.get_by_role("status").wait_for()
    return "The calendar was looked at, and is as it was." in calendar.inner_text()


def test_an_owner_sets_a_calendar_and_a_webhook_up(owner, server):
    def sent():
        return [request for request in server.sent("POST", HOOK) if request.json["room"]["name"] == ROOM]

    page, mine = owner.page, section(owner, "Calendar")
    mine.get_by_label("Calendar address (ICS)").fill(server.url + FEED)
    mine.get_by_role("button", name="Save").click()
    expect(mine).to_contain_text("Saved.")
    expect(mine).to_contain_text("an address at 127.0.0.1")
    expect(mine).to_contain_text("Board meeting 20", timeout=60_000)  # by itself: a worker reads it
    assert FEED not in page.content()
    wait_until(lambda: synced(mine), seconds=60, every=1)
    expect(mine).to_contain_text("Board meeting 40")
    expect(mine).not_to_contain_text("Dentist")

    hook = section(owner, "Webhook")
    hook.get_by_label("Webhook address").fill(server.url + HOOK)
    hook.get_by_label("Somebody comes or goes").check()
    hook.get_by_role("button", name="Save").click()
    expect(hook).to_contain_text("The secret is shown this once.")
    secret = hook.locator("#secret").inner_text()
    assert secret.startswith("whsec_")
    hook.get_by_role("button", name="Send a test").click()
    expect(hook).to_contain_text("The test was delivered. The receiver answered 200. It said: thank <b>you</b>")
    assert secret not in page.content()

    log = hook.locator("#deliveries > li")
    expect(log).to_have_count(1)
    log.locator("summary").click()
    expect(log).to_contain_text("answered 200")
    log.get_by_role("button", name="Send again").click()
    expect(hook).to_contain_text("Sent again: 1.")
    wait_until(lambda: len(sent()) == 2, seconds=60)
    first, again = sent()
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    log.locator("summary").click()
    expect(log.locator("ol > li")).to_have_count(2, timeout=60_000)  # without loading the page again
    assert owner.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_keeps_nobody_out(owner, product, equipped, scheme, tmp_path):
    for name, viewport in (("wide", WIDE), ("telephone", TELEPHONE)):
        person = Visitor(owner.browser, product, color_scheme=scheme, viewport=viewport)
        person.sign_in()
        person.go(equipped)
        person.page.locator("#deliveries summary").first.click()
        person.page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
        assert serious_violations(person.page) == []
        assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert person.problems == []


def test_it_works_without_script(owner, product, equipped):
    person = Visitor(owner.browser, product, java_script_enabled=False)
    person.sign_in()
    person.go(equipped)
    hook = section(person, "Webhook")
    hook.get_by_role("button", name="Send a test").click()
    expect(hook).to_contain_text("The test was delivered.")
    wait_until(lambda: synced(section(person, "Calendar")), seconds=60, every=1)


@pytest.mark.parametrize("has_script", [True, False])
def test_a_refused_form_is_shown_where_it_is_wrong(owner, product, equipped, has_script):
    person = Visitor(owner.browser, product, java_script_enabled=has_script, viewport=TELEPHONE)
    person.sign_in()
    person.go(equipped)
    hook = section(person, "Webhook")
    field = hook.get_by_label("Webhook address")
    field.fill("nowhere")
    hook.get_by_role("button", name="Save").click()
    expect(hook).to_contain_text("Enter a valid URL.")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()


def test_a_page_that_shows_a_refused_form_follows_its_room(owner, product, equipped):
    person = Visitor(owner.browser, product)
    home = Watched(person.page, re.escape(product.url + equipped))
    person.sign_in()
    person.go(equipped)
    hook = section(person, "Webhook")
    hook.get_by_label("Webhook address").fill("nowhere")
    home.forget()
    hook.get_by_role("button", name="Save").click()
    expect(hook).to_contain_text("Enter a valid URL.")
    home.follows()
    assert person.page.url == product.url + equipped
    person.page.reload()
    expect(hook.get_by_label("Webhook address")).to_have_value("")
    assert [problem for problem in person.problems if "422" not in problem] == []
