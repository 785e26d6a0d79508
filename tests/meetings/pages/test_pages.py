"""The room's page over HTTP: what it shows to whom, and what it lets in."""

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import end_meeting, open_meeting
from platforms import abilities
from platforms.backends.whereby import WherebyClient
from platforms.handler import register_platform, unregister_platform
from tests.conftest import api_for, error
from tests.support.meeting_page import ScriptedClient, scripted_platform
from tests.support.meeting_reports import make_meeting

pytestmark = pytest.mark.django_db
HERE = "https://meet.example.com"


@pytest.fixture
def platform():
    register_platform("scripted", type("Scripted", (ScriptedClient,), {"base": HERE}))
    yield
    unregister_platform("scripted")


@pytest.fixture
def room(room, platform):
    room.platform = "scripted"
    room.save()
    return room


def browser_of(user=None):
    client = Client()
    if user:
        client.force_login(user)
    return client


def get(path="/standup", user=None):
    return browser_of(user).get(path)


def facts(answer):
    return json.loads(
        re.search(r'<script id="facts" type="application/json">(.*?)</script>', answer.content.decode())[1]
    )


def live(room, **fields):
    now = timezone.now()
    snapshot = {name: getattr(room, name) for name in ("recording_type", "recording_trigger", "platform")}
    return make_meeting(room, **{"start_date": now, "end_date": now + timedelta(hours=1), **snapshot, **fields})


def sources(answer, header="Content-Security-Policy"):
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in answer[header].split(";"))}


# Which meeting


def test_an_empty_room_is_opened_by_the_page_itself(room, owner):
    for user in (None, owner):
        answer = get(user=user)
        assert (answer.status_code, facts(answer)) == (200, {"state": "opening", "room": "standup"})
        assert "Opening the meeting" in answer.content.decode()
    assert not Meeting.objects.exists()


def test_the_one_live_meeting_is_joined(room, owner):
    meeting = open_meeting(room)
    guest, host = get(), get(user=owner)
    assert (facts(guest)["state"], facts(guest)["meeting"], facts(guest)["name"]) == ("name", str(meeting.pk), "")
    assert (facts(host)["state"], facts(host)["name"]) == ("joining", "owner")


def test_several_are_a_choice(room):
    first, second = open_meeting(room), open_meeting(room, allow_duplicated=True)
    Meeting.objects.filter(pk=second.pk).update(num_clients=2, calendar_event_id="event-1")
    page = get().content.decode()
    assert page.index(f"/standup/{first.pk}") < page.index(f"/standup/{second.pk}")
    assert re.search(r"2\s+people in it, on Scripted", page)
    assert "From the calendar" in page


def test_what_the_owner_changed_counts_at_once_but_people_are_not_left_alone(room):
    meeting = open_meeting(room)
    room.is_locked = True
    room.save()
    assert facts(get())["state"] == "opening"
    Meeting.objects.filter(pk=meeting.pk).update(num_clients=1)
    assert facts(get())["meeting"] == str(meeting.pk)


def test_a_meeting_on_the_former_platform_does_not_hold_a_room_that_moved(room):
    meeting = open_meeting(room)
    room.platform = "mock"
    room.save()
    assert facts(get())["state"] == "opening"
    assert facts(get(f"/standup/{meeting.pk}"))["meeting"] == str(meeting.pk)


def test_where_nothing_can_be_opened_what_is_there_is_joined(room, settings):
    settings.VIDEO_PLATFORM_FAILOVER = []
    meeting = live(room, platform="whereby")
    room.platform = "whereby"  # which has no key
    room.save()
    assert facts(get())["meeting"] == str(meeting.pk)


def test_meetings_that_are_over_are_not_offered(room):
    past = timezone.now() - timedelta(minutes=1)
    live(room, end_date=past)
    live(room, state=Meeting.State.ENDED)
    assert facts(get())["state"] == "opening"
    still = live(room, end_date=past, num_clients=1)
    assert facts(get())["meeting"] == str(still.pk)


