"""The room's page in Chromium, with a scripted page on loopback for the meeting."""

import re
from itertools import pairwise

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from meetings.models import Meeting, RecordingStart
from meetings.opening import end_meeting, open_meeting
from platforms import abilities
from platforms.exceptions import PlatformRejected
from recordings.models import Consent
from rooms.models import Room
from tests.browser.chromium import chromium
from tests.support.live import wait_until
from tests.support.meeting_page import scripted_platform
from tests.support.stub_provider import Answer, StubProvider
from tests.support.visits import EXPECTED, heading, join_as, visitors

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def meet():
    with scripted_platform() as stub:
        yield stub


@pytest.fixture
def room(owner, meet):
    return Room.objects.create(name="standup", owner=owner, platform="scripted", skip_consent=True)


@pytest.fixture
def asking(room):
    """A room whose people are asked for consent."""
    room.skip_consent = False
    room.save()
    return room


@pytest.fixture
def visit(browser, live_server):
    with visitors(browser, live_server) as visit:
        yield visit


def in_call(page):
    heading(page, "In the meeting")
    frame = page.frame_locator("#stage iframe")
    expect(frame.get_by_role("heading", name="A meeting")).to_be_visible()
    return next(frame for frame in page.frames if "/meet/" in frame.url)


def tell(frame, kind, **more):
    frame.evaluate("([type, more]) => tell(type, more)", [kind, more])


def refuse_once(page, path, status, detail, **headers):
    """The first call is answered so, the others by the server."""
    answered = []

    def answer(route):
        if answered:
            return route.continue_()
        answered.append(route)
        return route.fulfill(status=status, json={"detail": detail}, headers=headers)

    page.route(path, answer)


# Joining


def test_a_guest_says_a_name_which_is_remembered(visit, room, meet):
    page = visit()
    with page.expect_request("**/join*") as asked:
        expect(page.get_by_label("Your name")).to_be_focused()
        join_as(page)
    assert asked.value.url.endswith("?display_name=Zo%C3%AB")
    frame = in_call(page)
    meeting = Meeting.objects.get()
    assert (frame.url, meeting.state) == (meeting.room_url, Meeting.State.LIVE)
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("Zoë")


def test_what_is_typed_before_the_page_listens_stays(visit, room, meet):
    page, waiting = visit(), []
    expect(page.get_by_label("Your name")).to_be_focused()
    page.route("**/room.js", lambda route: waiting.append(route))
    page.reload(wait_until="commit")
    page.get_by_label("Your name").fill("Zoë")
    expect(page.get_by_role("button", name="Join")).to_be_disabled()
    waiting[0].continue_()
    expect(page.get_by_role("button", name="Join")).to_be_enabled()
    expect(page.get_by_label("Your name")).to_have_value("Zoë")


def test_a_browser_that_remembers_nothing_comes_in_as_well(visit, asking):
    forbid = """for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
    }"""
    page = visit(before=lambda page: page.add_init_script(forbid))
    join_as(page)
    page.get_by_role("button", name="I agree").click()
    in_call(page)
    assert Consent.objects.get().given is True


def test_a_name_of_spaces_is_none(visit, room):
    page = visit()
    join_as(page, "   ")
    expect(page.get_by_label("Your name")).to_be_focused()


def test_who_is_signed_in_comes_straight_in_and_the_owner_as_host(visit, room, owner, colleague):
    assert in_call(visit(user=owner)).url.endswith("?key=host-key")
    assert "key" not in in_call(visit(user=colleague)).url
    assert Meeting.objects.count() == 1


def test_the_frame_may_use_camera_and_microphone(visit, room, owner):
    page = visit(user=owner)
    frame = in_call(page)
    allowed = page.locator("#stage iframe").get_attribute("allow")
    assert allowed == "camera; microphone; display-capture; fullscreen; autoplay"
    heard = (
        "navigator.mediaDevices.getUserMedia({audio: true, video: true}).then((stream) => stream.getTracks().length)"
    )
    assert frame.evaluate(heard) == 2


