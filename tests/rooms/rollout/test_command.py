"""`manage.py rollout`, for people and for programs."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command

from rooms.models import Change, Rollout, Room
from rooms.rollout.decide import decide
from rooms.rollout.moves import move
from rooms.rollout.values import present
from tests.rooms.rollout.test_decide import FIRST

pytestmark = pytest.mark.django_db


def run(*words):
    out = io.StringIO()
    call_command("rollout", *words, stdout=out)
    return out.getvalue()


def told(*words):
    return json.loads(run(*words, "--json"))


@pytest.fixture
def decided(staff, settings):
    settings.VIDEO_PLATFORM_FAILOVER = ["mock"]
    return decide({**FIRST, "percentage": 10}, staff, "it is time")


def test_while_nobody_decided_it_says_so():
    text = run("show")
    assert text.startswith("Off: no meeting opens on Daily.\n")
    assert "Nobody has decided yet: the variables hold." in text
    said = told("show")
    assert (said["switched_on"], said["decided_at"], said["version"], said["changes"]) == (False, None, 0, [])


def test_showing_what_was_decided(decided, settings, room):
    decide({"listed_rooms": frozenset([room.pk])})
    settings.DAILY_MIGRATION_PERCENTAGE = 50
    text = run("show")
    assert text.startswith("On: 10 % of automatic rooms go to Mock.\n")
    assert re.search(rf"Rooms on the list +{room.pk}\n", text)
    assert re.search(r"When a guard is breached +pause\n", text)
    assert re.search(r"Guards +by default\n", text)
    assert "staff: Master switch from off to on; Target platform from Daily to Mock; Percentage from 0 to 10." in text
    said = told("show")
    assert (said["percentage"], said["listed_rooms"]) == (10, [str(room.pk)])
    assert said["changes"][1]["note"] == "it is time"


def test_every_option_is_a_field(decided):
    options = [
        "--switch",
        "off",
        "--target",
        "whereby",
        "--default",
        "mock",
        "--failover",
        "off",
        "--order",
        "mock, daily",
    ]
    with pytest.raises(CommandError, match="Target platform: Whereby is not configured: set WHEREBY_API_KEY"):
        run("set", *options)
    options[3] = "mock"
    run("set", *options, "--note", "a holiday")
    values = present()
    assert (values.switched_on, values.default_platform, values.failover_allowed) == (False, "mock", False)
    assert values.failover_order == ["mock", "daily"]
    assert Change.objects.first().note == "a holiday"


def test_a_plan(decided):
    said = told("set", "--stages", "10,50,100", "--minimum-hours", "2")
    assert said["changed"]
    assert said["rollout"]["stages"][1] == {"percentage": 50, "minimum_hours": 2, "minimum_meetings": 20}
    with pytest.raises(CommandError, match="Plan: Stage 2 has 5 % after 25 %"):
        run("set", "--stages", "25,5")
    assert told("pause", "--dry-run")["changed"]
    assert present().paused_at is None
    assert "Paused" in run("pause", "--note", "it rains")
    assert present().paused_because == "it rains"
    assert re.search(r"Stage 1 of 3, 10 %: 0 of 20 meetings, \d+ s of 2 h\. Paused: it rains", run("show"))
    assert "    not-enough-yet  Openings that fail: none on Mock" in run("show")
    assert "it is so already" in run("pause")
    assert "it is so already" in run("pause", "--dry-run")
    assert told("resume")["rollout"]["paused_at"] is None
    run("set", "--stages", "")
    for words in (["pause"], ["resume", "--dry-run"]):
        with pytest.raises(CommandError, match="has no plan"):
            run(*words)


def test_nothing_is_changed_by_a_preview(decided, owner, settings):
    whereby = {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "whereby": whereby}
    rooms = Room.objects.bulk_create(Room(name=f"r{number}", owner=owner) for number in range(30))
    for words in (["preview"], ["set", "--dry-run"]):
        said = told(*words, "--percentage", "100")
        assert said["differences"] == ["Percentage from 10 to 100"]
        assert 20 < len(said["rooms"]) <= len(rooms)
        assert said["rooms"][0]["opens on then"] == "Mock"
        assert "more; --json has them all" in run(*words, "--percentage", "100")
    assert (present().percentage, Change.objects.count()) == (10, 1)


def test_taking_back_the_latest_decision_or_another(decided, owner, room):
    moved = move(Room.objects.all(), "daily", owner)
    run("set", "--percentage", "20")
    assert "Percentage from 20 to 10" in run("undo", "--dry-run")
    assert present().percentage == 20
    run("undo")
    assert present().percentage == 10
    assert told("undo", str(moved.pk), "--dry-run")["differences"] == ["standup from Daily to Mock"]
    assert told("undo", str(moved.pk))["change"]["summary"] == "standup moved back."
    with pytest.raises(CommandError, match="taken back already"):
        run("undo", str(moved.pk))
    for nonsense in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(CommandError, match="There is no decision"):
            run("undo", nonsense)


def test_there_is_nothing_to_take_back():
    with pytest.raises(CommandError, match="Nobody has decided anything yet"):
        run("undo")
    assert Rollout.objects.count() == 0


@pytest.mark.parametrize("words", [["--stages", "5;25"], ["--percentage", "ten"], ["--switch", "maybe"]])
def test_what_is_no_value_is_refused(words):
    with pytest.raises(CommandError):
        run("set", *words)