def test_a_meetings_own_address_leads_to_it_and_says_when_it_has_ended(room):
    meeting, other = open_meeting(room), open_meeting(room, allow_duplicated=True)
    assert facts(get(f"/standup/{meeting.pk}"))["meeting"] == str(meeting.pk)
    assert facts(get(f"/standup/{other.pk}"))["meeting"] == str(other.pk)
    end_meeting(meeting)
    answer = get(f"/standup/{meeting.pk}")
    assert (answer.status_code, facts(answer)["state"]) == (200, "ended")
    assert 'href="/standup"' in answer.content.decode()


# What is not there


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/", "/NOWHERE", f"/nowhere/{uuid.uuid4()}"])
def test_an_unknown_room_is_said_in_words(room, path):
    answer = get(path)
    assert answer.status_code == 404
    assert "There is no room" in answer.content.decode()


def test_an_unknown_meeting_or_one_of_another_room_leads_to_the_room(room, owner):
    elsewhere = make_meeting(None)
    for meeting_id in (uuid.uuid4(), elsewhere.pk):
        answer = get(f"/standup/{meeting_id}")
        assert answer.status_code == 404
        assert 'href="/standup"' in answer.content.decode()


def test_a_slash_at_the_end_does_no_harm(room):
    assert get("/standup/").status_code == 200
    assert get(f"/standup/{open_meeting(room).pk}/").status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", f"/v1/{uuid.uuid4()}"])
def test_the_api_keeps_its_own_not_found(path):
    assert get(path).json() == error("Not Found")


def test_a_page_can_only_be_read(room):
    meeting = open_meeting(room)
    for path in ("/standup", f"/standup/{meeting.pk}"):
        for method in ("post", "put", "patch", "delete", "options"):
            assert getattr(browser_of(), method)(path).status_code == 405
        assert browser_of().head(path).status_code == 200


# Who sees what


def test_only_those_who_manage_the_room_can_end_and_record(room, owner, staff, colleague, settings):
    open_meeting(room)
    for user, may in ((owner, True), (staff, True), (colleague, False), (None, False)):
        assert ("End for everyone" in get(user=user).content.decode()) is may


def test_start_recording_is_offered_where_a_call_does_it(room, owner, settings):
    with scripted_platform("starting", abilities.RecordingStart):
        room.platform = "starting"
        room.save()
        open_meeting(room)
        assert "Start recording" in get(user=owner).content.decode()
        assert "Start recording" not in get().content.decode()
        Meeting.objects.update(recording_type="local")
        assert "Start recording" not in get(user=owner).content.decode()


@pytest.mark.parametrize(
    ("recording", "skip_consent", "asks"),
    [("cloud", False, True), ("cloud", True, False), ("local", False, False), ("none", False, False)],
)
def test_consent_is_asked_for_where_it_matters(room, recording, skip_consent, asks):
    room.recording_type, room.skip_consent = recording, skip_consent
    room.save()
    open_meeting(room)
    answer = get()
    assert facts(answer)["asksConsent"] is asks
    assert ('<dialog id="consent"' in answer.content.decode()) is asks


def test_where_the_platform_cannot_record_nobody_is_asked_for_consent(room):
    room.platform, room.recording_type = "deaf", "cloud"
    room.save()
    with scripted_platform("deaf", recording_types=frozenset({"none", "local"})):
        open_meeting(room)
        answer = get()
    assert facts(answer)["asksConsent"] is False
    assert '<dialog id="consent"' not in answer.content.decode()


def test_nothing_that_lets_somebody_in_is_in_the_page_or_the_log(room, owner, caplog):
    meeting = open_meeting(room)
    for user in (None, owner):
        for path in ("/standup", f"/standup/{meeting.pk}"):
            page = get(path, user).content.decode()
            assert meeting.room_url not in page
            assert "host-key" not in page
    assert "host-key" not in caplog.text


def test_a_name_is_text_in_the_page_and_in_its_facts(room, owner):
    owner.first_name = '</script><img src=x onerror="1">'
    owner.save()
    open_meeting(room)
    answer = get(user=owner)
    assert "<img src=x" not in answer.content.decode()
    assert facts(answer)["name"] == '</script><img src=x onerror="1">'


