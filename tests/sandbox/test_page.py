"""The meeting page in a browser."""

import json
import math
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.world.connections import CONNECTION_TIMEOUT_SECONDS
from tests.browser.chromium import chromium, open_page
from tests.sandbox.listening import level
from tests.sandbox.tabs import (
    STEADY,
    enter,
    finished,
    join,
    make_room,
    open_tab,
    people,
    room_of,
    sees,
    steady_sound,
)
from tests.support.live import wait_until
from tests.support.media import heard, loudness

pytestmark = pytest.mark.browser

LINES = Path(__file__).parents[2] / "platforms/sandbox/static/speech/lines.json"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(sound=steady_sound(tmp_path_factory.mktemp("sound"))) as browser:
        yield browser


@pytest.fixture(scope="module")
def deaf_browser():
    """Without any microphone."""
    with chromium(microphone=False) as browser:
        yield browser


@pytest.fixture
def sandbox():
    with running_sandbox(storage=False) as sandbox:
        yield sandbox


def sound_of(recording):
    [file] = recording.files
    return heard(file.path.read_bytes())


def test_people_in_two_tabs_see_each_other(browser, sandbox):
    ada, ada_problems = enter(browser, sandbox, "Ada", "host=key")
    sees(ada, "Ada")
    bo, bo_problems = enter(browser, sandbox, "Bo")
    sees(ada, "Ada", "Bo")
    sees(bo, "Ada", "Bo")
    assert people(ada) == ["Ada\n(you), host", "Bo"]
    assert people(bo) == ["Ada\nhost", "Bo\n(you)"]
    assert [person.role for person in room_of(sandbox).people] == ["host", "visitor"]
    bo.get_by_role("button", name="Leave").click()
    expect(bo.get_by_role("heading", name="You have left the meeting.")).to_be_focused()
    sees(ada, "Ada")
    assert ada_problems == bo_problems == []


def test_it_says_what_it_is(browser, sandbox):
    for platform, word in (("mock", "Mock"), ("daily", "Daily"), ("whereby", "Whereby")):
        page, _ = open_page(browser, f"{sandbox.url}/{platform}/standup")
        expect(page.get_by_role("banner")).to_contain_text("Sandbox")
        expect(page.get_by_role("banner")).to_contain_text(f"plays {word}.")


def test_what_the_microphone_heard_is_in_the_recording(browser, sandbox):
    ada, _ = enter(browser, sandbox, "Ada", "host=key&recording=cloud")
    bo, _ = enter(browser, sandbox, "Bo")
    status = bo.get_by_role("status")
    expect(status).to_have_text("Nothing is being recorded.")
    bo.get_by_role("button", name="Mute").click()  # the same tone twice might cancel itself out
    ada.get_by_role("button", name="Start recording").click()
    expect(status).to_have_text("This meeting is being recorded.")
    expect(bo.get_by_text("Your microphone is recorded.")).to_be_visible()
    [recording] = room_of(sandbox).recordings
    wait_until(lambda: len(recording.audio) == 2 and recording.seconds > 2.5)
    ada.get_by_role("button", name="Stop recording").click()
    expect(status).to_have_text("Nothing is being recorded.")
    assert finished(recording).state == "ready"
    samples = sound_of(recording)
    assert len(samples) / 48000 == pytest.approx(recording.seconds, abs=0.3)
    # It is the tone that the browser's microphone was given, and not more, up to the end.
    end = recording.seconds - 0.2
    assert level(samples, STEADY, end - 0.5, end) == pytest.approx(8000, rel=0.1)
    assert loudness(samples, end - 0.5, end) == pytest.approx(8000 / math.sqrt(2), rel=0.1)


def test_a_recording_begins_by_itself_and_ends_with_the_last(browser, sandbox):
    ada, _ = enter(browser, sandbox, "Ada", "recording=cloud&trigger=automatic-2nd-participant")
    expect(ada.get_by_role("status")).to_have_text("Nothing is being recorded.")
    bo, _ = enter(browser, sandbox, "Bo")
    expect(ada.get_by_role("status")).to_have_text("This meeting is being recorded.")
    [recording] = room_of(sandbox).recordings
    wait_until(lambda: len(recording.audio) == 2)
    for page in (ada, bo):
        page.get_by_role("button", name="Leave").click()
        expect(page.get_by_role("heading", name="You have left the meeting.")).to_be_visible()
    assert finished(recording).state == "ready"
    # Nobody was waited for: the last pieces came before the leaving.
    assert (recording.ready_at - recording.stopped_at).total_seconds() < 4
    assert loudness(sound_of(recording), 0, recording.seconds) > 1000


def test_who_may_record_is_asked_to_where_it_does_not_begin_by_itself(browser, sandbox):
    page, _ = enter(browser, sandbox, "Ada", "recording=cloud&trigger=prompt")
    expect(page.get_by_role("status")).to_have_text("Please start the recording: it does not begin by itself.")
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("status")).to_have_text("This meeting is being recorded.")