def test_only_the_meetings_origin_is_framed(visit, room, owner):
    page = visit(user=owner)
    in_call(page)
    with StubProvider() as other:
        blocked = page.evaluate(
            """(url) => new Promise((resolve) => {
              document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
              const frame = document.createElement("iframe");
              frame.src = url;
              document.body.append(frame);
            })""",
            other.url,
        )
        assert (blocked, other.requests) == ("frame-src", [])


def test_a_choice_among_several_meetings(visit, room):
    first, second = open_meeting(room), open_meeting(room, allow_duplicated=True)
    page = visit()
    page.locator(f'a[href="/standup/{second.pk}"]').click()
    join_as(page)
    assert in_call(page).url == second.room_url
    assert first.room_url != second.room_url


def test_where_no_frame_is_possible_a_link_leads_out(visit, room, owner):
    with scripted_platform("outside", supports_embedding=False):
        room.platform = "outside"
        room.save()
        page = visit(user=owner)
        heading(page, "The meeting is ready")
    link = page.get_by_role("link", name="Open the meeting")
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    assert link.get_attribute("href") == Meeting.objects.get().host_room_url


# Waiting and errors


def test_a_busy_server_is_asked_again_by_itself(visit, room, owner):
    def busy(page):
        refuse_once(page, "**/meeting", 503, "Meeting creation in progress, please try again", **{"Retry-After": "1"})

    page = visit(user=owner, before=busy)
    heading(page, "The meeting cannot be opened")
    expect(page.get_by_text("Meeting creation in progress")).to_be_visible()
    expect(page.get_by_text("Trying again in 1 second.")).to_be_visible()
    in_call(page)


def test_what_is_final_waits_for_a_person(visit, room, owner):
    def refuse(page):
        refuse_once(page, "**/meeting", 502, "Scripted refused this.")

    page = visit(user=owner, before=refuse)
    heading(page, "The meeting cannot be opened")
    expect(page.get_by_text("Scripted refused this.")).to_be_visible()
    expect(page.locator("#trouble-wait")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    in_call(page)


def test_no_connection_is_said_and_tried_again(visit, room, owner):
    gone = []

    def cut_off(page):
        page.route("**/meeting", lambda route: route.continue_() if gone else gone.append(1) or route.abort())

    page = visit(user=owner, before=cut_off)
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    in_call(page)


def test_joining_is_tried_again_too(visit, room, owner):
    def busy(page):
        refuse_once(page, "**/join*", 503, "Scripted does not answer at present.", **{"Retry-After": "1"})

    page = visit(user=owner, before=busy)
    heading(page, "You cannot join just now")
    in_call(page)


def test_a_part_of_the_page_that_does_not_load_is_said(browser, live_server, room, owner):
    failures = ["Failed to fetch dynamically imported module"]
    with visitors(browser, live_server, expected=[*EXPECTED, *failures]) as visit:
        page = visit(user=owner, before=lambda page: page.route("**/meetings/frame.js", lambda route: route.abort()))
        heading(page, "The meeting cannot be shown")
        page.unroute("**/meetings/frame.js")
        page.get_by_role("button", name="Try again").click()
        in_call(page)


def test_a_meeting_that_ended_before_one_joined(visit, room):
    page = visit()
    expect(page.get_by_label("Your name")).to_be_focused()
    end_meeting(Meeting.objects.get())
    join_as(page)
    heading(page, "The meeting has ended")
    page.get_by_role("link", name="Back to the room").click()
    join_as(page)
    in_call(page)
    assert Meeting.objects.live().count() == 1


def test_the_address_of_one_that_has_ended(visit, room):
    meeting = open_meeting(room)
    end_meeting(meeting)
    page = visit(f"/standup/{meeting.pk}")
    expect(page.get_by_role("heading", name="The meeting has ended")).to_be_visible()


def test_without_its_meeting_the_page_says_that_it_is_lost_and_when_it_is_back(visit, room, owner):
    page = visit(user=owner, before=lambda page: page.clock.install())
    in_call(page)
    lost = page.get_by_text("The connection is lost.")
    page.route(f"**/meetings/{Meeting.objects.get().pk}", lambda route: route.abort())
    page.clock.run_for(16_000)
    expect(lost).to_be_visible()
    page.unroute(f"**/meetings/{Meeting.objects.get().pk}")
    page.clock.run_for(31_000)
    expect(lost).to_be_hidden()
    page.context.set_offline(True)
    expect(lost).to_be_visible()
    page.context.set_offline(False)
    expect(lost).to_be_hidden()


# Consent


def test_consent_is_asked_before_joining_and_kept(visit, asking):
    page = visit()
    join_as(page)
    heading(page, "May this meeting be recorded?")
    expect(page.get_by_text("audio and video are deleted after the transcription")).to_be_visible()
    expect(page.locator("#stage iframe")).to_have_count(0)
    page.get_by_role("button", name="I agree").click()
    in_call(page)
    assert (Consent.objects.get().given, Consent.objects.get().name) == (True, "Zoë")  # and is not asked for it again
    page.reload()
    join_as(page)
    in_call(page)  # without being asked again
    assert Consent.objects.count() == 1


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_refusal_may_be_changed(visit, asking, colleague, signed_in):
    page = visit(user=colleague if signed_in else None)
    if not signed_in:
        join_as(page)
    page.get_by_role("button", name="I refuse").click()
    in_call(page)
    expect(page.get_by_role("status").filter(has_text="You refused")).to_be_visible()
    assert Consent.objects.get().given is False
    page.get_by_role("button", name="Recording and consent").click()
    expect(page.get_by_text("You may change your answer.")).to_be_visible()
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_text("You agreed to being recorded.", exact=True)).to_be_visible()
    assert Consent.objects.get().given is True


