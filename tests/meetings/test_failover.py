"""A meeting opens on another platform while the room's own is away, and on its own again when that is back."""

import copy
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from meetings import scheduled
from meetings.models import Meeting
from meetings.opening import end_meeting, open_meeting
from platforms.exceptions import PlatformNotConfigured, PlatformRejected, PlatformUnavailable
from platforms.handler import create_platform_client
from platforms.health import states
from platforms.health.figures import counter
from platforms.http.breaker import bring_together
from platforms.models import PlatformFigures
from rooms.models import CalendarEvent, Rollout, Room
from tests.conftest import api_for, make_user
from tests.support.daily import DailyStub
from tests.support.live import wait_until
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import make_meeting, whereby_stub

pytestmark = pytest.mark.django_db

DOWN = Answer(503, {"error": "very-secret-key is down"})
INSTEAD = "Chosen for this room. Whereby could not open it just now. So it opens on Mock instead."


def configure(settings, name, **options):
    platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
    platforms[name]["OPTIONS"] |= options
    settings.VIDEO_PLATFORMS = platforms


@pytest.fixture
def whereby(settings):
    with whereby_stub() as stub:
        configure(settings, "whereby", api_url=stub.url, api_key="very-secret-key")
        settings.VIDEO_PLATFORM_FAILOVER = ["whereby", "mock"]
        yield stub


@pytest.fixture
def room(owner, whereby):
    """Of one that is well by default."""
    return Room.objects.create(
        name="standup", owner=owner, platform="whereby", recording_type="none", room_mode="group"
    )


def down(stub):
    stub.on("POST", "/meetings", DOWN)


def well(stub):
    stub.on("POST", "/meetings", make_meeting)


def live():
    return list(Meeting.objects.live().values_list("platform", "platform_reason"))


# What fails over, and what does not


@pytest.mark.parametrize("answer", [DOWN, Answer(429, headers={"Retry-After": "60"}), Answer(200, body=b"<html>")])
def test_while_it_is_unavailable_the_meeting_opens_on_the_next_and_says_so(whereby, room, owner, answer):
    whereby.on("POST", "/meetings", answer)
    shown = api_for(owner).post("/v1/rooms/standup/meeting", {}).json()
    assert (shown["platform"], shown["platform_reason"]) == ("mock", INSTEAD)
    assert live() == [("mock", INSTEAD)]
    failed = Meeting.objects.get(state="failed")
    assert (failed.platform, failed.platform_reason) == ("whereby", "Chosen for this room.")
    assert failed.error
    assert "very-secret-key" not in failed.error
    room.refresh_from_db()
    assert room.platform == "whereby"


def test_a_refusal_does_not_fail_over(whereby, room):
    whereby.on("POST", "/meetings", Answer(403, {"error": "no"}))
    with pytest.raises(PlatformRejected):
        open_meeting(room)
    assert live() == []
    assert len(whereby.requests) == 1


def test_a_room_that_never_goes_elsewhere_stays(whereby, room, owner):
    down(whereby)
    room.never_elsewhere = True
    room.save()
    answer = api_for(owner).post("/v1/rooms/standup/meeting", {})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert live() == []


def test_all_rooms_stay_where_the_rollout_does_not_allow_it(whereby, room):
    down(whereby)
    Rollout.objects.create(
        pk=Rollout.ONLY,
        decided_at=timezone.now(),
        default_platform="whereby",
        target_platform="daily",
        failover_order=["whereby", "mock"],
        failover_allowed=False,
    )
    with pytest.raises(PlatformUnavailable):
        open_meeting(room)
    assert live() == []


def test_where_no_other_can_open_it_who_asks_is_told_of_the_first(whereby, room, settings):
    settings.VIDEO_PLATFORM_FAILOVER = ["whereby", "daily"]
    down(whereby)
    with pytest.raises(PlatformUnavailable, match="Whereby answered 503"):
        open_meeting(room)
    assert Meeting.objects.filter(state="failed").count() == 1


def test_one_after_the_other_is_tried(whereby, room, settings):
    settings.VIDEO_PLATFORM_FAILOVER = ["whereby", "daily", "mock"]
    settings.DAILY_MIGRATION_ENABLED = True
    with DailyStub() as daily:
        configure(settings, "daily", api_url=daily.url, api_key="key")
        daily.on("POST", "/rooms", DOWN)
        down(whereby)
        meeting = open_meeting(room)
    assert meeting.platform == "mock"
    assert meeting.platform_reason == (
        "Chosen for this room. Whereby could not open it just now. Daily could not open it just now. "
        "So it opens on Mock instead."
    )
    assert sorted(Meeting.objects.filter(state="failed").values_list("platform", flat=True)) == ["daily", "whereby"]


