"""A plan on the real database: it advances, waits, stops and says why, and two workers decide once."""

import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from meetings.models import Meeting
from platforms.health import notices, states
from platforms.models import StaffNotice, WebhookEvent
from recordings.models import Recording
from rooms.models import Change, Rollout, Room
from rooms.rollout import watching
from rooms.rollout.actions import pause, resume, roll_back
from rooms.rollout.decide import decide
from rooms.rollout.values import present
from rooms.selection import current_policy, select_platform
from rooms.tasks import watch_rollout

pytestmark = pytest.mark.django_db
TARGET, OTHER = "mock", "whereby"
OPENINGS = {
    name: {"on": False} for name in ("slow-openings", "late-recordings", "silent-webhooks", "silent-recordings")
}


def stages(*percentages, hours=0, meetings=0):
    return [{"percentage": each, "minimum_hours": hours, "minimum_meetings": meetings} for each in percentages]


@pytest.fixture
def rooms(owner):
    return [Room.objects.create(name=f"room-{number}", owner=owner) for number in range(60)]


@pytest.fixture
def plan(staff, settings):
    whereby = {**settings.VIDEO_PLATFORMS[OTHER], "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, OTHER: whereby}

    def begin(*percentages, hours=0, meetings=0, on_breach="pause", guards=OPENINGS):
        edits = {
            "switched_on": True,
            "target_platform": TARGET,
            "default_platform": OTHER,
            "stages": stages(*percentages, hours=hours, meetings=meetings),
            "on_breach": on_breach,
            "guards": guards,
        }
        decide(edits, staff)

    return begin


def opened(rooms, platform, number, *, failed=0, at=None, **values):
    """So many openings on a platform, of which some failed, each in a room of its own."""
    at = at or timezone.now()
    common = {"room_label": "room", "platform": platform, "start_date": at, "end_date": at + timedelta(hours=1)}
    Meeting.objects.bulk_create(
        Meeting(
            room=rooms[index % len(rooms)],
            slot=uuid.uuid4().hex,
            state="failed" if index < failed else "live",
            room_url="" if index < failed else "https://example.com/room",
            **{**common, **values},
        )
        for index in range(number)
    )


def test_without_a_plan_a_look_is_one_query(django_assert_num_queries, rooms):
    with django_assert_num_queries(1):
        watch_rollout()
    decide({"switched_on": True, "target_platform": TARGET, "percentage": 25})
    with django_assert_num_queries(1):
        watch_rollout()
    assert watching.standing() is None


def test_a_plan_goes_on_when_its_meetings_its_time_and_its_guards_say_so(plan, rooms):
    plan(5, 25, meetings=20)
    opened(rooms, TARGET, 19)
    opened(rooms, OTHER, 60)
    assert watching.look() is None
    assert watching.standing().sentence == (
        "Stage 1 of 2, 5 %: 19 of 20 meetings. Waits for 1 more meeting and enough to judge “Openings that fail” by."
    )
    opened(rooms, TARGET, 1)
    change = watching.look()
    assert (present().stage, present().percentage, change.via, change.by) == (1, 25, "the plan", None)
    assert re.fullmatch(r"Stage 1 of 2, 5 % took \d+ s and 20 meetings; its guards are fine\.", change.note)
    assert Rollout.history.first().history_change_reason == change.note
    assert watching.look() is None
    assert watching.standing().sentence.startswith("Stage 2 of 2, 25 %: 0 of 20 meetings.")


def test_a_stage_lasts_as_long_as_it_must(plan, rooms):
    plan(5, 25, hours=24)
    opened(rooms, TARGET, 30)
    opened(rooms, OTHER, 60)
    assert watching.look() is None
    assert "Waits for 23 h 59 min" in watching.standing().sentence
    Rollout.objects.update(stage_began_at=timezone.now() - timedelta(hours=24))
    assert watching.look().note.startswith("Stage 1 of 2, 5 % took 24 h and 30 meetings")


def test_the_last_stage_ends_the_plan_and_the_percentage_stays(plan, rooms):
    plan(5, 100)
    opened(rooms, TARGET, 20)
    opened(rooms, OTHER, 20)
    assert watching.look()
    assert watching.look().note.startswith("The plan is complete. Stage 2 of 2, 100 % took ")
    assert (present().stages, present().percentage, present().stage_began_at) == ([], 100, None)
    assert watching.look() is None


def in_target(rooms):
    policy = current_policy()
    return {room.pk for room in rooms if select_platform(str(room.pk), "", policy).platform == TARGET}


def test_a_breach_pauses_the_plan_and_says_why(plan, rooms, settings):
    plan(25, 50)
    before = in_target(rooms)
    assert before
    opened(rooms, TARGET, 10, failed=9)
    opened(rooms, OTHER, 40)
    change = watching.look()
    why = "Openings that fail: 9 of 10 (90 %) on Mock, 0 of 40 (0 %) on Whereby in the same time: at least "
    assert change.note.startswith(why)
    assert change.via == "a guard"
    assert (present().percentage, present().paused_because) == (25, change.note)
    assert Rollout.history.first().history_change_reason == change.note
    assert [notice.text for notice in notices.shown()] == [f"The rollout to Mock is paused. {change.note}"]
    assert watching.standing().sentence.startswith(f"Stage 1 of 2, 25 %: as long as its guards ask for. Paused: {why}")
    assert in_target(rooms) == before
    assert watching.look() is None
    told = watching.standing().as_json()
    assert (told["stage"], told["of"], told["percentage"], told["paused_because"]) == (1, 2, 25, change.note)
    assert [(guard["name"], guard["outcome"]) for guard in told["guards"]] == [("failed-openings", "breach")]


def test_a_breach_goes_back_where_the_plan_says_so_and_the_same_rooms_stay_in(plan, rooms):
    plan(5, 50, on_breach="step-back")
    first = in_target(rooms)
    opened(rooms, TARGET, 20)
    opened(rooms, OTHER, 40)
    assert watching.look()
    both = in_target(rooms)
    assert first < both
    opened(rooms, TARGET, 40, failed=30)
    opened(rooms, OTHER, 40)
    change = watching.look()
    assert (present().stage, present().percentage, present().paused_because) == (0, 5, change.note)
    assert in_target(rooms) == first
    assert "went back from 50 %" in notices.shown().get().text
    resume()
    assert watching.look() is None  # what was before does not count any more
    opened(rooms, TARGET, 20)
    opened(rooms, OTHER, 40)
    assert watching.look()
    assert in_target(rooms) == both


def test_from_the_first_stage_it_goes_back_to_nobody(plan, rooms):
    plan(25, 50, on_breach="step-back")
    opened(rooms, TARGET, 10, failed=10)
    opened(rooms, OTHER, 40)
    assert watching.look()
    assert (present().stage, present().percentage) == (0, 0)
    assert in_target(rooms) == set()
    resume()
    assert present().percentage == 25


@pytest.mark.parametrize("go_on", [resume, roll_back, lambda: decide({"stages": []})])
def test_the_notice_is_gone_when_staff_went_on_or_back(plan, rooms, go_on):
    plan(25, 50)
    opened(rooms, TARGET, 10, failed=10)
    opened(rooms, OTHER, 40)
    watching.look()
    assert notices.shown().count() == 1
    go_on()
    assert notices.shown().count() == 0


def test_what_one_room_tries_again_and_again_is_one_failure(plan, rooms):
    plan(25, 50)
    opened(rooms[:1], TARGET, 20, failed=20)
    opened(rooms, OTHER, 40)
    assert watching.look() is None


def test_what_opens_elsewhere_because_the_target_is_away_is_the_targets_failure(plan, rooms):
    plan(25, 50)
    opened(rooms, TARGET, 2, failed=2, wanted_platform=TARGET)
    opened(rooms, OTHER, 12, wanted_platform=TARGET)  # the first two of them after having failed
    opened(rooms[12:], OTHER, 30, wanted_platform=OTHER)
    assert watching.look().note.startswith(
        "Openings that fail: 12 of 12 (100 %) on Mock, 0 of 42 (0 %) on Whereby in the same time"
    )


def test_what_opened_elsewhere_during_a_cordon_is_not(plan, rooms):
    plan(25, 50)
    states.cordon(TARGET, reason="repairs")
    opened(rooms, OTHER, 40, wanted_platform=TARGET)
    assert watching.look() is None
    states.uncordon(TARGET)
    assert watching.look() is None
    assert "0 of 0" not in watching.standing().sentence
    assert present().paused_at is None


@pytest.mark.parametrize("hold", ["off", "cordoned", "paused"])
def test_nothing_is_decided_while_staff_hold_the_plan(plan, rooms, hold):
    plan(25, 50)
    opened(rooms, TARGET, 10, failed=10)
    opened(rooms, OTHER, 40)
    if hold == "off":
        roll_back()
    elif hold == "cordoned":
        states.cordon(TARGET, reason="repairs")
    else:
        pause(because="a holiday")
    assert watching.look() is None
    words = {"off": "master switch", "cordoned": "repairs", "paused": "Paused: a holiday"}
    assert words[hold] in watching.standing().sentence


def test_two_workers_that_look_at_once_decide_once(plan, rooms, monkeypatch):
    """Both have judged before either writes."""
    plan(5, 25, 50)
    opened(rooms, TARGET, 20)
    opened(rooms, OTHER, 40)
    decided = []
    write = watching.write

    def write_second(*args, **kwargs):
        monkeypatch.setattr(watching, "write", write)
        decided.append(watching.look())
        return write(*args, **kwargs)

    monkeypatch.setattr(watching, "write", write_second)
    assert watching.look() is None
    assert decided[0] is not None
    assert (present().stage, Change.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_two_workers_in_two_processes_decide_once(plan, rooms):
    plan(5, 25, 50)
    opened(rooms, TARGET, 20)
    opened(rooms, OTHER, 40)
    ready, decided = threading.Barrier(4), []

    def work():
        ready.wait(60)
        decided.append(watching.look())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len([change for change in decided if change]) == present().stage
    assert Change.objects.count() == 1 + present().stage


def test_a_look_takes_as_many_queries_whatever_there_was(plan, rooms, django_assert_max_num_queries):
    plan(5, 25, hours=1, guards={})
    opened(rooms, TARGET, 200, opening_ms=300)
    opened(rooms, OTHER, 300, opening_ms=300, at=timezone.now() - timedelta(hours=5))
    with django_assert_max_num_queries(16):
        watching.look()


def test_pages_are_told_what_the_last_look_saw(plan, rooms, django_assert_num_queries):
    plan(5, 25, hours=1)
    watching.look()
    opened(rooms, TARGET, 5)
    rollout = Rollout.objects.get()
    with django_assert_num_queries(0):
        assert watching.describe(rollout)["meetings"] == 0
    watching.look()
    assert watching.describe(Rollout.objects.get())["meetings"] == 5
    pause(because="a holiday")
    assert watching.describe(Rollout.objects.get())["paused_because"] == "a holiday"


def test_what_no_clock_looked_at_for_long_is_looked_at_by_the_page(plan, rooms):
    plan(5, 25, hours=1)
    watching.look()
    opened(rooms, TARGET, 5)
    rollout = Rollout.objects.get()
    rollout.standing["at"] = (timezone.now() - timedelta(minutes=4)).isoformat()
    assert watching.describe(rollout)["meetings"] == 5


def test_a_look_leaves_no_record_in_the_history(plan, rooms):
    plan(5, 25, hours=1)
    before = Rollout.history.count()
    watching.look()
    assert Rollout.history.count() == before


# The other guards


def only(name, **given):
    others = ("failed-openings", "slow-openings", "late-recordings", "silent-webhooks", "silent-recordings")
    return {other: given if other == name else {"on": False} for other in others}


def sentence():
    (verdict,) = watching.standing().progress.verdicts
    return verdict.sentence


def test_slow_openings_stop_a_plan(plan, rooms):
    plan(25, guards=only("slow-openings"))
    opened(rooms, OTHER, 100, opening_ms=400)
    opened(rooms, TARGET, 30, opening_ms=700)
    assert sentence() == "Opening time, p95: 700 ms on Mock, 400 ms on Whereby in the same time."
    opened(rooms, TARGET, 20, opening_ms=900)
    assert watching.look().note.startswith(
        "Opening time, p95: 900 ms on Mock, 400 ms on Whereby in the same time: 20 of 50 (40 %) take longer than 2 "
    )


def test_recordings_that_do_not_arrive_stop_a_plan(plan, rooms):
    plan(25, guards=only("late-recordings"))
    Meeting.objects.all().delete()
    for platform, arrives in ((OTHER, True), (TARGET, False)):
        opened(rooms, platform, 30)
        Meeting.objects.filter(platform=platform).update(
            state="ended", recording_started_at=timezone.now(), ended_at=timezone.now() - timedelta(hours=2)
        )
        if arrives:
            Recording.objects.bulk_create(
                Recording(platform=platform, meeting=meeting, state="done", provider_recording_id=str(meeting.pk))
                for meeting in Meeting.objects.filter(platform=platform)
            )
    assert sentence().startswith(
        "Recordings that have not arrived: 30 of 30 (100 %) on Mock, 0 of 30 (0 %) on Whereby in the same time"
    )
    assert watching.look()
    assert present().paused_at


def test_recordings_without_audio_stop_a_plan(plan, rooms):
    plan(25, guards=only("silent-recordings"))
    for platform, state in ((OTHER, "done"), (TARGET, "no_audio")):
        Recording.objects.bulk_create(
            Recording(platform=platform, state=state, provider_recording_id=str(uuid.uuid4())) for _ in range(25)
        )
    assert sentence().startswith("Recordings without audio: 25 of 25 (100 %) on Mock")
    assert watching.look()


def test_webhooks_that_stay_away_stop_a_plan(plan, rooms):
    now = timezone.now()
    plan(25, guards=only("silent-webhooks"))
    Rollout.objects.update(watched_since=now - timedelta(hours=2))
    for platform, minutes in ((TARGET, 20), (OTHER, 1)):
        WebhookEvent.objects.create(
            pk=uuid.uuid4(), platform=platform, body=b"{}", received_at=now - timedelta(minutes=minutes)
        )
    opened(rooms, TARGET, 3, expected_at=now - timedelta(minutes=10))
    assert watching.look().note == (
        "Silence of webhooks: none from Mock for 20 min, from Whereby for 1 min; 3 meetings have been joined on Mock "
        "since, and more than 5 min is not allowed."
    )
    assert StaffNotice.objects.filter(key=watching.NOTICE, resolved_at=None).exists()
