"""Staff bring 200 rooms to another platform; it fails, the guard stops the plan, and staff go back and undo that."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.browser.people import Visitor
from tests.browser.product import served_product
from tests.support.live import wait_until

pytestmark = pytest.mark.browser

ROOMS = [f"story-{number}" for number in range(200)]
FIRST, LATER, AFTER_BACK, AFTER_UNDO = ROOMS[:80], ROOMS[80:160], ROOMS[160:180], ROOMS[180:]
OLD, TARGET = "whereby", "daily"
PAUSE_SECONDS = 120


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """Of its own: what it decides on would be in the way of others."""
    with served_product(tmp_path_factory.mktemp("rollout")) as product:
        yield product


@pytest.fixture
def staff(browser, product):
    visitor = Visitor(browser, product)
    visitor.sign_in()
    return visitor


def open_rooms(product, names):
    """The meeting of each; every opening has to succeed."""
    with ThreadPoolExecutor(4) as several:
        return dict(zip(names, several.map(lambda name: open_room(product, name), names), strict=True))


def open_room(product, name):
    return product.api("POST", f"/v1/rooms/{name}/meeting", json={})


def misbehave(product, **faults):
    requests.post(f"{product.sandbox}/controls/{TARGET}", json=faults, timeout=30).raise_for_status()


def platforms_of(meetings):
    return Counter(meeting["platform"] for meeting in meetings.values())


def rollout(product):
    return product.api("GET", "/v1/rollout")


def decide(staff):
    """A plan whose first stage lasts for as long as the test, after a look at what it means: the number of rooms."""
    page = staff.page
    staff.go("/admin/rooms/rollout/1/change/")
    page.locator("[name=switched_on]").check()
    page.locator("[name=target_platform]").select_option(TARGET)
    page.locator("[name=default_platform]").select_option(OLD)
    page.locator("[name=failover_order]").fill(f"{OLD}, {TARGET}")
    for name, value in {"0-percentage": 25, "0-minimum_meetings": 10_000, "1-percentage": 100}.items():
        page.locator(f"[name=stages-{name}]").fill(str(value))
    page.get_by_role("button", name="Preview…").click()
    page.get_by_role("heading", name="Nothing has been changed yet").wait_for()
    number = int(page.get_by_role("heading", name="Rooms: ").inner_text().split(": ")[1])
    page.locator("[name=note]").fill("the pilot begins")
    page.locator("[name=_confirm]").click()
    page.get_by_text("Decided, from the next meetings on.").wait_for()
    return number


def roll_back(staff):
    staff.go("/admin/")
    staff.page.locator("summary", has_text="Roll back").click()
    staff.page.get_by_role("button", name="Yes, roll back now").click()
    staff.page.get_by_text("Rolled back.").wait_for()


def undo(staff):
    """The latest decision."""
    staff.go("/admin/rooms/change/")
    staff.page.locator("#result_list tbody a").first.click()
    staff.page.get_by_role("link", name="Undo…").click()
    staff.page.locator("[name=_confirm]").click()
    staff.page.get_by_text("Undo of what admin decided").first.wait_for()


def test_a_migration_that_goes_wrong_stops_by_itself_and_is_taken_back(browser, product, staff):
    for name in ROOMS:
        product.api("POST", "/v1/rooms", json={"name": name})
    assert 0.15 < decide(staff) / len(ROOMS) < 0.35

    first = open_rooms(product, FIRST)
    assert set(platforms_of(first)) == {OLD, TARGET}
    kept = next(name for name, meeting in first.items() if meeting["platform"] == TARGET)
    guest = Visitor(browser, product)
    guest.enter(kept, name="Ada")
    guest.answer_consent(agrees=True)
    guest.join_call("Ada")

    # The target begins to fail, while staff look at the page.
    staff.go("/admin/")
    staff.page.get_by_text("Stage 1 of 2, 25 %").wait_for()
    misbehave(product, failing_calls=3600)
    began = time.monotonic()
    assert platforms_of(open_rooms(product, LATER)) == {OLD: len(LATER)}
    staff.page.get_by_text("Paused: Openings that fail: ").wait_for(timeout=300_000)
    assert time.monotonic() - began < PAUSE_SECONDS
    paused = rollout(product)
    assert paused["percentage"] == 25
    staff.page.get_by_text(f"The rollout to Daily (sandbox) is paused. {paused['paused_because']}").wait_for()

    staff.page.get_by_text("Does not answer").wait_for()

    roll_back(staff)
    assert platforms_of(open_rooms(product, AFTER_BACK)) == {OLD: len(AFTER_BACK)}
    misbehave(product, failing_calls=0)
    wait_until(lambda: not is_failing(product), seconds=120, every=1)
    undo(staff)
    assert set(platforms_of(open_rooms(product, AFTER_UNDO))) == {OLD, TARGET}

    # Whoever was in a meeting is still in it.
    guest.call.get_by_role("button", name="Leave").wait_for()
    [running] = product.api("GET", f"/v1/rooms/{kept}/meetings/active")
    assert (running["id"], running["platform"]) == (first[kept]["id"], TARGET)


def is_failing(product):
    [platform] = [each for each in product.api("GET", "/v1/platforms") if each["name"] == TARGET]
    return platform["failing"]
