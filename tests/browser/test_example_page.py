"""docs/spa: a client of the API on an origin of its own."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import open_page
from tests.browser.product import served_product
from tests.support.live import ADMIN, ROOT

pytestmark = pytest.mark.browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def page_address():
    server = ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=str(ROOT / "docs" / "spa")))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture(scope="module")
def product(tmp_path_factory, page_address):
    with served_product(tmp_path_factory.mktemp("product"), CORS_ORIGINS=page_address) as product:
        yield product


def test_it_opens_a_meeting_gives_consent_and_shows_what_was_said(browser, product, page_address):
    product.api("POST", "/v1/rooms", json={"name": "away", "platform": "mock"})
    page, problems = open_page(browser, f"{page_address}/index.html")
    page.get_by_label("Server").fill(product.url)
    page.get_by_label("E-mail").fill(ADMIN["email"])
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_have_text("Invalid email or password")
    problems.clear()  # the console tells of the 401
    page.get_by_label("Password").fill(ADMIN["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_have_text(f"Signed in as {ADMIN['email']}.")

    page.get_by_role("button", name="Open away").click()
    call = page.frame_locator("#call")
    expect(call.locator("body")).to_contain_text("away", ignore_case=True)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("status")).to_have_text("You agreed to being recorded.")

    # A look that fails is not the last one.
    page.route("**/v1/transcripts?*", lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        pass
    expect(page.get_by_role("status")).not_to_have_text("You agreed to being recorded.")
    problems.clear()
    made = product.api("POST", "/v1/transcripts", json={"name": "interview"})
    expect(page.get_by_text("interview: idle")).to_be_visible()
    product.upload(made["id"])
    expect(page.get_by_text("interview: ended")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Read interview").click()
    expect(page.locator("#said")).to_contain_text("[00:0")
    assert problems == []
