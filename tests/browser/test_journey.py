"""From a new room to a transcript on the screen, as people do it, on every platform, by the real processes."""

import pytest

from tests.browser.people import Visitor
from tests.live import wait_until

pytestmark = pytest.mark.browser

# How each platform is chosen in Admin, and when it begins to record by itself.
PLATFORMS = {
    "mock": ("Mock", "automatic-2nd-participant"),
    "whereby": ("Whereby (sandbox)", "automatic-2nd-participant"),
    "daily": ("Daily (sandbox)", "automatic"),
}


def make_room(owner, name, platform):
    """In Admin, as staff do; its platform is chosen in the list afterwards."""
    label, trigger = PLATFORMS[platform]
    owner.go("/admin/rooms/room/add/")
    owner.page.locator("[name=name]").fill(name)
    owner.page.locator("[name=recording_type]").select_option("cloud")
    owner.page.locator("[name=recording_trigger]").select_option(trigger)
    owner.page.locator("[name=_save]").click()
    owner.go(f"/admin/rooms/room/?q={name}")
    owner.page.locator("select[name$=platform]").select_option(label=label)
    owner.page.locator("[name=_save]").click()
    owner.page.get_by_text("was changed successfully").wait_for()


def live_meeting(product, room):
    [meeting] = product.api("GET", f"/v1/rooms/{room}/meetings/active")
    return meeting


def in_it(product, room, count):
    wait_until(lambda: live_meeting(product, room)["num_clients"] == count, seconds=45, every=0.3)


def recordings_of(product, meeting):
    return product.api("GET", f"/v1/recordings?meeting_id={meeting['id']}")["items"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_meeting_from_its_room_to_its_transcript(browser, product, platform):
    room = f"journey-{platform}"
    owner, guest = Visitor(browser, product), Visitor(browser, product)
    owner.sign_in()
    make_room(owner, room, platform)

    owner.enter(room)
    owner.answer_consent(agrees=True)
    owner.join_call("Ada")
    guest.enter(room, name="Bo")
    guest.answer_consent(agrees=False)
    guest.join_call("Bo")
    owner.call.locator("#people").get_by_text("Bo").wait_for()
    guest.call.locator("#people").get_by_text("Ada").wait_for()
    in_it(product, room, 2)
    meeting = live_meeting(product, room)
    assert meeting["platform"] == platform
    staff = Visitor(browser, product)
    staff.sign_in()
    staff.go(f"/admin/meetings/meeting/?q={room}")
    assert staff.page.locator("#result_list .field-num_clients").all_inner_texts() == ["2"]
    staff.go(f"/admin/meetings/meeting/{meeting['id']}/change/")
    assert sorted(staff.page.locator("#sessions-group .field-user_name").all_inner_texts())[:2] == ["Ada", "Bo"]
    for person in (owner, guest):
        person.page.locator("#recording").get_by_text("Recording").wait_for()
    guest.page.wait_for_timeout(4000)  # what they say

    guest.leave()
    in_it(product, room, 1)
    owner.leave()
    in_it(product, room, 0)
    [recording] = wait_until(lambda: recordings_of(product, meeting), seconds=60, every=0.5)
    wait_until(lambda: recordings_of(product, meeting)[0]["transcript_id"], seconds=90, every=0.5)
    transcript = recordings_of(product, meeting)[0]["transcript_id"]

    owner.go(f"/transcripts/{transcript}")
    owner.page.get_by_text("Sandbox transcript").first.wait_for()
    gone = f"/v1/transcripts/{transcript}"
    wait_until(lambda: product.api("GET", gone)["audio_deleted"], seconds=60, every=0.5)
    owner.go(f"/transcripts/{transcript}")
    owner.page.get_by_text("The audio was deleted, because somebody in the meeting refused").wait_for()
    owner.go("/search?q=sandbox")
    owner.page.locator(f"a[href*='{transcript}']").first.wait_for()
    assert recording["platform"] == platform
    assert [*owner.problems, *guest.problems] == []
