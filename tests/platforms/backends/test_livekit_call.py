"""The call at LiveKit as the room's own page draws it, in a browser; its SDK is a stand-in, as there is no server.

What the real SDK says of a server that is none is tried as well.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from rooms.models import Room
from tests.browser.chromium import chromium
from tests.support.stub_provider import Answer, StubProvider
from tests.support.visits import EXPECTED, heading, visitors

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = Path(__file__).parents[2] / "browser" / "vendor" / "axe.min.js"
# As much of LiveKit's SDK as a call needs. `room.tell` is what its server would have it say.
SDK = """
const named = new Proxy({}, { get: (_, name) => name });
const picture = () => ({ kind: "video", attach: () => document.createElement("video"), detach: () => [] });
class Person {
  constructor(room, identity, name) {
    Object.assign(this, { room, identity, name, isSpeaking: false, tracks: new Map() });
  }
  getTrackPublication(source) { return this.tracks.get(source); }
  turn(source, isOn) {
    if (isOn) this.tracks.set(source, { isMuted: false, track: picture() });
    else this.tracks.delete(source);
    this.room.tell("LocalTrackPublished");
  }
  async setMicrophoneEnabled(isOn) { this.turn("microphone", isOn); }
  async setCameraEnabled(isOn) {
    if (window.withoutCamera) throw new DOMException("", "NotFoundError");
    this.turn("camera", isOn);
  }
  async setScreenShareEnabled(isOn) { this.turn("screen_share", isOn); }
}
class Room {
  constructor() {
    window.room = this;
    this.heard = [];
    this.remoteParticipants = new Map();
    this.canPlaybackAudio = true;
    this.isRecording = false;
    this.localParticipant = new Person(this, "me", "Zoë");
  }
  on(event, tell) { this.heard.push([event, tell]); return this; }
  tell(event, ...facts) { for (const [known, tell] of this.heard) if (known === event) tell(...facts); }
  come(identity, name) {
    const person = new Person(this, identity, name);
    this.remoteParticipants.set(identity, person);
    this.tell("ParticipantConnected", person);
  }
  async connect(server, token) { window.connected = { server, token }; }
  async disconnect() { this.tell("Disconnected", 1); }
  async startAudio() { this.canPlaybackAudio = true; this.tell("AudioPlaybackStatusChanged"); }
}
const DisconnectReason = { 1: "CLIENT_INITIATED", 4: "PARTICIPANT_REMOVED", 5: "ROOM_DELETED" };
window.LivekitClient = { Room, RoomEvent: named, DisconnectReason, ConnectionErrorReason: { NotAllowed: 0 } };
"""


@pytest.fixture
def server(settings, owner):
    """It makes rooms, and is no server for media."""
    with StubProvider() as stub:
        stub.on("POST", "/twirp/*", Answer(json={"sid": "RM_1", "name": "standup-1", "rooms": [{"name": "standup-1"}]}))
        options = {"api_url": stub.url, "api_key": "APIacme", "api_secret": "s" * 43}
        livekit = {**settings.VIDEO_PLATFORMS["livekit"], "OPTIONS": options}
        settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "livekit": livekit}
        Room.objects.create(name="standup", owner=owner, platform="livekit", recording_type="none")
        yield stub


@pytest.fixture
def visit(server, live_server):
    with chromium() as browser, visitors(browser, live_server, (*EXPECTED, "WebSocket", "Access to fetch")) as visit:
        yield visit


def with_stand_in(page):
    page.route("**/livekit-client.umd*.js", lambda route: route.fulfill(body=SDK, content_type="text/javascript"))


def joined(visit, before=with_stand_in, **options):
    page = visit(before=before, **options)
    page.get_by_label("Your name").fill("Zoë")
    page.get_by_role("button", name="Join").click()
    return page


@pytest.fixture
def call(visit):
    page = joined(visit)
    expect(page.get_by_role("button", name="Camera", pressed=True)).to_be_visible(timeout=30_000)
    return page


def test_a_call_has_microphone_camera_screen_people_and_leaving(call, server):
    connected = call.evaluate("window.connected")
    assert connected["server"] == server.url.replace("http", "ws")
    assert connected["token"].count(".") == 2
    call.get_by_role("button", name="Microphone", pressed=True).click()
    expect(call.get_by_role("button", name="Microphone", pressed=False)).to_be_visible()
    call.get_by_role("button", name="Share screen").click()
    expect(call.get_by_text("Screen of Zoë (you)")).to_be_visible()
    call.evaluate("room.come('ada', 'Ada')")
    expect(call.get_by_role("status").get_by_text("Ada joined")).to_be_visible()
    call.get_by_role("button", name="People (2)").click()
    people = call.get_by_role("complementary").get_by_role("listitem")
    assert people.all_inner_texts() == ["Zoë (you) muted", "Ada muted"]
    call.get_by_role("button", name="Leave call").click()
    heading(call, "You left the meeting")


def test_who_has_no_camera_is_told_so_and_is_in_all_the_same(visit):
    def without_camera(page):
        with_stand_in(page)
        page.add_init_script("window.withoutCamera = true")

    page = joined(visit, without_camera)
    expect(page.get_by_text("Camera: there is none.")).to_be_visible()
    expect(page.get_by_role("button", name="Microphone", pressed=True)).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "shown"), [(4, "You were sent out of the meeting."), (5, "The meeting has ended"), (99, "broke off")]
)
def test_why_a_call_is_over_is_said(call, reason, shown):
    call.evaluate(f"room.tell('Disconnected', {reason})")
    expect(call.get_by_text(shown).first).to_be_visible()


def test_that_a_recording_goes_on_is_shown(call):
    call.evaluate("room.tell('RecordingStatusChanged', true)")
    expect(call.locator("#recording")).to_contain_text("Recording")


def test_sound_that_the_browser_holds_back_can_be_heard(call):
    call.evaluate("room.canPlaybackAudio = false; room.tell('AudioPlaybackStatusChanged')")
    call.get_by_role("button", name="Hear the others").click()
    expect(call.get_by_role("button", name="Hear the others")).to_be_hidden()


def test_a_call_fits_a_telephone_and_keeps_nobody_out(visit):
    page = joined(visit, viewport={"width": 360, "height": 740})
    expect(page.get_by_role("button", name="Camera", pressed=True)).to_be_visible(timeout=30_000)
    for number in range(5):
        page.evaluate(f"room.come('p{number}', 'Person of a name that is long {number}')")
    page.get_by_role("button", name="People (6)").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run('.lk-call')")["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []


def test_the_real_sdk_says_when_there_is_no_server_for_media(visit):
    """It is loaded under the page's policy, and asks the server that is named there."""
    page = joined(visit, before=None)
    expect(page.get_by_text("The meeting's server cannot be reached.").first).to_be_visible(timeout=30_000)
