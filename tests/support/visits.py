"""Visitors of the product's pages in a browser, each with a context of their own."""

import re
from contextlib import contextmanager

from django.test import Client
from playwright.sync_api import expect

from tests.browser.chromium import PATIENCE

# What Chromium writes when a test has calls refused, or has something framed that may not be.
EXPECTED = ("Failed to load resource", "Framing 'http://127.0.0.1:")
# Pages try to follow what changes; Django's server of tests has no WebSockets, so that they look by the clock.
NO_SOCKETS = re.compile(r"WebSocket connection to '[^']*/events/")


@contextmanager
def visitors(browser, live_server, expected=EXPECTED):
    """A function that opens a page for somebody; at the end no page may have complained of anything unexpected."""
    contexts, complaints = [], []

    def visit(path="/standup", user=None, before=None, **options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        if user:
            context.add_cookies([session_of(user, live_server)])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        if before:
            before(page)
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    unexpected = [text for text in complaints if not any(part in text for part in expected)]
    assert not [text for text in unexpected if not NO_SOCKETS.match(text)], unexpected


def session_of(user, live_server):
    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}


def heading(page, text):
    """The state of that heading shows, and the focus is on it."""
    found = page.get_by_role("heading", name=text)
    expect(found).to_be_visible()
    expect(found).to_be_focused()


def join_as(page, name="Zoë"):
    """As a guest does who clicks once the page listens; until then Enter does nothing."""
    page.get_by_label("Your name").fill(name)
    page.locator("#join").click()
