"""Sending in a file in Chromium, by keyboard."""

import pytest
from playwright.sync_api import expect

from recordings.models import Recording, Transcript
from tests.browser.chromium import chromium
from tests.support.media import with_audio
from tests.support.visits import visitors

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("recordings_folder")]

NO_MEDIA = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no media"}
TALK = {"name": "Interview.mp4", "mimeType": "video/mp4", "buffer": with_audio()}


@pytest.fixture(scope="module")
def browser():
    with chromium(microphone=False) as browser:
        yield browser


@pytest.fixture
def visit(browser, live_server):
    with visitors(browser, live_server) as visit:
        yield visit


@pytest.fixture
def form(visit, owner):
    page = visit("/search", owner)
    page.get_by_role("link", name="Upload a recording").press("Enter")
    expect(page.get_by_label("Audio or video file")).to_be_focused()
    return page


def choose(page, file):
    """The dialog for it is the browser's own."""
    page.get_by_label("Audio or video file").set_input_files(file)


def test_from_the_list_of_transcripts_to_a_transcript(form):
    choose(form, TALK)
    form.keyboard.press("Tab")
    form.keyboard.type("Budget talk")
    form.keyboard.press("Enter")
    expect(form.get_by_role("heading", name="Budget talk")).to_be_visible()
    expect(form.get_by_role("heading", name="Not ready yet")).to_be_visible()
    assert form.url.endswith(f"/transcripts/{Transcript.objects.get().pk}")


def test_what_is_wrong_is_said_beside_the_file_and_what_was_typed_stays(form):
    form.get_by_role("button", name="Upload").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("Please choose a file.")
    expect(form.get_by_label("Audio or video file")).to_be_focused()
    form.get_by_label("Name").fill("Budget talk")
    choose(form, NO_MEDIA)
    form.get_by_role("button", name="Upload").press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("There is no sound in this file")
    expect(form.get_by_label("Name")).to_have_value("Budget talk")
    assert not Transcript.objects.exists()
    choose(form, TALK)
    form.get_by_role("button", name="Upload").press("Enter")
    expect(form.get_by_role("heading", name="Budget talk")).to_be_visible()


def test_what_is_too_large_is_not_even_sent(visit, owner, settings):
    settings.RECORDING_MAX_BYTES = 1000
    page = visit("/transcripts/upload", owner)
    choose(page, TALK)
    page.on("request", lambda request: pytest.fail(request.url))
    page.get_by_role("button", name="Upload").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This file is too large.")


def test_it_can_be_broken_off(form):
    form.route("**/transcripts/upload", lambda route: None)  # never answered
    choose(form, TALK)
    form.get_by_role("button", name="Upload").press("Enter")
    expect(form.get_by_label("Sending")).to_be_visible()
    form.get_by_role("link", name="Cancel").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("It was not sent.")
    expect(form.get_by_label("Sending")).to_be_hidden()


def test_without_the_script_the_browser_sends_it(visit, owner):
    page = visit("/transcripts/upload", owner, java_script_enabled=False)
    choose(page, TALK)
    page.get_by_role("button", name="Upload").press("Enter")
    expect(page.get_by_role("heading", name="Interview")).to_be_visible()
    assert Recording.objects.get().uploaded_by == owner
