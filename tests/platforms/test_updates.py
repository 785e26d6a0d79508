"""Other values for each of many rows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, transaction

from meetings.models import Meeting
from platforms.updates import update_each
from tests.support.meeting_reports import make_meeting

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def stored(meeting, *names):
    return Meeting.objects.values_list(*names).get(pk=meeting.pk)


def test_each_row_gets_values_of_its_own_and_those_of_all(django_assert_num_queries):
    first, second, third = (make_meeting() for _ in range(3))
    first.num_clients, first.counted_at, first.calendar_metadata = 5, NOON, {"title": "it's 100 %"}
    second.num_clients, second.counted_at = 7, None
    names = ["num_clients", "counted_at", "calendar_metadata"]
    with django_assert_num_queries(1):
        assert update_each([first, second], names, {"error": "odd", "ended_at": NOON}) == 2
    assert stored(first, *names, "error", "ended_at") == (5, NOON, {"title": "it's 100 %"}, "odd", NOON)
    assert stored(second, *names, "error", "ended_at") == (7, None, None, "odd", NOON)
    assert stored(third, *names, "error", "ended_at") == (0, None, None, "", None)


def test_rows_for_which_the_conditions_do_not_hold_stay_as_they_are():
    first, second = make_meeting(error="mine"), make_meeting(error="another's")
    first.num_clients = second.num_clients = 3
    assert update_each([first, second], ["num_clients"], {"ended_at": NOON + timedelta(hours=1)}, error="mine") == 1
    assert stored(first, "num_clients") == (3,)
    assert stored(second, "num_clients", "ended_at") == (0, None)


@pytest.mark.postgres
def test_what_is_too_long_is_refused_and_not_cut():
    meeting = make_meeting()
    meeting.room_label = "x" * 101
    with pytest.raises(DataError), transaction.atomic():
        update_each([meeting], ["room_label"])


def test_no_rows_need_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert update_each([], ["num_clients"]) == 0