def test_escape_puts_the_answer_off(visit, asking):
    page = visit()
    join_as(page)
    heading(page, "May this meeting be recorded?")
    page.keyboard.press("Escape")
    in_call(page)
    assert not Consent.objects.exists()
    page.get_by_role("button", name="Recording and consent").click()
    page.get_by_role("button", name="Decide later").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert not Consent.objects.exists()


def test_a_recording_that_needs_a_call_begins_with_those_who_agreed(visit, owner):
    def record(client, room_name, kind, instance_id, with_video=True):
        return {"status": "sent"}

    with scripted_platform(
        "tracks", abilities.RecordingStart, needs_recording_start=lambda *_: True, start_recording=record
    ):
        Room.objects.create(name="tracked", owner=owner, platform="tracks", recording_trigger="automatic")
        page = visit("/tracked")
        join_as(page)
        page.keyboard.press("Escape")
        in_call(page)
        assert not RecordingStart.objects.exists()
        page.get_by_role("button", name="Recording and consent").click()
        page.get_by_role("button", name="I agree").click()
        wait_until(lambda: RecordingStart.objects.exclude(accepted_at=None).exists())


def test_the_question_keeps_the_focus_that_the_meeting_takes(visit, asking):
    page = visit()
    join_as(page)
    page.keyboard.press("Escape")
    frame = in_call(page)
    page.get_by_role("button", name="Recording and consent").click()
    heading(page, "May this meeting be recorded?")
    for _ in range(3):
        frame.evaluate("() => { window.focus(); document.getElementById('chat').focus(); }")
        page.evaluate("document.querySelector('#stage iframe').focus()")
        expect(page.get_by_role("heading", name="May this meeting be recorded?")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="I agree")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert wait_until(Consent.objects.filter(given=True).exists)


def test_somebody_who_logs_in_in_another_tab_is_still_heard(visit, asking, colleague):
    page = visit()
    join_as(page)
    other = page.context.new_page()
    other.goto("/login")
    other.get_by_label("E-mail address or user name").fill(colleague.email)
    other.get_by_label("Password").fill("correct horse battery")
    other.get_by_role("button", name="Log in").click()
    other.wait_for_url("**/")
    page.bring_to_front()
    page.get_by_role("button", name="I refuse").click()
    in_call(page)
    assert (Consent.objects.get().user, Consent.objects.get().given) == (colleague, False)


def test_an_answer_that_is_not_kept_is_not_lost_silently(visit, asking, colleague):
    page = visit(user=colleague)
    refuse_once(page, "**/consent", 503, "The service is not available for a moment.")
    page.get_by_role("button", name="I refuse").click()
    expect(page.get_by_role("alert").filter(has_text="Your answer was not kept.")).to_be_visible()
    page.get_by_role("button", name="I refuse").click()
    in_call(page)
    assert Consent.objects.get().given is False


