"""The providers' own browser code, as the product ships it, in the room's page and with the sandbox behind it.

Chromium takes the providers' names for this machine's, so that the code sees the addresses that it insists on.
"""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from meetings.models import Meeting
from platforms.sandbox.server import QuietHandler, running_sandbox
from rooms.models import Room
from tests.browser.chromium import chromium
from tests.support import product_settings
from tests.support.live import wait_until
from tests.support.visits import heading, join_as, visitors

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Within the frame, where somebody is not let in.
REFUSED = "Failed to load resource: the server responded with a status of 403 (FORBIDDEN)"
HOMES = {"daily": "sandbox.daily.co", "whereby": "sandbox.whereby.com"}


@pytest.fixture(scope="module")
def sandbox():
    addresses = {platform: f"https://{home}/{platform}" for platform, home in HOMES.items()}
    with running_sandbox(addresses=addresses) as sandbox:
        yield sandbox


@contextmanager
def over_tls(app):
    """The same app on a port of its own, with a certificate made for the occasion."""
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc", request_handler=QuietHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser(sandbox):
    with over_tls(sandbox.app) as port, chromium(hosts=dict.fromkeys(HOMES.values(), port)) as browser:
        yield browser


@pytest.fixture(params=sorted(HOMES))
def platform(request, sandbox, settings):
    product_settings.use(settings, **product_settings.sandbox_variables(sandbox), DAILY_MIGRATION_ENABLED="true")
    return request.param


@pytest.fixture
def room(platform, owner):
    return Room.objects.create(
        name="standup", owner=owner, platform=platform, recording_type="cloud", recording_trigger="none",
        skip_consent=True,
    )  # fmt: skip


@pytest.fixture
def visit(browser, live_server):
    with visitors(browser, live_server, expected=[REFUSED]) as visit:
        yield visit


def frame_of(page):
    """The sandbox's page, where the provider's code has put it."""
    return page.frame_locator("#stage iframe")


def enter(page):
    frame = frame_of(page)
    frame.get_by_role("button", name="Join", exact=True).click()
    expect(frame.get_by_role("button", name="Leave")).to_be_visible()
    return frame


def played(sandbox):
    """The sandbox's side of the only meeting."""
    meeting = Meeting.objects.get()
    return sandbox.world.room(meeting.platform, meeting.room_name.strip("/"))


def people(sandbox):
    return [person.name for person in played(sandbox).people]


def test_the_providers_own_code_shows_the_meeting(visit, sandbox, platform, room, owner):
    page = visit(user=owner)
    frame = enter(page)
    expect(frame.get_by_role("listitem")).to_have_text("owner (you), host")
    assert people(sandbox) == ["owner"]
    [shown] = [frame for frame in page.frames if HOMES[platform] in frame.url]
    # Each adds words of its own to the address.
    assert {"daily": "&dailyJsVersion=0.92.2", "whereby": "&jsApi=true&we=1"}[platform] in shown.url
    if platform == "daily":
        assert page.evaluate("Daily.getCallInstance().meetingState()") == "joined-meeting"
        assert page.evaluate("Daily.getCallInstance().participants().local.user_name") == "owner"


def test_a_guest_brings_the_name_along(visit, sandbox, room):
    page = visit()
    join_as(page)
    enter(page)
    assert people(sandbox) == ["Zoë"]


def test_leaving_by_the_page(visit, sandbox, room, owner):
    page = visit(user=owner)
    enter(page)
    page.get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")
    wait_until(lambda: people(sandbox) == [])
    expect(page.locator("iframe")).to_have_count(0)


def test_leaving_in_the_meeting_and_coming_back(visit, sandbox, room, owner):
    page = visit(user=owner)
    enter(page).get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")
    assert people(sandbox) == []
    page.get_by_role("button", name="Rejoin").click()
    enter(page)
    assert people(sandbox) == ["owner"]


def test_coming_back_after_the_provider_was_out_of_reach(browser, live_server, sandbox, room, owner):
    with visitors(browser, live_server, expected=["ERR_FAILED"]) as visit:
        providers = "https://sandbox.*/**"
        page = visit(user=owner, before=lambda page: page.route(providers, lambda route: route.abort()))
        page.locator("#stage iframe").wait_for()
        page.get_by_role("button", name="Leave").click()
        heading(page, "You left the meeting")
        page.unroute(providers)
        page.get_by_role("button", name="Rejoin").click()
        enter(page)
        assert people(sandbox) == ["owner"]