def test_a_simulated_platform_is_said_to_be_one(room):
    meeting = open_meeting(room)
    assert "sandbox" not in get().content.decode().lower()
    with scripted_platform("played", is_simulated=True):
        Meeting.objects.filter(pk=meeting.pk).update(platform="played")
        page = get(f"/standup/{meeting.pk}").content.decode()
    assert "only simulated on this machine" in page


# Headers


def test_the_page_lets_in_the_meetings_origin_and_nothing_else(room):
    open_meeting(room)
    answer = get()
    policy = sources(answer)
    assert policy["frame-src"] == HERE
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {settings.PUBLIC_URL.replace('http', 'ws')}"
    assert policy["frame-ancestors"] == "'none'"
    assert answer["X-Frame-Options"] == "DENY"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "*" not in answer["Content-Security-Policy"]
    assert answer["Permissions-Policy"] == ", ".join(
        f'{feature}=(self "{HERE}")' for feature in ("microphone", "camera", "display-capture", "fullscreen")
    )
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "no-store" in answer["Cache-Control"]


def test_without_a_meeting_nothing_is_framed(room):
    answer = get()
    assert "frame-src" not in sources(answer)
    assert "Permissions-Policy" not in answer


def test_where_a_frame_is_impossible_none_is_let_in(room):
    with scripted_platform("outside", supports_embedding=False):
        room.platform = "outside"
        room.save()
        open_meeting(room)
        answer = get()
    assert facts(answer)["isFramed"] is False
    assert "frame-src" not in sources(answer)
    assert answer["Permissions-Policy"].startswith("microphone=(), ")
    assert re.search(r'<a [^>]*id="link-out" target="_blank" rel="noopener noreferrer"', answer.content.decode())


def test_the_style_of_a_platforms_own_code_is_let_in_by_its_hash(room):
    live(room, platform="whereby", room_url="https://team.whereby.com/standup")
    answer = get(f"/standup/{Meeting.objects.get().pk}")
    # Without its key the platform cannot be asked what it needs: what is framed is let in all the same.
    assert sources(answer)["frame-src"] == "https://team.whereby.com"
    assert WherebyClient.embed_style_hashes[0] not in answer["Content-Security-Policy"]


def test_it_is_when_the_platform_is_configured(room, settings):
    options = {"api_key": "key", "webhook_secrets": []}
    settings.VIDEO_PLATFORMS = {"whereby": {"BACKEND": "platforms.backends.whereby.WherebyClient", "OPTIONS": options}}
    meeting = live(room, platform="whereby", room_url="https://team.whereby.com/standup")
    policy = sources(get(f"/standup/{meeting.pk}"))
    assert policy["style-src"] == f"'self' '{WherebyClient.embed_style_hashes[0]}'"


# Each platform's part, by convention


@pytest.mark.parametrize(
    ("platform", "module", "sdk"),
    [
        ("whereby", "platforms/whereby.js", "platforms/vendor/whereby/v3-embed.js"),
        ("daily", "platforms/daily.js", "platforms/vendor/daily/daily.js"),
        ("mock", "platforms/mock.js", None),
        ("scripted", "meetings/frame.js", None),
    ],
)
def test_a_platform_without_a_part_of_its_own_has_a_plain_frame(room, platform, module, sdk):
    meeting = live(room, platform=platform)
    answer = get(f"/standup/{meeting.pk}")
    assert facts(answer)["module"] == f"/static/{module}"
    scripts = re.findall(r'<script [^>]*src="/static/([^"]+)"', answer.content.decode())
    assert [script for script in scripts if "vendor" in script] == ([sdk] if sdk else [])
    assert finders.find(module)