def test_openings_are_counted_where_they_were_tried(whereby, room):
    counter.add_to_rows()
    PlatformFigures.objects.all().delete()
    down(whereby)
    open_meeting(room)
    counter.add_to_rows()
    counted = {row.platform: (row.opened, row.not_opened) for row in PlatformFigures.objects.all()}
    assert counted == {"whereby": (0, 1), "mock": (1, 0)}


def test_the_meeting_of_a_calendar_fails_over_as_well(whereby, room):
    down(whereby)
    room.ics_enabled = True
    room.save()
    soon = timezone.now() + timedelta(minutes=2)
    event = CalendarEvent.objects.create(room=room, ics_uid="1", start_time=soon, end_time=soon + timedelta(hours=1))
    meeting = scheduled.open_for(event.pk)
    meeting.refresh_from_db()
    assert (meeting.platform, meeting.state, meeting.platform_reason) == ("mock", "live", INSTEAD)
    assert (meeting.start_date, meeting.end_date) == (event.start_time, event.end_time)
    assert meeting.calendar_event_id == str(event.pk)
    assert open_meeting(room) == meeting


# What is away, and what comes back


def test_the_meeting_elsewhere_is_joined_also_when_the_platform_is_back_and_the_next_opens_there(whereby, room):
    down(whereby)
    elsewhere = open_meeting(room)
    assert open_meeting(room) == elsewhere
    well(whereby)
    assert open_meeting(room) == elsewhere
    end_meeting(elsewhere)
    assert open_meeting(room).platform == "whereby"


def test_a_meeting_that_runs_on_the_platform_goes_on_there_while_it_is_away(whereby, room, staff):
    first = open_meeting(room)
    states.cordon("whereby", by=staff)
    assert open_meeting(room) == first
    other = Room.objects.create(name="other", owner=staff, platform="whereby", recording_type="none", room_mode="group")
    meeting = open_meeting(other)
    assert meeting.platform == "mock"
    assert meeting.platform_reason == (
        "Chosen for this room. Whereby is cordoned by staff. So it opens on Mock instead."
    )
    states.uncordon("whereby")
    assert open_meeting(other) == meeting
    end_meeting(meeting)
    assert open_meeting(other).platform == "whereby"


def test_nothing_opens_where_all_that_is_left_is_cordoned(whereby, room):
    room.never_elsewhere = True
    states.cordon("whereby", reason="It is slow")
    with pytest.raises(PlatformNotConfigured, match="Whereby is cordoned: It is slow"):
        open_meeting(room)


def test_who_moves_the_room_to_where_its_meeting_had_to_go_finds_it_there(whereby, room):
    """As when staff take a rollout back while its target fails: nobody is parted from those who meet already."""
    down(whereby)
    elsewhere = open_meeting(room)
    room.platform = "mock"
    room.save()
    assert open_meeting(room) == elsewhere
    room.platform = "whereby"
    assert open_meeting(room) == elsewhere


def test_a_platform_that_is_known_to_be_down_is_not_asked(whereby, room):
    down(whereby)
    for _ in range(5):
        end_meeting(open_meeting(room))
    breaker = create_platform_client("whereby").api.breaker
    wait_until(lambda: bring_together(breaker) or states.away()[1])
    asked = len(whereby.requests)
    meeting = open_meeting(room)
    assert meeting.platform_reason == (
        "Chosen for this room. Whereby does not answer at present. So it opens on Mock instead."
    )
    assert len(whereby.requests) == asked


# Within the time of one request


def test_a_platform_that_hangs_leaves_time_for_the_next(whereby, room, settings):
    settings.PROVIDER_TOTAL_TIMEOUT = 4
    whereby.on("POST", "/meetings", Answer(201, {}, delay=15))
    began = time.monotonic()
    assert open_meeting(room).platform == "mock"
    assert time.monotonic() - began < 8  # with what a busy machine adds; the one that hangs would take 15


