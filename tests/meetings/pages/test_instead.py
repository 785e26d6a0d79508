"""Opening on another platform, for whoever is in charge of a room that cannot open where it is to."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from meetings.models import Meeting
from meetings.opening import end_meeting, open_meeting
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.health import states
from rooms.models import Room
from rooms.rollout.decide import decide
from rooms.selection import current_policy, select_instead
from tests.browser.chromium import chromium
from tests.browser.test_accessibility import TELEPHONE, overflow, serious_violations
from tests.support.meeting_page import scripted_platform
from tests.support.visits import heading, visitors

pytestmark = pytest.mark.django_db

PATH = "/standup/open-instead"


def refuse(*args):
    raise PlatformRejected("The key is wrong.", "broken", 401)


def stay_silent(*args):
    raise PlatformUnavailable("It does not answer.", "broken")


@pytest.fixture
def platforms():
    """One that refuses to open anything, one that cannot lock, and one that cannot do anything wrong."""
    with ExitStack() as stack:
        stack.enter_context(scripted_platform("broken", label="Broken", create_meeting=refuse))
        stack.enter_context(scripted_platform("simple", label="Simple", supports_locking=False, supports_logo=False))
        stack.enter_context(scripted_platform("other", label="Other"))
        yield


@pytest.fixture
def room(owner, platforms):
    decide({"failover_allowed": False})
    return Room.objects.create(name="standup", owner=owner, platform="broken", skip_consent=True, is_locked=True)


def page(client, user=None, path="/standup"):
    if user:
        client.force_login(user)
    return client.get(path).content.decode()


def choose(client, platform, user=None, **kwargs):
    if user:
        client.force_login(user)
    return client.post(PATH, {"platform": platform}, **kwargs)


def test_whoever_is_in_charge_is_offered_the_others_with_what_is_lost_there(client, room, owner, staff):
    for user in (owner, staff):
        text = page(client, user)
        assert text.index('value="other"') < text.index('value="simple"')  # what loses least comes first
        assert "Not there: knocking before one is let in." in text
        assert 'value="broken"' not in text


def test_others_are_offered_nothing_and_may_not(client, room, colleague):
    for user in (None, colleague):
        assert 'id="instead"' not in page(client, user)
    assert choose(client, "other", colleague).status_code == 403
    client.logout()
    assert choose(client, "other")["Location"] == f"/login?next={PATH}"
    client.force_login(room.owner)
    assert client.get(PATH).status_code == 405
    assert client.post("/nowhere/open-instead", {"platform": "other"}).status_code == 404
    assert not Meeting.objects.exists()


def test_the_meeting_opens_there_and_all_who_come_meet_in_it(client, room, owner):
    answer = choose(client, "other", owner)
    meeting = Meeting.objects.get()
    assert answer["Location"] == f"/standup/{meeting.pk}"
    assert (meeting.state, meeting.platform, meeting.wanted_platform) == ("live", "other", "broken")
    assert meeting.platform_reason == "Opened on Other by somebody in charge of the room."
    assert open_meeting(room) == meeting
    assert meeting.platform_reason in page(client, owner, answer["Location"])
    room.refresh_from_db()
    assert room.platform == "broken"
    end_meeting(meeting)
    with pytest.raises(PlatformRejected):
        open_meeting(room)


def test_who_opened_one_meanwhile_is_joined(client, room, owner):
    meeting = open_meeting(room, instead="simple")
    assert choose(client, "other", owner)["Location"] == f"/standup/{meeting.pk}"
    assert Meeting.objects.count() == 1


@pytest.mark.parametrize("platform", ["broken", "nowhere", "", "a\x00b"])
def test_what_is_not_offered_is_not_opened(client, room, owner, platform):
    answer = choose(client, platform, owner, follow=True)
    assert "The room cannot open there now." in answer.content.decode()
    assert not Meeting.objects.exists()


def test_the_rules_of_opening_hold(client, room, owner):
    """What staff have switched off or cordoned, or what does not answer, is no way out."""
    decide({"target_platform": "other", "switched_on": False})
    with pytest.raises(PlatformNotConfigured):
        select_instead(room, "other", current_policy())
    assert 'value="other"' not in page(client, owner)
    decide({"target_platform": "other", "switched_on": True})
    assert 'value="other"' in page(client, owner)
    states.cordon("other", reason="It is being mended.")
    assert 'value="other"' not in page(client, owner)
    assert choose(client, "other").status_code == 302
    assert not Meeting.objects.exists()


def test_one_that_refuses_as_well_is_said(client, room, owner):
    Room.objects.update(platform="other")
    text = choose(client, "broken", owner, follow=True).content.decode()
    assert "Broken refused this." in text
    assert Meeting.objects.get().state == "failed"


def test_where_that_one_does_not_answer_the_rules_decide_again(client, room, owner):
    Room.objects.update(platform="other")
    with scripted_platform("broken", label="Broken", create_meeting=stay_silent):
        choose(client, "broken", owner)
    assert list(Meeting.objects.order_by("platform").values_list("platform", "state")) == [
        ("broken", "failed"),
        ("other", "live"),
    ]


def test_a_room_that_can_open_nowhere_by_the_rules_opens_there(client, room, owner):
    Room.objects.update(platform="gone")
    assert choose(client, "other", owner).status_code == 302
    assert Meeting.objects.get().platform == "other"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_by_keyboard(live_server, room, owner, scheme):
    with chromium() as browser, visitors(browser, live_server) as visit:
        shown = visit(user=owner, color_scheme=scheme)
        heading(shown, "The meeting cannot be opened")
        expect(shown.get_by_text("Broken refused this.")).to_be_visible()
        assert serious_violations(shown) == []
        shown.set_viewport_size(TELEPHONE)
        assert overflow(shown) <= 0
        simple = shown.get_by_role("radio", name="Simple")
        shown.get_by_role("button", name="Try again").focus()
        shown.keyboard.press("Tab")
        shown.keyboard.press("Tab")  # past the link to all rooms
        expect(shown.get_by_role("radio", checked=True)).to_be_focused()
        for _ in range(shown.get_by_role("radio").count()):
            if not simple.is_checked():
                shown.keyboard.press("ArrowDown")
        expect(simple).to_be_checked()
        shown.keyboard.press("Tab")
        expect(shown.get_by_role("button", name="Open it there")).to_be_focused()
        shown.keyboard.press("Enter")
        heading(shown, "In the meeting")
        assert Meeting.objects.live().get().platform == "simple"


@pytest.mark.browser
def test_who_is_choosing_is_not_interrupted_by_the_next_try(live_server, room, owner):
    with (
        scripted_platform("broken", label="Broken", create_meeting=stay_silent),
        chromium() as browser,
        visitors(browser, live_server) as visit,
    ):
        shown = visit(user=owner, before=lambda page: page.clock.install())
        expect(shown.get_by_text("Broken does not answer at present.")).to_be_visible()
        shown.get_by_role("radio", name="Other").focus()
        expect(shown.locator("#trouble-wait")).to_be_hidden()
        shown.clock.run_for(60_000)
        expect(shown.get_by_role("radio", name="Other")).to_be_focused()
        assert Meeting.objects.count() == 1
