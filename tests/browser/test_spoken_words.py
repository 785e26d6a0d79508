"""What people say into their microphones is what the transcript says, as `make run` has it after `make speech`."""

import pytest

from tests.browser.chromium import chromium
from tests.browser.people import Visitor
from tests.browser.product import served_product
from tests.browser.spoken import SECONDS, sound_of, spoken_by, words_of
from tests.browser.test_journey import PLATFORMS, live_meeting, make_room, recordings_of
from tests.support.live import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.speech]


@pytest.fixture(scope="module")
def speakers(tmp_path_factory):
    """Ada's and Ben's browsers: each hears its own part of the conversation, over and over."""
    folder = tmp_path_factory.mktemp("sound")
    with chromium(sound=sound_of("ada", folder)) as ada, chromium(sound=sound_of("ben", folder)) as ben:
        yield {"Ada": ada, "Ben": ben}


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoken")
    with served_product(folder, RECORDING_PROCESSOR="", DAILY_RECORDING_MODE="raw-tracks") as product:
        product.call_admin("Ada")
        yield product


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_was_said_is_in_the_transcript(product, speakers, platform):
    """In one of two meetings: a machine that is busy loses sound while a browser plays and records it."""
    people = {name: Visitor(browser, product) for name, browser in speakers.items()}
    people["Ada"].sign_in()
    said = spoken_by("Ada", "Ben")
    for meeting in ("first", "second"):
        transcript = talk(product, f"{meeting}-{platform}", platform, people)
        people["Ada"].go(f"/transcripts/{transcript}")
        text = people["Ada"].page.locator("main").inner_text()
        if len(said & words_of(text)) >= 0.9 * len(said):
            break
    else:
        pytest.fail(text)
    if platform == "daily":  # a track for each, so that it is known who spoke
        lines = product.api("GET", f"/v1/transcripts/{transcript}?transcript_format=text-timestamped")["transcript"]
        for name in people:
            own = words_of(" ".join(line for line in lines.splitlines() if f"{name}:" in line))
            assert len(spoken_by(name) & own) >= 0.9 * len(spoken_by(name)), lines


def talk(product, room, platform, people):
    """The transcript of what the two say in a new room."""
    make_room(product, room, platform)
    people["Ada"].enter(room)
    people["Ben"].enter(room, name="Ben")
    for name, person in people.items():
        person.answer_consent(agrees=True)
        person.join_call(name)
    for person in people.values():
        person.page.locator("#recording").get_by_text("Recording").wait_for()
    people["Ada"].page.wait_for_timeout((2 * SECONDS + 3) * 1000)  # what they say, wherever it was begun
    meeting = live_meeting(product, room)
    for person in people.values():
        person.leave()
    wait_until(lambda: recordings_of(product, meeting), seconds=60, every=0.5)
    wait_until(lambda: recordings_of(product, meeting)[0]["state"] == "done", seconds=120, every=0.5)
    return recordings_of(product, meeting)[0]["transcript_id"]