@pytest.mark.parametrize(("names", "heard_lines"), [(["Ada"], [2]), (["Ada", "Ben"], [1, 2, 3])], ids=str)
def test_without_a_microphone_each_speaks_a_part_of_one_conversation(deaf_browser, sandbox, names, heard_lines):
    trigger = "automatic" if len(names) == 1 else "automatic-2nd-participant"
    entered = [enter(deaf_browser, sandbox, name, f"recording=cloud&trigger={trigger}") for name in names]
    for page, _ in entered:
        expect(page.get_by_text("a conversation is played in its place")).to_be_visible()
    [recording] = room_of(sandbox).recordings
    wait_until(lambda: recording.audio and recording.seconds > 16)
    for page, problems in entered:
        page.get_by_role("button", name="Leave").click()
        assert problems == []
    finished(recording)
    samples = sound_of(recording)
    middles = [(line["start"] + line["end"]) / 2 for line in json.loads(LINES.read_text())["lines"]]
    # Not the first line, which is over before a slow machine listens.
    assert [
        line for line in (1, 2, 3) if loudness(samples, middles[line] - 0.5, middles[line] + 0.5) > 300
    ] == heard_lines


def test_muted_people_are_not_heard(browser, sandbox):
    page, _ = enter(browser, sandbox, "Ada", "recording=cloud&trigger=automatic")
    mute = page.get_by_role("button", name="Mute")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    [recording] = room_of(sandbox).recordings
    wait_until(lambda: recording.audio)
    muted_at = recording.seconds
    wait_until(lambda: recording.seconds > muted_at + 2)
    mute.click()
    wait_until(lambda: recording.seconds > muted_at + 3.5)
    page.get_by_role("button", name="Leave").click()
    finished(recording)
    samples = sound_of(recording)
    assert loudness(samples, muted_at + 0.8, muted_at + 1.6) < 100
    assert loudness(samples, muted_at + 2.8, muted_at + 3.2) > 3000


def test_whoever_closes_the_tab_has_left_at_once(browser, sandbox):
    ada, _ = enter(browser, sandbox, "Ada")
    bo, _ = enter(browser, sandbox, "Bo")
    bo.close()
    began = time.monotonic()
    sees(ada, "Ada")
    assert time.monotonic() - began < CONNECTION_TIMEOUT_SECONDS - 1


def test_a_tab_that_vanishes_is_gone_after_a_while(browser, sandbox):
    ada, _ = enter(browser, sandbox, "Ada", "recording=cloud&trigger=automatic")
    bo, _ = enter(browser, sandbox, "Bo")
    bo.context.set_offline(True)
    sees(ada, "Ada")
    bo.context.set_offline(False)
    expect(bo.get_by_role("heading", name="The connection was lost.")).to_be_visible()
    bo.get_by_role("button", name="Join again").click()
    join(bo)
    sees(ada, "Ada", "Bo")


def test_a_meeting_that_ends_sends_everybody_out(browser, sandbox):
    pages = [enter(browser, sandbox, name)[0] for name in ("Ada", "Bo")]
    sandbox.world.close(room_of(sandbox))
    for page in pages:
        expect(page.get_by_role("heading", name="The meeting has ended.")).to_be_focused()
        expect(page.get_by_role("button", name="Join again")).to_be_hidden()
    page, _ = open_tab(browser, sandbox, "Cy")
    expect(page.get_by_role("heading", name="This meeting has ended.")).to_be_visible()
    expect(page.get_by_role("button", name="Join", exact=True)).to_be_hidden()


def test_hosts_let_people_in_who_knock(browser, sandbox):
    make_room(sandbox, is_locked=True)
    ada, _ = enter(browser, sandbox, "Ada", "host=key")
    waiting = {}
    for name in ("Bo", "Cy"):
        waiting[name], _ = open_tab(browser, sandbox, name)
        join(waiting[name])
        expect(waiting[name].get_by_role("heading", name="Waiting to be let in")).to_be_focused()
        expect(ada.get_by_role("list", name="Waiting to be let in")).to_contain_text(name)
    assert [person.name for person in room_of(sandbox).people] == ["Ada"]
    ada.get_by_role("button", name="Refuse: Cy").focus()
    ada.get_by_role("button", name="Let in: Bo").dispatch_event("click")
    sees(waiting["Bo"], "Ada", "Bo")
    expect(ada.get_by_role("button", name="Refuse: Cy")).to_be_focused()
    ada.keyboard.press("Enter")
    expect(waiting["Cy"].get_by_role("heading", name="The host did not let you in.")).to_be_visible()
    expect(ada.get_by_role("heading", name="standup")).to_be_focused()


def test_whoever_waits_may_give_up(browser, sandbox):
    make_room(sandbox, is_locked=True)
    ada, _ = enter(browser, sandbox, "Ada", "host=key")
    bo, _ = open_tab(browser, sandbox, "Bo")
    join(bo)
    expect(ada.get_by_role("button", name="Let in: Bo")).to_be_visible()
    bo.get_by_role("button", name="Give up").click()
    expect(ada.get_by_role("button", name="Let in: Bo")).to_be_hidden()


def test_a_refusal_is_told(browser, sandbox):
    page, _ = open_page(browser, f"{sandbox.url}/daily/nowhere")
    expect(page.get_by_text("does not exist")).to_be_visible()
    expect(page.get_by_label("Your name")).to_be_hidden()
    make_room(sandbox, capacity=1)
    enter(browser, sandbox, "Ada")
    bo, _ = open_tab(browser, sandbox, "Bo")
    join(bo)
    expect(bo.get_by_role("alert")).to_have_text("The room is full.")
