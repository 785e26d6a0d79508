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
from platforms.models import AuditEntry, WebhookEvent
from recordings.models import Consent, Erasure, Ingest, Recording, Submission, Transcript, TranscriptMail
from recordings.transcription.processors.base import Result, Segment
from recordings.transcription.results import save_result
from rooms.models import Room, WebhookDelivery
from tests.browser.chromium import chromium
from tests.support.live import wait_until
from tests.support.media import Sound, media
from tests.support.transcripts import make_meeting, make_transcript, said
from tests.support.visits import NO_SOCKETS

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("recordings_folder")]

TALK = said(*(f"Sentence number {n}." for n in range(60)))  # a second each
SECONDS = 60.0
# What Chromium writes of a form that is shown again with its errors.
EXPECTED = "the server responded with a status of 422"
PHONE = {"viewport": {"width": 360, "height": 640}}

# A track of a video, as a player reads it.
READ_CUES = """async (text) => {
  const [video, track] = ["video", "track"].map((name) => document.createElement(name));
  track.src = `data:text/vtt;charset=utf-8,${encodeURIComponent(text)}`;
  track.default = true;
  const isRead = new Promise((read, fail) => Object.assign(track, { onload: read, onerror: fail }));
  video.append(track);
  document.body.append(video);
  track.track.mode = "hidden";
  await isRead;
  return [...track.track.cues].map((cue) => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent]);
}"""

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
    assert [words for words in complaints if EXPECTED not in words and not NO_SOCKETS.match(words)] == []


@pytest.fixture
def heard(owner, mp3):
    name = storages["recordings"].save("1/audio.mp3", ContentFile(mp3))
    transcript = make_transcript(owner, talk=TALK, title="Budget", audio_file=name)
    Transcript.objects.filter(pk=transcript.pk).update(duration=SECONDS)
    return transcript


def choose(page, name):
    """From the menu of the transcript."""
    page.locator("#more summary").click()
    page.get_by_role("button", name=name).click()


def at(page):
    return page.locator("#player").evaluate("audio => audio.currentTime")


def current(page):
    return page.locator('.line[aria-current="true"]')


