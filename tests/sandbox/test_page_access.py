"""The meeting page by keyboard, on a telephone, in the dark."""

import pytest
from playwright.sync_api import expect

from platforms.sandbox.server import running_sandbox
from tests.browser.chromium import chromium
from tests.sandbox.tabs import open_tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def sandbox():
    with running_sandbox(storage=False) as sandbox:
        yield sandbox


def test_by_keyboard_alone(browser, sandbox):
    page, _ = open_tab(browser, sandbox, "", "host=key&recording=cloud")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="standup")).to_be_focused()
    for name in ("Mute", "Start recording", "Leave"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You have left the meeting.")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your name")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_on_a_phone(browser, sandbox, scheme):
    size = {"viewport": {"width": 360, "height": 640}, "color_scheme": scheme}
    room = "a-room-with-a-name-that-is-rather-long-and-has-no-place-to-break-0123456789"
    page, _ = open_tab(browser, sandbox, "A" * 90, "host=key&recording=cloud&trigger=automatic", room=room, **size)
    for step in ("Join", "Leave", "Join again"):
        page.get_by_role("button", name=step, exact=True).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_role("button", name=step, exact=True).click()
