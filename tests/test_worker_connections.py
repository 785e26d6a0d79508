"""A worker keeps its connection to the database from task to task, as long as it is good."""

import pytest
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]  # the stubs lack it
from celery.signals import task_postrun, task_prerun
from django.db import connection

from config.celery import app
from platforms.tasks import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begin_task():
    """What happens in a worker's process around each task."""
    fixup = DjangoWorkerFixup(app)

    def begin():
        fixup.on_task_postrun(sender=sweep)
        fixup.on_task_prerun(sender=sweep)
        task_prerun.send(sender=sweep, task=sweep, task_id="1", args=(), kwargs={})

    yield begin
    task_postrun.send(sender=sweep, task=sweep, task_id="1", args=(), kwargs={}, retval=None, state="SUCCESS")


def test_the_next_task_has_the_same_connection(begin_task):
    connection.ensure_connection()
    before = connection.connection
    begin_task()
    sweep()
    assert connection.connection is before


@pytest.mark.postgres
def test_one_that_was_cut_off_meanwhile_is_replaced(begin_task):
    connection.ensure_connection()
    before = connection.connection
    before.close()
    begin_task()
    sweep()
    assert connection.connection is not before