def test_two_that_hang_take_no_more_than_the_time_of_one_request(whereby, room, settings):
    settings.PROVIDER_TOTAL_TIMEOUT = 4
    settings.VIDEO_PLATFORM_FAILOVER = ["daily"]
    settings.DAILY_MIGRATION_ENABLED = True
    with DailyStub() as daily:
        configure(settings, "daily", api_url=daily.url, api_key="key")
        whereby.on("POST", "/meetings", Answer(201, {}, delay=20))
        daily.on("POST", "/rooms", Answer(200, {}, delay=20))
        began = time.monotonic()
        with pytest.raises(PlatformUnavailable):
            open_meeting(room)
        assert time.monotonic() - began < 15
        assert daily.sent("POST", "/rooms")


def test_what_has_no_other_to_stand_in_for_it_has_all_the_time(whereby, room, settings):
    settings.PROVIDER_TOTAL_TIMEOUT = 20
    room.never_elsewhere = True
    whereby.on("POST", "/meetings", lambda request: copy_of(make_meeting(request), delay=1.0))
    assert open_meeting(room).platform == "whereby"


def copy_of(answer, delay):
    return Answer(answer.status, answer.json, delay=delay)


# Several at once


def open_in_thread(room):
    try:
        return open_meeting(Room.objects.get(pk=room.pk)).pk
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_all_who_come_at_once_meet_in_one_place_also_if_it_is_back_in_the_middle(whereby, room, settings):
    """The first is refused for want of an answer; whoever asks next would have been served by the room's platform."""
    settings.MEETING_OPEN_WAIT = 60
    asked, answer = threading.Event(), threading.Event()

    def hang(request):
        asked.set()
        answer.wait(60)
        well(whereby)
        return DOWN

    whereby.on("POST", "/meetings", hang)
    with ThreadPoolExecutor(6) as people:
        first = people.submit(open_in_thread, room)
        assert asked.wait(60)
        others = [people.submit(open_in_thread, room) for _ in range(5)]
        wait_until(lambda: Meeting.objects.filter(state="opening").count() == 1)
        answer.set()
        found = {each.result(120) for each in (first, *others)}
    assert len(found) == 1
    assert Meeting.objects.live().count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_lost_its_place_while_it_waited_opens_nothing_elsewhere(whereby, room):
    """It took so long that another request took over, which has opened the room by now."""
    asked, answer = threading.Event(), threading.Event()

    def hang(request):
        asked.set()
        answer.wait(60)
        return DOWN

    whereby.on("POST", "/meetings", hang)
    with ThreadPoolExecutor(1) as people:
        slow = people.submit(open_in_thread, room)
        assert asked.wait(60)
        Meeting.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        well(whereby)
        quick = open_meeting(room)
        answer.set()
        assert slow.result(120) == quick.pk
    assert live() == [("whereby", "Chosen for this room.")]


# Where it is seen


def test_the_host_sees_on_the_rooms_page_and_in_the_list_why_it_is_elsewhere(whereby, room, owner, staff, client):
    down(whereby)
    meeting = open_meeting(room)
    room.is_shared = True
    room.save()
    assert meeting.is_elsewhere
    seen = {}
    for person in (owner, staff):
        client.force_login(person)
        seen[person] = [client.get(path).content.decode() for path in ("/", f"/standup/{meeting.pk}")]
    assert all(INSTEAD in page for page in seen[owner])
    assert [INSTEAD in page for page in seen[staff]] == [
        False,
        True,
    ]  # the list is of one's own rooms and of shared ones
    client.force_login(make_user("guest"))
    assert INSTEAD not in client.get(f"/standup/{meeting.pk}").content.decode()


def test_a_meeting_where_it_was_wanted_needs_no_word(whereby, room, owner, client):
    meeting = open_meeting(room)
    assert not meeting.is_elsewhere
    client.force_login(owner)
    assert "Chosen for this room" not in client.get(f"/standup/{meeting.pk}").content.decode()


@pytest.mark.parametrize("path", ["", "{pk}/change/"])
def test_admin_says_it_at_the_meeting(whereby, room, staff, client, path):
    down(whereby)
    meeting = open_meeting(room)
    client.force_login(staff)
    assert (
        "Whereby could not open it"
        in client.get(f"/admin/meetings/meeting/{path.format(pk=meeting.pk)}").content.decode()
    )


def test_the_list_says_when_it_opens_nowhere(whereby, room, owner, client):
    states.cordon("whereby", reason="It is slow")
    room.never_elsewhere = True
    room.save()
    client.force_login(owner)
    assert "No video platform can open this room. Whereby is cordoned: It is slow." in client.get("/").content.decode()
