"""What people do in the sandbox's meeting page."""

from platforms.sandbox.world.model import Rules
from tests.browser.chromium import open_page
from tests.support.live import wait_until
from tests.support.media import Sound, media

STEADY = 400  # hertz


def steady_sound(folder):
    """A WAV file for the browser's microphone."""
    path = folder / "steady.wav"
    path.write_bytes(media("wav", [Sound(0, 4.0, STEADY)]))
    return path


def room_of(sandbox, name="standup", platform="mock"):
    return sandbox.world.room(platform, name)


def make_room(sandbox, name="standup", **rules):
    """A room of the mock with rules that its address cannot say."""
    return sandbox.world.make_room("mock", name, Rules(**rules))


def open_tab(browser, sandbox, name, query="", room="standup", **options):
    return open_page(browser, f"{sandbox.url}/mock/{room}?name={name}&{query}", **options)


def join(page):
    page.get_by_role("button", name="Join", exact=True).click()


def enter(browser, sandbox, name, query="", **options):
    """A tab whose holder is in."""
    page, problems = open_tab(browser, sandbox, name, query, **options)
    join(page)
    page.get_by_role("button", name="Leave").wait_for()
    return page, problems


def people(page):
    return page.get_by_role("list", name="People").get_by_role("listitem").all_inner_texts()


def sees(page, *names):
    """Wait until just these people are listed."""
    wait_until(lambda: [text.split("\n")[0] for text in people(page)] == list(names), seconds=10)


def finished(recording):
    return wait_until(lambda: recording.state in {"ready", "failed"} and recording, seconds=15)