class TestPlayer:
    def test_the_text_follows_what_is_heard(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.evaluate(WATCH)
        page.get_by_label("Speed").select_option("2")
        page.get_by_role("button", name="Play", exact=True).click()
        wait_until(lambda: at(page) > 4)
        page.get_by_role("button", name="Pause").click()
        expect(page.locator(f"#line-{int(at(page) + 0.05)}")).to_have_attribute("aria-current", "true")
        expect(current(page)).to_have_count(1)
        assert page.evaluate("seen")[:5] == [f"line-{n}" for n in range(5)]

    @pytest.mark.parametrize("how", ["click", "Enter"])
    def test_the_time_beside_a_line_plays_from_there(self, visit, owner, heard, how):
        page = visit(f"/transcripts/{heard.pk}", owner)
        button = page.locator("#line-20 button.time")
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
        choose(page, "Rename")  # what came later works as well
        expect(page.get_by_label("Title")).to_be_focused()


class TestChanging:
    def test_renaming(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        choose(page, "Rename")
        page.get_by_label("Title").fill("Budget of <b>2027</b>")
        page.get_by_label("Title").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budget of <b>2027</b>")
        expect(page).to_have_title(re.compile("Budget of <b>2027</b>"))
        expect(page.locator("#more summary")).to_be_focused()
        heard.refresh_from_db()
        assert heard.title == "Budget of <b>2027</b>"

    def test_renaming_is_given_up_by_escape(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.locator("#more summary").press("Enter")
        page.get_by_role("button", name="Rename").press("Enter")
        page.get_by_label("Title").fill("Other")
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", level=1)).to_have_text("Budget")
        heard.refresh_from_db()
        assert heard.title == "Budget"

    def test_sharing(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Share …").click()
        dialog = page.get_by_role("dialog", name="Who may read this transcript?")
        expect(dialog.get_by_label("Only me")).to_be_checked()
        dialog.get_by_role("button", name="Copy link").click()
        expect(dialog.get_by_role("status")).to_have_text("The link is copied.")
        assert page.evaluate("navigator.clipboard.readText()") == page.url
        dialog.get_by_label("Anyone with the link").check()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
        expect(visit(f"/transcripts/{heard.pk}").get_by_role("heading", level=1)).to_have_text("Budget")

    def test_saying_who_a_voice_is(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        names = page.locator("#voices bdi").all_inner_texts()
        page.get_by_role("button", name=names[0]).press("Enter")
        dialog = page.get_by_role("dialog", name="Who is this?")
        expect(dialog.get_by_label("Name")).to_have_value(names[0])
        dialog.get_by_role("button", name="Hear a sample").click()
        page.wait_for_function("!document.getElementById('player').paused")
        dialog.get_by_label("Name").fill("Zoë")
        dialog.get_by_label("Name").press("Enter")
        expect(page.locator("#voices bdi").first).to_have_text("Zoë")
        expect(page.locator(".speaker").filter(has_text="Zoë").first).to_be_visible()
        page.get_by_role("button", name="Zoë").click()
        dialog.get_by_label("Name").fill("")
        dialog.get_by_role("button", name="Save").click()
        expect(page.locator("#voices bdi").first).to_have_text(re.compile(r"Speaker \d"))

    def test_deleting_is_asked_about_and_can_be_undone(self, visit, owner, heard):
        page = visit(f"/transcripts/{heard.pk}", owner)
        choose(page, "Delete …")
        dialog = page.get_by_role("dialog", name="Delete this transcript?")
        expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        heard.refresh_from_db()
        assert heard.deleted_at is None
        choose(page, "Delete …")
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
        choose(page, "Rename")
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
        page.get_by_label("Name").fill("Größter Raum, ja!")
        expect(page.get_by_label("Address")).to_have_value("grosster-raum-ja")
        expect(page.get_by_label("Address")).to_have_accessible_description(re.compile("/grosster-raum-ja$"))
        page.get_by_label("Address").fill("my room")
        page.get_by_label("Name").fill("My room")
        expect(page.get_by_label("Address")).to_have_value("my room")
        page.get_by_role("button", name="Make the room").click()
        expect(page.get_by_label("Address")).to_be_focused()
        expect(page.get_by_label("Address")).to_have_accessible_description(re.compile("Use letters, digits"))
        page.get_by_label("Address").fill("")
        page.get_by_label("Name").fill("My room!")
        page.get_by_role("button", name="Make the room").click()
        expect(page.get_by_role("heading", name="My room!")).to_be_visible()
        page.get_by_role("banner").get_by_role("link", name="Rooms", exact=True).click()
        expect(page.get_by_role("link", name="Start a meeting in My room!")).to_be_visible()
        page.get_by_text("More about My room!").click()
        page.get_by_role("link", name="Settings").click()
        expect(page.get_by_label("Address", exact=True)).to_have_value("my-room")
        page.locator(".site-nav summary").click()
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

    @pytest.mark.parametrize("width", [390, 1280])
    def test_each_card_has_its_button_at_the_same_place(self, visit, owner, width):
        page = visit("/", owner, viewport={"width": width, "height": 800})
        assert page.locator("#no-room").bounding_box()["width"] == page.locator("#rooms").bounding_box()["width"]
        titles = ("Short", "A name that is so long that it takes two lines at the least", "W" * 60, "Meeting")
        rooms = [Room.objects.create(name=f"r{n}", title=title, owner=owner) for n, title in enumerate(titles)]
        make_meeting(owner, rooms[3], state=Meeting.State.LIVE, room_url="https://rooms.example/a", num_clients=2)
        page.reload()
        places = set()
        for room in rooms[:3]:
            card, start = (page.locator(f"#{kind}-{room.pk}").bounding_box() for kind in ("room", "start"))
            from_the_end = card["x"] + card["width"] - start["x"] - start["width"]
            places.add((round(start["y"] - card["y"]), round(from_the_end)))
        assert len(places) == 1
        card, join = page.locator(f"#room-{rooms[3].pk}"), page.locator(f"#room-{rooms[3].pk} .live .button")
        ends = [one.bounding_box()["x"] + one.bounding_box()["width"] for one in (card, join)]
        assert round(ends[0] - ends[1]) == places.pop()[1]

    def test_the_menu_works_by_keyboard(self, visit, owner):
        page = visit("/", owner)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.locator(".site-nav summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Log out")).to_be_hidden()
        expect(page.locator(".site-nav summary")).to_be_focused()


class TestSearch:
    def test_from_the_words_to_the_place(self, visit, owner, heard):
        page = visit("/", owner)
        page.get_by_role("link", name="Transcripts", exact=True).click()
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


def test_a_player_reads_every_cue_of_the_export_as_it_was_said(browser, client, owner):
    texts = ["press --> to go on", "a < b & c > d", "", "<i>&lt;</i> &amp;", "-->", "NOTE me", "last\n\none"]
    transcript = make_transcript(owner, talk=said(*texts, speaker="Ada --> <Bo> & Cy"))
    client.force_login(owner)
    export = client.get(f"/transcripts/{transcript.pk}/download/vtt").content.decode()
    page = browser.new_page()
    cues = page.evaluate(READ_CUES, export)
    page.close()
    assert cues == [[n, n + 1, " ".join(text.split())] for n, text in enumerate(texts)]


def test_what_is_said_in_hebrew_is_laid_out_from_right_to_left(visit, owner):
    transcript = make_transcript(owner, said("שלום לכולם, 12!", "Hello.", speaker="\u05d0\u05d3\u05d4"), title="תקציב")
    page = visit(f"/transcripts/{transcript.pk}", owner)
    directions = "(nodes) => nodes.map((node) => getComputedStyle(node).direction)"
    assert page.eval_on_selector_all(".line > span[dir]", directions) == ["rtl", "ltr"]
    assert page.eval_on_selector_all("#title, .speaker, .voice bdi", directions) == ["rtl", "rtl", "rtl"]


FITTING = (
    *("rooms/room", "meetings/meeting", "recordings/recording", "recordings/transcript", "recordings/consent"),
    *("recordings/ingest", "recordings/submission", "platforms/webhookevent", "rooms/webhookdelivery", "auth/user"),
)
SCROLLING = ("recordings/erasure", "recordings/transcriptmail", "platforms/auditentry")


def test_the_lists_of_admin_fit_a_screen_or_scroll_by_themselves(visit, staff, owner):
    """With what is as long as it usually gets; what is longer is cut, and stands whole on the row's own page."""
    platform, error = "daily", "PlatformUnavailable: Daily did not answer in time (GET /recordings/{id}/access-link)."
    reason, room_name = "The room is within the 50 % being migrated.", "weekly-team-meeting-sales-20260101090000-a1b2c3"
    room = Room.objects.create(name="weekly-team-meeting-sales", owner=owner, platform=platform)
    meeting = make_meeting(owner, room, platform=platform, platform_reason=reason, room_name=room_name, num_clients=12)
    recording = Recording.objects.create(platform=platform, meeting=meeting, error=error, duration=3600)
    transcript = make_transcript(owner, room=room, name=room.name, recording=recording)
    Recording.objects.update(state="failed")
    Consent.objects.create(meeting=meeting, given=False, user=owner)
    failed = {"state": "failed", "last_error": error}
    Ingest.objects.create(recording=recording, **failed)
    Submission.objects.create(recording=recording, **failed)
    Erasure.objects.create(recording=recording, location="storage", **failed)
    TranscriptMail.objects.create(transcript=transcript, recipient="somebody.else@mail.example.com", **failed)
    WebhookEvent.objects.create(id=room.pk, platform=platform, event_id="e" * 36, type="recording.ready-to-download")
    WebhookDelivery.objects.create(room=room, event="recording.ready", body="{}", **failed)
    made = {"action": "created", "kind": "recording", "what": "upload to a transcript", "address": "2001:db8::5678"}
    AuditEntry.objects.create(person="owner", via="pages", object_id=str(room.pk), **made)
    page = visit("/admin/", staff, viewport={"width": 1280, "height": 800})
    for name in FITTING + SCROLLING:
        page.goto(f"/admin/{name}/")
        table, box = page.locator("#result_list"), page.locator(".results")
        assert table.locator("tbody tr").count(), name
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, name
        if name in FITTING:
            assert table.bounding_box()["width"] <= box.bounding_box()["width"], name
        else:
            assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto", name
