"""Home, transcripts and search in Chromium."""

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from meetings.models import Meeting
from recordings.models import Recording, Transcript
from recordings.processors.base import Result, Segment
from recordings.transcripts import save_result
from rooms.models import Room
from tests.browser.chromium import chromium
from tests.live import wait_until
from tests.recordings.media import Sound, media
from tests.recordings.transcripts import make_meeting, make_transcript, said

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("recordings_folder")]

TALK = said(*(f"Sentence number {n}." for n in range(60)))  # a second each
SECONDS = 60.0
# What Chromium writes of a form that is shown again with its errors.
EXPECTED = "the server responded with a status of 422"
PHONE = {"viewport": {"width": 360, "height": 640}}

# Keeps which lines were marked, in their order.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const line = document.querySelector(".line[aria-current]");
    if (line && seen.at(-1) !== line.id) seen.push(line.id);
  };
  new MutationObserver(look).observe(document.getElementById("turns"), { subtree: true, attributes: true });
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium(microphone=False) as browser:
        yield browser


@pytest.fixture(scope="module")
def mp3():
    return media("mp3", [Sound(0, SECONDS)])


@pytest.fixture
def visit(browser, live_server):
    """Opens a page for somebody; at the end no page may have complained."""
    contexts, complaints = [], []

    def visit(path="/", user=None, **options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        if user:
            client = Client()
            client.force_login(user)
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [words for words in complaints if EXPECTED not in words] == []


@pytest.fixture
def heard(owner, mp3):
    name = storages["recordings"].save("1/audio.mp3", ContentFile(mp3))
    transcript = make_transcript(owner, talk=TALK, title="Budget", audio_file=name)
    Transcript.objects.filter(pk=transcript.pk).update(duration=SECONDS)
    return transcript


def at(page):
    return page.locator("#player").evaluate("audio => audio.currentTime")


def current(page):
    return page.locator('.line[aria-current="true"]')


class TestPlayer:
    def test_the_text_follows_what_is_heard(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.evaluate(WATCH)
        page.locator("#player").evaluate("audio => { audio.playbackRate = 2; return audio.play() }")
        wait_until(lambda: at(page) > 4)
        page.locator("#player").evaluate("audio => audio.pause()")
        expect(page.locator(f"#line-{int(at(page) + 0.05)}")).to_have_attribute("aria-current", "true")
        expect(current(page)).to_have_count(1)
        assert page.evaluate("seen")[:5] == [f"line-{n}" for n in range(5)]

    @pytest.mark.parametrize("how", ["click", "Enter"])
    def test_the_time_beside_a_line_plays_from_there(self, visit, owner, heard, how):
        page = visit(f"/transcripts/{heard.pk}", owner)
        button = page.locator("#line-20 button")
        expect(button).to_have_accessible_name("Play from 0:20")
        button.click() if how == "click" else button.press(how)
        expect(page.locator("#line-20")).to_have_attribute("aria-current", "true")
        wait_until(lambda: 20.2 < at(page) < 25)
        assert not page.locator("#player").evaluate("audio => audio.paused")

    def test_the_line_that_is_heard_is_in_view_until_the_reader_scrolls(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner, viewport={"width": 800, "height": 500})
        expect(page.locator("#line-50")).not_to_be_in_viewport()
        seek(page, 50)
        expect(page.locator("#line-50")).to_be_in_viewport()
        assert is_above_player(page, "#line-50")
        page.mouse.move(300, 200)
        page.mouse.wheel(0, -10_000)
        expect(page.locator("#line-0")).to_be_in_viewport()
        seek(page, 55)
        expect(page.locator("#line-55")).to_have_attribute("aria-current", "true")
        expect(page.locator("#line-0")).to_be_in_viewport()
        page.get_by_role("button", name="Follow the recording").click()
        expect(page.locator("#line-55")).to_be_in_viewport()
        expect(page.locator("#follow")).to_be_hidden()

    def test_a_link_to_a_time_and_one_to_a_line_begin_there(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}#t=12.3", owner)
        expect(page.locator("#line-12")).to_have_attribute("aria-current", "true")
        wait_until(lambda: at(page) == pytest.approx(12.3))
        page.goto(f"/transcripts/{heard.pk}#line-40")
        expect(page.locator("#line-40")).to_have_attribute("aria-current", "true")
        expect(page.locator("#line-40")).to_be_in_viewport()

    def test_audio_that_cannot_be_played_says_so(self, browser, live_server, owner, heard):
        storages["recordings"].delete(heard.audio_file)
        client = Client()
        client.force_login(owner)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"/transcripts/{heard.pk}")
        expect(page.get_by_text("The audio cannot be played just now.")).to_be_visible()
        context.close()


def seek(page, seconds):
    page.locator("#player").evaluate("(audio, seconds) => { audio.currentTime = seconds }", seconds)


def is_above_player(page, line):
    """It is not hidden under the player, which stays at the bottom."""

    def check():
        box = page.locator(line).bounding_box()
        return box["y"] + box["height"] <= page.locator(".player").bounding_box()["y"]

    return wait_until(check)


class TestWaiting:
    def test_the_page_shows_the_transcript_when_it_is_there(self, visit, owner):
        recording = Recording.objects.create(platform="mock", state="processing", meeting=make_meeting(owner))
        transcript = make_transcript(owner, talk=[], recording=recording, title="Budget")
        Transcript.objects.filter(pk=transcript.pk).update(status="processing")
        Recording.objects.filter(pk=recording.pk).update(state="stored")
        page = visit(f"/transcripts/{transcript.pk}", owner)
        expect(page.get_by_role("status").get_by_text("Checked, waiting to be transcribed")).to_be_visible()
        Recording.objects.filter(pk=recording.pk).update(state="processing")
        expect(page.get_by_role("status").get_by_text("Transcribing")).to_be_visible(timeout=15_000)
        save_result(recording, Result(segments=[Segment(0.0, 1.0, "Ada", "At last.")], duration=1.0, language="en"))
        Recording.objects.filter(pk=recording.pk).update(state="done")
        expect(page.get_by_text("At last.")).to_be_visible(timeout=15_000)
        expect(page.locator("#progress")).to_have_count(0)
        page.get_by_role("button", name="Rename").click()  # what came later works as well
        expect(page.get_by_label("Title")).to_be_focused()


class TestChanging:
    def test_renaming(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.get_by_role("button", name="Rename").click()
        page.get_by_label("Title").fill("Budget of <b>2027</b>")
        page.get_by_label("Title").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budget of <b>2027</b>")
        expect(page).to_have_title(re.compile("Budget of <b>2027</b>"))
        expect(page.get_by_role("button", name="Rename")).to_be_focused()
        heard.refresh_from_db()
        assert heard.title == "Budget of <b>2027</b>"

    def test_renaming_is_given_up_by_escape(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.get_by_role("button", name="Rename").press("Enter")
        page.get_by_label("Title").fill("Other")
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budget")
        heard.refresh_from_db()
        assert heard.title == "Budget"

    def test_deleting_is_asked_about_and_can_be_undone(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.get_by_role("button", name="Delete …").click()
        dialog = page.get_by_role("dialog", name="Delete this transcript?")
        expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        heard.refresh_from_db()
        assert heard.deleted_at is None
        page.get_by_role("button", name="Delete …").click()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("In the trash")
        heard.refresh_from_db()
        assert heard.deleted_at
        page.get_by_role("button", name="Restore").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Budget")
        heard.refresh_from_db()
        assert heard.deleted_at is None

    def test_what_the_server_refuses_is_said(self, browser, live_server, owner, heard):
        client = Client()
        client.force_login(owner)
        context = browser.new_context(base_url=live_server.url)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"/transcripts/{heard.pk}")
        page.get_by_role("button", name="Rename").click()
        context.clear_cookies(name="sessionid")  # the session is over
        page.get_by_label("Title").press("Enter")
        expect(page.get_by_role("alert").filter(has_text="Not authenticated")).to_be_visible()
        context.close()


class TestHome:
    def test_signing_in_making_a_room_and_signing_out(self, visit, owner):
        page = visit("/")
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        page.get_by_label("E-mail address or user name").fill("owner@example.com")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name="Make the first room").click()
        page.get_by_label("Name").fill("my room")
        page.get_by_role("button", name="Make the room").click()
        expect(page.get_by_label("Name")).to_be_focused()
        expect(page.get_by_label("Name")).to_have_accessible_description(re.compile("Use letters, digits"))
        page.get_by_label("Name").fill("my-room")
        page.get_by_role("button", name="Make the room").click()
        expect(page.get_by_role("link", name="Start a meeting in my-room")).to_be_visible()
        page.locator("summary").click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()

    def test_rooms_meetings_and_recordings_stay_fresh(self, visit, owner, room):
        other = Room.objects.create(name="other", owner=owner, platform="mock")
        page = visit("/", owner)
        start = page.get_by_role("link", name="Start a meeting in other")
        start.focus()
        meeting = make_meeting(
            owner,
            room,
            state=Meeting.State.LIVE,
            room_url="https://meet.example.com/x",
            end_date=timezone.now() + timedelta(hours=1),
            num_clients=1,
        )
        recording = Recording.objects.create(platform="mock", meeting=make_meeting(owner, other), state="fetching")
        expect(page.get_by_text("1 in the meeting")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("Fetching and checking")).to_be_visible(timeout=15_000)
        expect(start).to_be_focused()
        Meeting.objects.filter(pk=meeting.pk).update(num_clients=2)
        Recording.objects.filter(pk=recording.pk).update(state="failed", error="Gone.", can_retry=True)
        expect(page.get_by_text("2 in the meeting")).to_be_visible(timeout=15_000)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("It is being tried again.")).to_be_visible()
        expect(page.get_by_text("Waiting for the provider")).to_be_visible()

    def test_the_menu_works_by_keyboard(self, visit, owner):
        page = visit("/", owner)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Log out")).to_be_hidden()
        expect(page.locator("summary")).to_be_focused()


class TestSearch:
    def test_from_the_words_to_the_place(self, visit, owner, heard):
        page = visit("/", owner)
        page.get_by_role("link", name="Search").click()
        page.get_by_label("What was said").fill('"number 42"')
        page.get_by_label("What was said").press("Enter")
        page.get_by_role("link", name="Sentence number 42.").click()
        expect(page.locator("#line-42 mark")).to_have_text("number 42")
        expect(page.locator("#line-42")).to_be_in_viewport()
        expect(page.locator("#line-42")).to_have_attribute("aria-current", "true")
        wait_until(lambda: at(page) == 42)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(visit, owner, heard, scheme):
    long_room = Room.objects.create(name="r" * 100, owner=owner, platform="mock")
    Transcript.objects.filter(pk=heard.pk).update(title="W" * 200, room=long_room)
    meeting = make_meeting(owner, long_room)
    Recording.objects.create(platform="mock", meeting=meeting, state="failed", error="E" * 300, can_retry=True)
    owner.first_name = "N" * 80
    owner.save()
    page = visit("/", owner, color_scheme=scheme, **PHONE)
    for path in ("/", "/new", "/search?q=sentence", f"/transcripts/{heard.pk}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page = visit("/login", color_scheme=scheme, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
