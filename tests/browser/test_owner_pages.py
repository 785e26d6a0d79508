"""The pages of whoever owns rooms keep nobody out, in light and dark, wide and on a telephone."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from django.utils import timezone
from django_otp.oath import totp
from playwright.sync_api import expect

from meetings.models import Meeting, ParticipantSession
from recordings.models import Consent, Recording
from rooms import invitations
from rooms.models import ApiKey, Invitation, Room
from tests.browser.chromium import chromium
from tests.browser.test_accessibility import TELEPHONE, WIDE, overflow, serious_violations
from tests.support.transcripts import make_meeting, make_transcript
from tests.support.visits import visitors

pytestmark = pytest.mark.browser

LONG = "A very long name of a room, which somebody pasted from the invitation to the yearly conference of all"
PAGES = ["/", "/?find=nothing-at-all", "/new", "/rooms/weekly", "meeting", "/account", "/account/second-factor"]
PAGES += ["/account/reset", "/login", "invitation", "/account/invitation"]
GUESTS = PAGES[-4:]


@pytest.fixture(scope="module")
def browser():
    with chromium(microphone=False) as browser:
        yield browser


@pytest.fixture
def visit(browser, live_server):
    with visitors(browser, live_server) as visit:
        yield visit


@pytest.fixture
def meeting(owner):
    owner.is_staff = owner.is_superuser = True  # so that all of the header is there
    owner.first_name, owner.last_name = "Ada Augusta", "King-Noel, Countess of Lovelace"
    owner.save()
    room = Room.objects.create(name="weekly", title="Weekly Team Meeting", owner=owner, platform="mock", is_shared=True)
    for number in range(9):
        Room.objects.create(name=f"room-{number}", title=LONG if number == 3 else "", owner=owner, platform="mock")
    ApiKey.issue(owner, "Calendar robot", ["rooms:read"], timezone.now() + timedelta(days=30))
    meeting = make_meeting(
        owner, room, room_url="https://meet.example.com/x", state=Meeting.State.LIVE, num_clients=2,
        end_date=timezone.now() + timedelta(hours=1), recording_started_at=timezone.now(),
    )  # fmt: skip
    for name in ("Ada", "Bo", LONG):
        ParticipantSession.objects.create(
            meeting=meeting,
            session_id=name,
            user_name=name,
            joined_at=timezone.now(),
            user_id=str(owner.pk) if name == "Ada" else "",
        )
    Consent.objects.create(meeting=meeting, user=owner, given=True)
    Consent.objects.create(meeting=meeting, given=False)
    recording = Recording.objects.create(meeting=meeting, platform="mock", provider_recording_id="rec-1")
    make_transcript(owner, recording=recording, room=room)
    return meeting


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_serious_violation_and_no_overflow(visit, owner, meeting, path, scheme, tmp_path):
    addresses = {"meeting": f"/rooms/weekly/meetings/{meeting.pk}", "invitation": link_of(owner, meeting.room)}
    user = None if path in GUESTS else owner
    page = visit(addresses.get(path, path), user, color_scheme=scheme, viewport=WIDE)
    assert "Something went wrong" not in page.content()
    page.screenshot(path=tmp_path / "wide.png", full_page=True)
    assert serious_violations(page) == []
    page.set_viewport_size(TELEPHONE)
    page.screenshot(path=tmp_path / "telephone.png", full_page=True)
    assert overflow(page) <= 0
    assert serious_violations(page) == []


def test_an_invitation_is_accepted_by_keyboard(visit, owner, meeting):
    page = visit(link_of(owner, meeting.room))
    for label in ("First name", "Last name", "New password", "New password confirmation"):
        page.get_by_label(label, exact=True).focus()
        page.keyboard.type("short" if "password" in label else "Grace")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This password is too short.")).to_be_visible()
    for label in ("New password", "New password confirmation"):
        page.get_by_label(label, exact=True).focus()
        page.keyboard.type("staple of the horse")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The account is yours. You are signed in.")).to_be_visible()
    expect(page.get_by_role("link", name="Weekly Team Meeting", exact=True)).to_be_visible()


def link_of(owner, room):
    invitation = Invitation.objects.create(
        email="grace.brewster.murray.hopper@mathematics.example.com", first_name="Grace", room=room, invited_by=owner
    )
    return f"/account/invitation/{invitations.link_to(invitation).rpartition('/')[2]}"


def test_a_second_factor_is_set_up_and_asked_for(visit, owner):
    page = visit("/account/second-factor", owner)
    assert serious_violations(page) == []
    secret = b32decode(page.locator("#secret").inner_text())
    page.get_by_label("Code").fill(f"{totp(secret):06}")
    page.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    recovery_code = codes.first.inner_text()
    assert serious_violations(page) == []

    page = visit("/login?next=/search")
    page.get_by_label("E-mail address or user name").fill("owner")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Log in, second step")).to_be_visible()
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This code is not right, or was used already.")).to_be_visible()
    assert serious_violations(page) == []
    page.get_by_label("Code").fill(recovery_code)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search$"))


def test_another_browser_is_signed_out_by_keyboard(visit, owner):
    visit("/account", owner)
    page = visit("/account", owner)
    button = page.get_by_role("button", name="Sign out A browser")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("That browser is signed out.")).to_be_visible()
    expect(button).to_have_count(0)
