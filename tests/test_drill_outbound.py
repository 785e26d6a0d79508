"""The drills of what rooms call, at a small size; the whole of them is `make drill-outbound`."""

import pytest

from tests.drills import calling_out

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True)]


def test_no_event_is_lost_though_workers_are_killed_and_receivers_fail(tmp_path):
    outcome = calling_out.storm(tmp_path, events=150, kills=5, seed=1, hurry=30, limit=300)
    assert outcome.wrong == []
    assert (outcome.figures["events"], outcome.figures["killed workers"]) == (150, 5)
    assert outcome.figures["failed calls"] > 5


def test_calendars_that_are_due_are_fetched_once(tmp_path):
    outcome = calling_out.calendars(tmp_path, rooms=25, limit=300)
    assert outcome.wrong == []
    assert (outcome.figures["synced"], outcome.figures["fetches of one feed at most"]) == (25, 1)


def test_a_receiver_that_hangs_keeps_no_other_waiting_for_it(tmp_path):
    outcome = calling_out.fairness(tmp_path, receivers=6, events=3, rounds=1, pace=0.05)
    assert outcome.wrong == []