def test_another_alias_of_a_platform_has_its_part(room, settings):
    backend = {"BACKEND": "platforms.backends.daily.DailyClient", "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "second": backend}
    meeting = live(room, platform="second")
    assert facts(get(f"/standup/{meeting.pk}"))["module"] == "/static/platforms/daily.js"


def test_a_meeting_whose_platform_is_no_longer_there_still_has_a_page(room):
    meeting = live(room, platform="removed")
    assert get(f"/standup/{meeting.pk}").status_code == 200


def test_the_page_weighs_less_than_50_kilobytes_beside_the_sdk(room, owner):
    """HTML, CSS and JavaScript, as they are, without compression."""
    open_meeting(room)
    page = get(user=owner).content.decode()
    linked = set(re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg))"', page))
    wanted, seen = {name for name in linked if "vendor" not in name} | {"platforms/daily.js"}, set()
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        wanted |= {normpath(join(dirname(name), other)) for other in re.findall(r'from "(\.[^"]+)"', read(name))}
    assert {"site.css", "site.js", "meetings/room.js", "meetings/consent.js", "meetings/states.js"} <= seen
    total = len(page.encode()) + sum(len(read(name).encode()) for name in seen)
    assert total < 50_000


def read(name):
    return Path(finders.find(name)).read_text()


def test_where_nobody_can_meet_the_page_says_so(client, room, owner):
    """The mock without the sandbox: its meetings open, and a link leads to what is the matter."""
    room.platform = "mock"
    room.save()
    meeting = api_for(owner).post(f"/v1/rooms/{room.name}/meeting", {}).json()
    page = client.get(f"/{room.name}").content.decode()
    assert '"isFramed": false' in page
    there = client.get(urlsplit(meeting["room_url"]).path)
    assert (there.status_code, "Nobody can meet here" in there.content.decode()) == (404, True)


# What is said of recording, and where it leads


@pytest.mark.parametrize(
    ("trigger", "offered", "words"),
    [
        ("automatic", {"automatic"}, "Recording starts when somebody is in the meeting."),
        ("automatic-2nd-participant", {"automatic-2nd-participant"}, "Recording starts when a second person joins."),
        ("automatic-2nd-participant", {"automatic"}, "Recording starts when somebody is in the meeting."),
        ("prompt", {"prompt"}, "It is recorded once a host starts that."),
        ("none", {"none"}, "It is recorded once a host starts that."),
    ],
)
def test_when_recording_starts_is_said_as_the_platform_does_it(room, trigger, offered, words):
    room.platform, room.recording_trigger = "planned", trigger
    room.save()
    with scripted_platform("planned", recording_triggers=frozenset(offered)):
        open_meeting(room)
        answer = get()
    assert facts(answer)["recordingPlan"] == words
    assert words in answer.content.decode()


@pytest.mark.parametrize("trigger", ["automatic", "automatic-2nd-participant"])
def test_where_only_hosts_record_their_coming_is_said_to_begin_it(room, trigger):
    room.platform, room.recording_trigger = "hosted", trigger
    room.save()
    with scripted_platform("hosted", recording_triggers=frozenset({"automatic"}), only_hosts_record=True):
        open_meeting(room)
        assert facts(get())["recordingPlan"] == "Recording starts when a host is in the meeting."


def test_nothing_is_announced_where_nothing_is_recorded(room):
    room.recording_type = "none"
    room.save()
    open_meeting(room)
    assert facts(get())["recordingPlan"] == ""
    assert "This meeting was not set to be recorded." in get().content.decode()


def test_only_who_may_change_the_room_is_led_to_its_pages(room, owner, staff, colleague):
    meeting = open_meeting(room)
    path = f"/rooms/standup/meetings/{meeting.pk}"
    for user, may in ((owner, True), (staff, True), (colleague, False), (None, False)):
        answer = get(user=user)
        assert (f'href="{path}"' in answer.content.decode()) is may
        assert facts(answer)["refusals"] == (f"{path}/refusals" if may else "")


def test_guests_are_led_to_no_list_that_asks_them_to_log_in(room, owner, settings):
    for path in ("/standup", "/nowhere"):
        assert 'class="button" href="/"' not in get(path).content.decode()
        assert "See all rooms" not in get(path).content.decode()
    assert "See all rooms" in get("/nowhere", owner).content.decode()
    settings.PUBLIC_MODE = True
    assert 'href="/">All rooms</a>' in get("/standup").content.decode()
