"""What the scheduler sends: nothing piles up while no worker takes it, and nothing needs one that lives for long."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from celery.beat import ScheduleEntry

from config.celery import app
from config.scheduler import Scheduler
from platforms.work import dispatch, models

ENTRIES = app.conf.beat_schedule


@pytest.fixture(params=sorted(ENTRIES))
def entry(request):
    """As in a scheduler that was started this moment and knows nothing of an earlier one."""
    return ScheduleEntry(name=request.param, app=app, **ENTRIES[request.param])


def test_an_entry_names_a_task_that_there_is(entry):
    app.loader.import_default_modules()
    assert entry.task in app.tasks


def test_a_clock_that_is_restarted_every_day_still_sends_it(entry):
    assert entry.schedule.remaining_estimate(entry.last_run_at) <= timedelta(hours=1)


def test_a_message_is_forgotten_when_a_few_more_have_been_sent(entry):
    pause = getattr(entry.schedule, "run_every", timedelta(hours=1))
    assert timedelta(seconds=entry.options["expires"]) <= max(3 * pause, timedelta(seconds=90))


def test_a_message_outlives_the_messages_in_front_of_it(entry):
    """More events than workers can take in must not keep the sweep, or the look at who is in a meeting, from them."""
    assert entry.options["expires"] > dispatch.EXPIRY_SECONDS + models.RUN_SECONDS


def test_a_clock_that_is_put_back_stops_nothing(tmp_path):
    assert app.conf.beat_scheduler == "config.scheduler:Scheduler"
    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    sent = []
    scheduler.apply_async = lambda entry, **options: sent.append(entry.name) or SimpleNamespace(id="1")
    sweep = scheduler.schedule["sweep"]
    sweep.last_run_at = sweep.default_now() + timedelta(hours=1)
    try:
        assert scheduler.tick() <= 10
        assert not sweep.is_due().is_due
        sweep.last_run_at -= timedelta(seconds=11)
        scheduler._heap = None
        while scheduler.tick() == 0:
            pass
        assert "sweep" in sent
    finally:
        scheduler.close()