# In the call and after it


def test_leaving_and_coming_back(visit, room):
    page = visit()
    join_as(page)
    frame = in_call(page)
    page.get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")
    assert frame.is_detached()
    page.get_by_role("button", name="Rejoin").click()
    in_call(page)
    assert Meeting.objects.live().count() == 1


def test_leaving_inside_the_meeting(visit, room, owner):
    page = visit(user=owner)
    tell(in_call(page), "left")
    heading(page, "You left the meeting")
    main = page.get_by_role("main")
    assert main.get_by_role("link", name="All rooms").get_attribute("href") == "/"


def test_leaving_a_meeting_that_does_not_answer(visit, room, owner, meet):
    meet.on("GET", "/meet/*", Answer(200, body=b"<h1>A meeting</h1>", headers={"Content-Type": "text/html"}))
    page = visit(user=owner)
    in_call(page)
    page.get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")


def test_the_meeting_says_that_it_has_ended_also_after_one_left(visit, room, owner):
    page = visit(user=owner)
    frame = in_call(page)
    frame.evaluate("() => { tell('left'); tell('ended'); }")
    expect(page.get_by_role("heading", name=re.compile("left the meeting|has ended"))).to_be_visible()
    page.reload()
    tell(in_call(page), "ended")
    heading(page, "The meeting has ended")


def test_a_meeting_that_was_ended_elsewhere_is_noticed(visit, room, colleague):
    page = visit(user=colleague, before=lambda page: page.clock.install())
    in_call(page)
    end_meeting(Meeting.objects.get())
    page.clock.run_for(16_000)
    heading(page, "The meeting has ended")


def test_messages_of_anybody_else_are_not_believed(visit, room, owner):
    page = visit(user=owner)
    frame = in_call(page)
    page.evaluate("window.postMessage({ sandbox: true, type: 'ended' }, '*')")
    frame.evaluate("parent.postMessage({ type: 'ended' }, '*')")
    frame.evaluate("parent.postMessage(null, '*')")
    tell(frame, "recording", on=True)
    expect(page.locator("#recording")).to_have_text("Recording")
    expect(page.locator("#room")).to_have_attribute("data-state", "call")


def test_a_recording_shows_and_is_announced(visit, room, owner):
    page = visit(user=owner)
    frame = in_call(page)
    badge = page.locator("#recording")
    expect(badge).to_be_hidden()
    tell(frame, "recording", on=True)
    expect(badge).to_have_text("Recording")
    assert badge.get_attribute("role") == "status"
    tell(frame, "recording", on=False)
    expect(badge).to_be_hidden()
    expect(page.get_by_text("The recording has stopped.")).to_be_visible()


def test_who_comes_while_it_is_recorded_sees_that(visit, room, colleague):
    Meeting.objects.filter(pk=open_meeting(room).pk).update(recording_started_at=timezone.now())
    page = visit(user=colleague)
    in_call(page)
    expect(page.locator("#recording")).to_have_text("Recording")


# The owner


def test_the_owner_ends_the_meeting_for_everyone(visit, room, owner):
    page, guest = visit(user=owner), visit()
    in_call(page)
    page.get_by_role("button", name="End for everyone").click()
    page.get_by_role("button", name="Keep it going").click()
    assert Meeting.objects.get().is_active
    page.get_by_role("button", name="End for everyone").click()
    page.get_by_role("button", name="End the meeting").click()
    heading(page, "The meeting has ended")
    assert Meeting.objects.get().state == Meeting.State.ENDED
    join_as(guest)
    heading(guest, "The meeting has ended")


def test_what_stands_in_the_way_of_ending_is_said(visit, room, owner):
    page = visit(user=owner)
    in_call(page)
    refuse_once(page, "**/deactivate", 503, "The service is not available for a moment.")
    page.get_by_role("button", name="End for everyone").click()
    page.get_by_role("button", name="End the meeting").click()
    expect(page.get_by_role("alert").filter(has_text="not available")).to_be_visible()
    page.get_by_role("button", name="End the meeting").click()
    heading(page, "The meeting has ended")


