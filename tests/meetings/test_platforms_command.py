"""`manage.py platforms`, as an operator uses it."""

import copy
import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from meetings import draining
from meetings.models import Meeting
from meetings.opening import open_meeting
from platforms.handler import get_available_platforms
from platforms.health import states
from platforms.models import PlatformState
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import whereby_stub

pytestmark = pytest.mark.django_db


@pytest.fixture
def stub(settings):
    with whereby_stub() as stub:
        platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
        platforms["whereby"]["OPTIONS"] |= {"api_url": stub.url, "api_key": "very-secret-key"}
        settings.VIDEO_PLATFORMS = platforms
        yield stub


def told(*arguments):
    out = StringIO()
    call_command("platforms", *arguments, stdout=out)
    return out.getvalue()


def status_of(name):
    return next(row for row in json.loads(told("status", "--json")) if row["name"] == name)


def test_status_says_of_every_platform_how_it_stands(room):
    open_meeting(room)
    rows = {row["name"]: row for row in json.loads(told("status", "--json"))}
    assert list(rows) == get_available_platforms()
    mock, daily = rows["mock"], rows["daily"]
    assert (mock["usable"], mock["cordoned"], mock["failing"], mock["reason"]) == (True, False, False, "")
    assert mock["live_meetings"] == 1
    assert (daily["usable"], daily["reason"]) == (False, "Daily is not configured: set DAILY_API_KEY.")
    text = told("status")
    assert "mock  Mock  usable\n" in text
    assert "daily  Daily  Daily is not configured: set DAILY_API_KEY.\n" in text


def test_a_cordoned_platform_takes_no_new_meeting_until_it_is_uncordoned(room):
    assert told("cordon", "mock", "--reason", "It is slow") == "Mock is cordoned. No meetings are there.\n"
    mock = status_of("mock")
    assert (mock["usable"], mock["cordoned"], mock["reason"]) == (False, True, "Mock is cordoned: It is slow.")
    assert told("cordon", "mock").startswith("Mock is cordoned, as it was.")
    assert told("uncordon", "mock") == "Mock is open to new meetings. No meetings are there.\n"
    assert status_of("mock")["usable"]


def test_drain_says_how_many_meetings_are_left_and_waits_for_a_bounded_time(room):
    meeting = open_meeting(room)
    assert told("drain", "mock") == "Mock is cordoned. 1 meeting is there.\n"
    with pytest.raises(CommandError, match="After 1 seconds 1 meeting is still there"):
        told("drain", "mock", "--wait", "1")
    Meeting.objects.filter(pk=meeting.pk).update(state="ended")
    values = json.loads(told("drain", "mock", "--wait", "--json"))
    assert values == {"name": "mock", "cordoned": True, "changed": False, "dry_run": False, "left": 0}


@pytest.mark.parametrize("action", ["cordon", "uncordon", "drain"])
def test_a_dry_run_changes_nothing(action):
    assert "Mock would be" in told(action, "mock", "--dry-run")
    assert json.loads(told(action, "mock", "--dry-run", "--json"))["dry_run"] is True
    assert not PlatformState.objects.exists()


@pytest.mark.parametrize("action", ["check", "cordon", "uncordon", "drain"])
def test_a_platform_that_there_is_not_is_named_with_those_that_there_are(action):
    with pytest.raises(CommandError, match=rf"no platform 'zoom'; it has: {', '.join(get_available_platforms())}\."):
        told(action, "zoom")


def test_check_tries_the_credentials_and_keeps_what_came_of_it(stub):
    assert told("check") == "whereby  its credentials are good\n"
    state = PlatformState.objects.get(pk="whereby")
    assert (state.check_error, state.checked_at is not None) == ("", True)
    stub.on("GET", "/meetings", Answer(401, {"error": "very-secret-key is no key"}))
    with pytest.raises(CommandError, match="Not all are well"):
        told("check", "whereby")
    error = PlatformState.objects.get(pk="whereby").check_error
    assert error == 'Whereby refused GET /meetings with 401: {"error": "[secret] is no key"}'
    assert error in told("status")


def test_of_the_log_nothing_stands_between_and_moments_are_written_in_one_way(stub, capfd):
    stub.on("GET", "/meetings", Answer(200, {"results": []}), Answer(401, {"error": "no"}))
    call_command("platforms", "check", "whereby")
    with pytest.raises(CommandError):
        call_command("platforms", "check", "whereby")
    PlatformState.objects.update(last_good_at="2026-01-01T10:02:07.123Z")
    call_command("platforms", "status")
    said, logged = capfd.readouterr()
    assert logged == ""
    assert said.startswith("whereby  its credentials are good\nwhereby  ")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(rf"last good call    2026-01-01 10:02 UTC\n    credentials       .+ \({moment}\)\n", said)


def test_check_says_which_variable_is_missing_and_which_platform_has_no_call_for_it():
    with pytest.raises(CommandError, match="set DAILY_API_KEY"):
        told("check", "daily")
    with pytest.raises(CommandError, match="Mock does not support credential check"):
        told("check", "mock")


def test_status_says_that_a_platform_does_not_answer(stub):
    states.make_row("whereby")
    PlatformState.objects.update(open_since="2026-01-01T10:02Z", failing_since="2026-01-01T10:01Z")
    whereby = status_of("whereby")
    assert (whereby["usable"], whereby["failing"]) == (False, True)
    assert whereby["reason"] == "Whereby has not answered since 10:01 UTC."


def test_live_meetings_of_all_platforms_are_counted_by_one_query(room, django_assert_num_queries):
    open_meeting(room)
    ended = open_meeting(room, allow_duplicated=True)
    Meeting.objects.filter(pk=ended.pk).update(state="ended")
    with django_assert_num_queries(1):
        assert draining.live_by_platform() == {"mock": 1}
