"""The platforms' own browser code as vendored, under the page's own policy.

What it frames is answered by scripts that speak the messages which that code waits for.
"""

import base64
import copy
import hashlib
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from platforms.backends.whereby import WherebyClient
from tests.browser.chromium import chromium
from tests.support.daily import DailyStub
from tests.support.live import wait_until
from tests.support.meeting_reports import make_meeting
from tests.support.visits import heading, join_as, visitors

pytestmark = pytest.mark.browser

# Daily's code tells a service of its own of some errors; the page's policy does not let it.
REPORTS = "ingest.sentry.io"

WHEREBY = """<!doctype html><title>Whereby</title><h1>Whereby</h1><input id="chat">
<script>
  const heard = [];
  const tell = (type, payload = {}) => parent.postMessage({ type, payload }, "*");
  addEventListener("message", ({ data }) => {
    heard.push(data.command);
    if (data.command === "leave_room") tell("leave", { removed: false });
  });
  tell("ready");
  tell("join");
</script>"""

DAILY = """<!doctype html><title>Daily</title><h1>Daily</h1>
<script>
  const heard = [];
  const tell = (action, more = {}) => parent.postMessage({ what: "iframe-call-message", action, ...more }, "*");
  addEventListener("message", ({ data }) => {
    if (data.what !== "iframe-call-message") return;
    heard.push(data);
    if (data.action === "join-meeting") {
      tell("joined-meeting", { participants: { local: { local: true, session_id: "me", tracks: {} } } });
    }
    if (data.action === "leave-meeting") tell("left-meeting");
  });
  tell("iframe-ready-for-launch-config");
  tell("loaded");
</script>"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, live_server):
    with visitors(browser, live_server, expected=[REPORTS]) as visit:
        yield visit


@pytest.fixture
def platforms(settings):
    with DailyStub() as stub:
        found = copy.deepcopy(settings.VIDEO_PLATFORMS)
        found["whereby"]["OPTIONS"] |= {"api_key": "key"}
        found["daily"]["OPTIONS"] |= {"api_key": "key", "api_url": stub.url}
        settings.VIDEO_PLATFORMS = found
        yield stub


@pytest.fixture
def join(visit, room, platforms):
    """Joins a meeting of that platform at that address; the page, and the frame of the meeting in it."""

    def join(platform, url, content, user=None):
        now = timezone.now()
        fields = {"room_url": url, "room_name": "/standup", "start_date": now, "end_date": now + timedelta(hours=1)}
        meeting = make_meeting(room, platform=platform, recording_type="none", **fields)

        def answer(page):
            page.context.route(
                re.compile(rf"^{re.escape(url)}"),
                lambda route: route.fulfill(body=content, headers={"Content-Type": "text/html"}),
            )

        page = visit(f"/standup/{meeting.pk}", user=user, before=answer)
        if not user:
            join_as(page, "Zoë: <the first>")
        heading(page, "In the meeting")
        expect(page.frame_locator("#stage iframe").get_by_role("heading")).to_be_visible()
        return page, next(frame for frame in page.frames if frame.url.startswith(url))

    return join


class TestWhereby:
    URL = "https://team.whereby.com/standup-1"

    @pytest.fixture
    def call(self, join):
        return join("whereby", self.URL, WHEREBY)

    def test_its_element_shows_the_meeting_with_a_name_it_takes(self, call):
        page, frame = call
        assert page.locator("#stage > whereby-embed iframe").count() == 1
        assert "displayName=Zo%C3%AB+the+first&" in frame.url
        assert page.locator("#stage iframe").get_attribute("title") == "Video call"

    def test_its_style_is_the_one_that_is_let_in(self, call):
        page, _ = call
        (style,) = page.evaluate("[...document.querySelectorAll('style')].map((style) => style.textContent)")
        made = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert WherebyClient.embed_style_hashes == (f"sha256-{made}",)
        assert page.evaluate("getComputedStyle(document.querySelector('whereby-embed iframe')).borderStyle") == "none"

    def test_leaving_by_the_page_and_coming_back(self, call):
        page, frame = call
        page.get_by_role("button", name="Leave").click()
        heading(page, "You left the meeting")
        assert frame.is_detached()
        page.get_by_role("button", name="Rejoin").click()
        expect(page.frame_locator("#stage iframe").get_by_role("heading")).to_be_visible()

    def test_leaving_in_the_meeting(self, call):
        page, frame = call
        frame.evaluate("tell('leave', { removed: false })")
        heading(page, "You left the meeting")

    def test_being_sent_out(self, call):
        page, frame = call
        frame.evaluate("tell('leave', { removed: true })")
        heading(page, "The meeting broke off")
        expect(page.get_by_text("You were sent out of the meeting by its host.")).to_be_visible()

    def test_the_end(self, call):
        page, frame = call
        frame.evaluate("tell('meeting_end')")
        heading(page, "The meeting has ended")

    def test_its_recording(self, call):
        page, frame = call
        frame.evaluate("tell('recording_status_change', { status: 'starting' })")
        frame.evaluate("tell('recording_status_change', { status: 'started' })")
        expect(page.locator("#recording")).to_have_text("Recording")
        frame.evaluate("tell('recording_status_change', { status: 'stopped' })")
        expect(page.locator("#recording")).to_be_empty()

    def test_an_element_that_is_gone_is_not_listened_to(self, call):
        page, _ = call
        page.evaluate("window.former = document.querySelector('whereby-embed')")
        page.get_by_role("button", name="Leave").click()
        page.get_by_role("button", name="Rejoin").click()
        heading(page, "In the meeting")
        expect(page.frame_locator("#stage iframe").get_by_role("heading")).to_be_visible()
        page.evaluate("former.dispatchEvent(new CustomEvent('meeting_end', { detail: {} }))")
        expect(page.locator("#room")).to_have_attribute("data-state", "call")

    def test_an_address_that_the_element_does_not_show_is_framed_plainly(self, join):
        page, frame = join("whereby", "https://whereby.example.com/standup-1", WHEREBY)
        assert page.locator("#stage > iframe").count() == 1
        assert "displayName=Zo%C3%AB+the+first" in frame.url


class TestDaily:
    URL = "https://acme.daily.co/standup-1"

    @pytest.fixture
    def call(self, join):
        page, frame = join("daily", self.URL, DAILY)
        wait_until(lambda: frame.evaluate("heard.some(({ action }) => action === 'join-meeting')"))
        return page, frame

    def test_prebuilt_gets_token_and_name_beside_the_address(self, call, platforms):
        page, frame = call
        said = frame.evaluate("heard.find(({ action }) => action === 'join-meeting').properties")
        assert (said["url"], said["token"]) == (self.URL, "header.claims.signature")
        (asked,) = platforms.sent("POST", "/meeting-tokens")
        assert asked.json["properties"]["user_name"] == said["userName"] == "Zoë: <the first>"
        assert page.locator("#stage iframe").get_attribute("title") == "Video call"

    def test_leaving_by_the_page_and_coming_back(self, call):
        page, _ = call
        page.get_by_role("button", name="Leave").click()
        heading(page, "You left the meeting")
        page.get_by_role("button", name="Rejoin").click()
        heading(page, "In the meeting")
        expect(page.frame_locator("#stage iframe").get_by_role("heading")).to_be_visible()
        assert page.locator("#stage iframe").count() == 1

    def test_leaving_in_the_meeting(self, call):
        page, frame = call
        frame.evaluate("tell('left-meeting')")
        heading(page, "You left the meeting")
        expect(page.locator("#stage iframe")).to_have_count(0)

    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            ("ejected", "You were sent out of the meeting"),
            ("exp-room", "The meeting's time is over."),
            ("no-room", "The meeting is not there any more."),
            ("meeting-full", "The meeting is full."),
            ("not-allowed", "You are not allowed into this meeting."),
            ("something-new", "The meeting broke off. Please try again."),
        ],
    )
    def test_its_errors_are_said_in_plain_words(self, call, kind, sentence):
        page, frame = call
        frame.evaluate("(type) => tell('error', { errorMsg: 'x', error: { type, msg: 'x' } })", kind)
        heading(page, "The meeting broke off")
        expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
        page.get_by_role("button", name="Try again").click()
        heading(page, "In the meeting")

    def test_its_recording(self, call):
        page, frame = call
        frame.evaluate("tell('recording-started', { instanceId: 'x' })")
        expect(page.locator("#recording")).to_have_text("Recording")
        frame.evaluate("tell('recording-stopped', { instanceId: 'x' })")
        expect(page.locator("#recording")).to_be_empty()

    def test_another_address_is_framed_plainly_with_its_token(self, join):
        _, frame = join("daily", "https://daily.example.com/standup-1", DAILY)
        assert frame.url.endswith("?t=header.claims.signature")