def test_the_rooms_address_is_copied(visit, room, owner, live_server):
    page = visit(user=owner, permissions=["clipboard-read", "clipboard-write"])
    in_call(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("The room's address is copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/standup"


def test_without_a_clipboard_it_can_be_copied_by_hand(visit, room, owner, live_server):
    page = visit(
        user=owner,
        before=lambda page: page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })"),
    )
    in_call(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_label("Copy it from here")).to_have_value(f"{live_server.url}/standup")
    expect(page.get_by_label("Copy it from here")).to_be_focused()


class Starting:
    """What a platform that starts recordings by a call does of it."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def attributes(self, **more):
        def start_recording(client, room_name, kind, instance_id, with_video=True):
            self.asked.append((room_name, kind, instance_id))
            answer = self.answers.pop(0) if self.answers else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return {"start_recording": start_recording, **more}


def test_the_owner_starts_a_recording_which_may_have_to_wait_for_the_call(visit, room, owner):
    starting = Starting(PlatformRejected("Nobody there", "starting", 404), {}, None)
    with scripted_platform("starting", abilities.RecordingStart, **starting.attributes()):
        room.platform = "starting"
        room.save()
        page = visit(user=owner)
        in_call(page)
        page.get_by_role("button", name="Start recording").click()
        expect(page.get_by_text("Waiting for the call to begin…")).to_be_visible()
        expect(page.get_by_text("The recording starts.")).to_be_visible()
        page.get_by_role("button", name="Start recording").click()
        expect(page.get_by_text("It is being recorded already.")).to_be_visible()
    assert len(starting.asked) == 3
    assert len(set(starting.asked)) == 1


def test_why_it_cannot_start_is_said(visit, room, owner):
    starting = Starting(PlatformRejected("secret reason", "starting", 403))
    with scripted_platform("starting", abilities.RecordingStart, **starting.attributes()):
        room.platform = "starting"
        room.save()
        page = visit(user=owner)
        in_call(page)
        page.get_by_role("button", name="Start recording").click()
        expect(page.get_by_text("refused this")).to_be_visible()


def test_what_is_to_be_recorded_by_itself_but_needs_a_call_is_started_by_the_page(visit, room):
    starting = Starting()
    with scripted_platform(
        "starting", abilities.RecordingStart, **starting.attributes(needs_recording_start=lambda client, settings: True)
    ):
        room.platform = "starting"
        room.save()
        page = visit()
        join_as(page)
        in_call(page)
        wait_until(lambda: starting.asked)


# Looks


STATES = ("opening", "trouble", "name", "joining", "call", "link", "left", "ended")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_state_without_scrolling_sideways(visit, asking, owner, scheme):
    size = {"width": 360, "height": 640}
    page = visit(user=owner, viewport=size, color_scheme=scheme, before=lambda page: page.clock.install())
    fits = "document.documentElement.scrollWidth <= innerWidth"
    heading(page, "May this meeting be recorded?")
    assert page.evaluate(fits)
    page.keyboard.press("Escape")
    in_call(page)
    for state in STATES:
        page.evaluate("async (state) => (await import('/static/meetings/states.js')).show(state)", state)
        expect(page.locator(f'section[data-state="{state}"]')).to_be_visible()
        assert page.evaluate(fits), state
    page.evaluate("document.getElementById('end-dialog').showModal()")
    assert page.evaluate(fits)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", light))) > 3 * 128) is (scheme == "light")


def test_in_a_call_the_meeting_has_the_window(visit, room, owner):
    page = visit(user=owner, viewport={"width": 1200, "height": 800})
    in_call(page)
    box = page.locator("#stage iframe").bounding_box()
    assert (box["width"], box["height"] > 600) == (1200, True)


def test_by_keyboard_alone(visit, asking):
    page = visit()
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    heading(page, "May this meeting be recorded?")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="I refuse")).to_be_focused()
    page.keyboard.press("Enter")
    in_call(page)
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "leave":
            break
    page.keyboard.press("Enter")
    heading(page, "You left the meeting")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Rejoin")).to_be_focused()


# Nothing is lost, and nothing is untrue


def test_nothing_leads_out_of_a_call_unasked(visit, room, owner):
    page = visit(user=owner)
    in_call(page)
    expect(page.get_by_role("banner")).to_be_hidden()
    page.get_by_role("button", name="Copy link").click()  # a browser asks only somebody who has done something here
    page.keyboard.press("Escape")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("() => { location.href = '/search'; }")
    wait_until(lambda: asked == ["beforeunload"])
    expect(page.get_by_role("heading", name="In the meeting")).to_be_visible()
    page.get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")
    page.evaluate("() => { location.href = '/search'; }")
    page.wait_for_url("**/search")
    assert asked == ["beforeunload"]


def test_the_buttons_stand_in_one_row_on_a_telephone(visit, asking, owner):
    with scripted_platform("starting", abilities.RecordingStart, **Starting().attributes()):
        asking.platform = "starting"
        asking.save()
        page = visit(user=owner, viewport={"width": 360, "height": 740})
        page.get_by_role("button", name="I agree").click()
        in_call(page)
        names = ["Recording and consent", "Copy link", "Start recording", "End for everyone", "Leave"]
        boxes = [page.get_by_role("button", name=name).bounding_box() for name in names]
        assert len({round(box["y"]) for box in boxes}) == 1
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)
        assert all(one["x"] + one["width"] <= other["x"] for one, other in pairwise(boxes))


def test_what_is_said_of_recording_is_true_at_every_moment(visit, asking, owner):
    with scripted_platform("starting", abilities.RecordingStart, **Starting().attributes()):
        asking.platform, asking.recording_trigger = "starting", "none"
        asking.save()
        page = visit(user=owner)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("It is recorded once a host starts that.")
        dialog.get_by_role("button", name="I agree").click()
        frame = in_call(page)
        expect(page.locator("#recording-plan")).to_have_text("It is recorded once a host starts that.")
        expect(page.get_by_role("button", name="Start recording")).to_be_visible()
        tell(frame, "recording", on=True)
        expect(page.locator("#recording")).to_have_text("Recording")
        expect(page.locator("#recording-plan")).to_be_hidden()
        expect(page.get_by_role("button", name="Start recording")).to_be_hidden()
        page.get_by_role("button", name="Recording and consent").click()
        expect(dialog).to_contain_text("It is being recorded now.")
        expect(dialog.get_by_role("button", name="Decide later")).to_be_hidden()
        dialog.get_by_role("button", name="Close").click()
        tell(frame, "recording", on=False)
        expect(page.get_by_role("button", name="Start recording")).to_be_visible()


def test_who_decides_later_is_reminded(visit, asking):
    page = visit(before=lambda page: page.clock.install())
    join_as(page)
    page.get_by_role("button", name="Decide later").click()
    in_call(page)
    page.clock.fast_forward(121_000)
    expect(page.get_by_text("You have not said yet whether you may be recorded")).to_be_visible()
    page.get_by_role("button", name="Recording and consent").click()
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_text("You agreed to being recorded.")).to_be_visible()
    page.clock.fast_forward(121_000)
    expect(page.get_by_text("You have not said yet")).to_have_count(0)


def test_the_host_is_told_that_somebody_refused(visit, room, owner):
    page = visit(user=owner, before=lambda page: page.clock.install())
    in_call(page)
    page.clock.fast_forward(16_000)
    expect(page.locator("#refused")).to_be_hidden()
    Consent.objects.create(meeting=Meeting.objects.get(), given=False)
    page.clock.fast_forward(16_000)
    expect(page.locator("#refused")).to_contain_text("Somebody has refused to be recorded")


def test_after_leaving_the_owner_is_led_to_the_transcript_and_a_guest_nowhere(visit, room, owner):
    page = visit(user=owner)
    in_call(page)
    page.get_by_role("button", name="Leave").click()
    heading(page, "You left the meeting")
    page.get_by_role("link", name="page").click()
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    guest = visit()
    join_as(guest)
    in_call(guest)
    guest.get_by_role("button", name="Leave").click()
    heading(guest, "You left the meeting")
    left = guest.locator('section[data-state="left"]')
    expect(left).to_contain_text("its transcript is for whoever owns the room")
    assert guest.get_by_role("main").get_by_role("link").count() == 0