def test_a_recording_shows_and_hears_the_microphone(visit, sandbox, room, owner):
    page = visit(user=owner)
    frame = enter(page)
    badge = page.locator("#recording")
    frame.get_by_role("button", name="Start recording").click()
    expect(badge).to_have_text("Recording")
    expect(frame.get_by_text("Your microphone is recorded.")).to_be_visible()
    wait_until(lambda: played(sandbox).recording.audio)
    frame.get_by_role("button", name="Stop recording").click()
    expect(badge).to_have_text("")


def test_a_meeting_that_the_provider_closes(visit, sandbox, platform, room, owner):
    page = visit(user=owner)
    enter(page)
    sandbox.world.close(played(sandbox))
    # Daily calls it an error; whether the meeting is over is then for the product to say.
    heading(page, {"daily": "The meeting broke off", "whereby": "The meeting has ended"}[platform])


@pytest.mark.parametrize("platform", ["daily"], indirect=True)
def test_errors_are_said(visit, sandbox, room, owner, colleague):
    page = visit(user=owner)
    expect(frame_of(page).get_by_role("button", name="Join", exact=True)).to_be_visible()
    played(sandbox).rules.capacity = 0
    frame_of(page).get_by_role("button", name="Join", exact=True).click()
    heading(page, "The meeting broke off")
    expect(page.get_by_role("alert")).to_have_text("The meeting is full.")


@pytest.mark.parametrize("platform", ["daily"], indirect=True)
def test_who_is_not_let_in_is_told_why(visit, sandbox, room, owner, colleague):
    enter(visit(user=owner))
    played(sandbox).rules.opens_at = datetime.now(UTC) + timedelta(hours=1)
    page = visit(user=colleague)
    heading(page, "The meeting broke off")
    expect(page.get_by_role("alert")).to_have_text("The meeting has not begun yet.")


@pytest.mark.parametrize("platform", ["whereby"], indirect=True)
def test_the_web_components_commands_and_events(visit, sandbox, room, owner, colleague):
    page = visit(user=owner)
    frame = enter(page)
    page.evaluate("""() => {
      window.told = [];
      const element = document.querySelector("whereby-embed");
      for (const type of ["participantupdate", "participant_join", "participant_leave", "microphone_toggle",
                          "recording_status_change", "leave"]) {
        element.addEventListener(type, ({ detail }) => window.told.push([type, detail]));
      }
    }""")

    def told(kind):
        return wait_until(lambda: [detail for name, detail in page.evaluate("window.told") if name == kind])

    page.evaluate("document.querySelector('whereby-embed').toggleMicrophone(false)")
    assert told("microphone_toggle") == [{"enabled": False}]
    expect(frame.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.querySelector('whereby-embed').startRecording()")
    assert told("recording_status_change") == [{"status": "started"}]
    other = visit(user=colleague)
    enter(other)
    assert told("participantupdate") == [{"count": 2}]
    assert len(told("participant_join")) == 1
    other.close()
    assert len(told("participant_leave")) == 1
    page.evaluate("document.querySelector('whereby-embed').leaveRoom()")
    heading(page, "You left the meeting")
    assert people(sandbox) == []


@pytest.mark.parametrize("platform", ["daily"], indirect=True)
def test_daily_js_methods_and_events(visit, sandbox, room, owner, colleague):
    page = visit(user=owner)
    enter(page)
    page.evaluate("""() => {
      window.told = [];
      const call = Daily.getCallInstance();
      for (const type of ["participant-joined", "participant-left", "recording-started", "left-meeting"]) {
        call.on(type, (event) => window.told.push([type, event.participant?.user_name]));
      }
    }""")

    def told(*events):
        wait_until(lambda: page.evaluate("window.told") == [list(event) for event in events])

    other = visit(user=colleague)
    enter(other)
    told(("participant-joined", "colleague"))
    assert page.evaluate("Object.keys(Daily.getCallInstance().participants()).length") == 2
    other.close()
    told(("participant-joined", "colleague"), ("participant-left", "colleague"))
    page.evaluate("Daily.getCallInstance().startRecording()")
    wait_until(lambda: played(sandbox).recording)
    page.evaluate("Daily.getCallInstance().leave()")
    heading(page, "You left the meeting")
    assert people(sandbox) == []
    assert page.evaluate("Daily.getCallInstance()") is None
