"""From a new room to a transcript on the screen, as people do it, on every platform, by the real processes."""

import pytest

from platforms.handler import get_available_platforms
from tests.browser.people import Visitor
from tests.support.live import wait_until

pytestmark = pytest.mark.browser

PLATFORMS = get_available_platforms()
WRITTEN_DOWN = {"done", "deleted"}  # the second when what somebody refused is deleted already
DELETED = "The audio was deleted, because somebody in the meeting refused"
FATES = {"jaas": "The audio could not be deleted everywhere, and cannot be heard here any more, because somebody"}


def make_room(product, name, platform):
    """By the API with its own trigger, as a program does; that staff choose platforms is test_rollout_story's."""
    product.api("POST", "/v1/rooms", json={"name": name, "platform": platform, "recording_type": "cloud"})


def live_meeting(product, room):
    [meeting] = product.api("GET", f"/v1/rooms/{room}/meetings/active")
    return meeting


def in_it(product, room, count):
    wait_until(lambda: live_meeting(product, room)["num_clients"] == count, seconds=45, every=0.3)


def recordings_of(product, meeting):
    return product.api("GET", f"/v1/recordings?meeting_id={meeting['id']}")["items"]


def fate_of_audio(visitor, transcript):
    visitor.go(f"/transcripts/{transcript}")
    fate = visitor.page.locator("#audio-fate")
    return fate.inner_text() if fate.count() else ""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_meeting_from_its_room_to_its_transcript(browser, product, platform):
    room = f"journey-{platform}"
    owner, guest = Visitor(browser, product), Visitor(browser, product)
    owner.sign_in()
    make_room(product, room, platform)

    owner.enter(room)
    owner.answer_consent(agrees=True)
    owner.join_call("admin")
    guest.enter(room, name="Bo")
    guest.answer_consent(agrees=False)
    guest.join_call("Bo")
    owner.call.locator("#people").get_by_text("Bo").wait_for()
    guest.call.locator("#people").get_by_text("admin").wait_for()
    in_it(product, room, 2)
    meeting = live_meeting(product, room)
    assert meeting["platform"] == platform
    staff = Visitor(browser, product)
    staff.sign_in()
    staff.go(f"/admin/meetings/meeting/?q={room}")
    assert staff.page.locator("#result_list .field-num_clients").all_inner_texts() == ["2"]
    staff.go(f"/admin/meetings/meeting/{meeting['id']}/change/")
    assert {"Bo", "admin"} <= set(staff.page.locator("#sessions-group .field-user_name").all_inner_texts())
    for person in (owner, guest):
        person.page.locator("#recording").get_by_text("Recording").wait_for()
    guest.page.wait_for_timeout(4000)  # what they say

    guest.leave()
    in_it(product, room, 1)
    owner.leave()
    in_it(product, room, 0)
    [recording] = wait_until(lambda: recordings_of(product, meeting), seconds=60, every=0.5)
    wait_until(lambda: recordings_of(product, meeting)[0]["state"] in WRITTEN_DOWN, seconds=90, every=0.5)
    transcript = recordings_of(product, meeting)[0]["transcript_id"]

    owner.go(f"/transcripts/{transcript}")
    owner.page.get_by_text("Sandbox transcript").first.wait_for()
    fate = FATES.get(platform, DELETED)  # of a copy that no call deletes, that it is left
    wait_until(lambda: fate in fate_of_audio(owner, transcript), seconds=60, every=0.5)
    assert product.api("GET", f"/v1/transcripts/{transcript}")["audio_deleted"] is (fate == DELETED)
    owner.go("/search?q=sandbox")
    owner.page.locator(f"a[href*='{transcript}']").first.wait_for()
    assert recording["platform"] == platform
    for work in ("kind=platforms.webhookevent&state=waiting", "kind=recordings.erasure&state=failed"):
        staff.go(f"/admin/background-work/?{work}")
        staff.page.get_by_text("There is no such work.").wait_for()  # for which staff would be called
    assert [*owner.problems, *guest.problems] == []
