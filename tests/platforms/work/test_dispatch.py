"""Messages never hold up who sends them, cost few messages, and may get lost."""

import socket
import subprocess
import sys
import textwrap
import threading
import time
from datetime import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from config.celery import app as celery_app
from meetings.models import ProviderCall
from platforms import tasks
from platforms.models import StaffNotice, WebhookEvent
from platforms.webhooks import refusals
from platforms.work import dispatch
from recordings.models import Erasure, Ingest, Submission
from tests.support.live import ROOT, wait_until


@pytest.fixture
def celery_eager():
    celery_app.conf.task_always_eager = True
    yield
    celery_app.conf.task_always_eager = False


@pytest.fixture
def queue():
    """The queue of quick work in the broker of the tests, when what earlier tests had sent is there and gone."""
    with celery_app.connection_for_read() as connection:
        last = connection.SimpleQueue("the last of earlier tests")
        dispatch.send("nothing", last.queue.name, 1)
        last.get(timeout=30).ack()
        last.close()
        queue = connection.SimpleQueue("quick")
        queue.clear()
        yield queue
        queue.close()


def messages(queue, count):
    """Wait for so many messages: what each asks for."""
    wait_until(lambda: queue.qsize() >= count, seconds=10)
    taken = []
    while queue.qsize():
        message = queue.get(timeout=1)
        message.ack()
        taken.append((message.headers["task"], message.payload[0]))
    return taken


def test_a_thousand_events_cost_a_message_or_two(queue):
    for _ in range(1000):
        WebhookEvent.enqueue()
    taken = messages(queue, 1)
    assert set(map(str, taken)) == {str(("platforms.tasks.run_due", ["events"]))}
    assert len(taken) <= 2


def test_a_stream_of_events_costs_a_message_for_each_gap(queue):
    started = time.monotonic()
    while time.monotonic() - started < 5 * dispatch.PAUSE_SECONDS:
        WebhookEvent.enqueue()
        time.sleep(dispatch.PAUSE_SECONDS / 50)
    assert 2 <= len(messages(queue, 2)) <= 7


def test_a_process_that_can_have_no_more_threads_fails_nobody_and_sends_later(queue, monkeypatch):
    monkeypatch.setattr(dispatch, "_sender", dispatch.Sender())
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        WebhookEvent.enqueue()
    Erasure.enqueue()
    assert messages(queue, 1) == [("platforms.tasks.run_due", ["events"])]


def refuse(thread):
    raise RuntimeError("can't start new thread")


def test_each_line_has_a_message_of_its_own(queue):
    for model in (WebhookEvent, ProviderCall, WebhookEvent):
        model.enqueue()
    taken = messages(queue, 2)
    assert ("platforms.tasks.run_due", ["events"]) in taken
    assert ("platforms.tasks.run_due", ["provider calls"]) in taken


def message_about(model):
    with celery_app.connection_for_read() as connection:
        queue = connection.SimpleQueue(model.QUEUE)
        queue.clear()
        model.enqueue()
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
    return message


@pytest.mark.parametrize("model", [Ingest, Submission, Erasure])
def test_long_work_gets_the_time_that_the_longest_of_its_line_needs(model):
    hard, soft = message_about(model).headers["timelimit"]
    assert hard > soft > Ingest.TIME_LIMIT > 3600


def test_a_message_that_no_worker_takes_is_forgotten_when_the_sweep_has_sent_another():
    expires = datetime.fromisoformat(message_about(WebhookEvent).headers["expires"])
    pause = settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"].run_every
    assert pause < expires - timezone.now() <= 3 * pause


def test_what_is_sent_later_is_not_forgotten(queue):
    WebhookEvent.enqueue()
    messages(queue, 1)
    WebhookEvent.enqueue()
    assert messages(queue, 1)


def run_script(script, folder, **variables):
    """Run Python in a process of its own, with a broker of its own; what it logged."""
    preamble = "import time; import django; django.setup(); from platforms.work import dispatch; "
    preamble += "from platforms.models import WebhookEvent\n"
    environment = {
        "PATH": "/usr/bin:/bin",
        "ENV_FILE": "",
        "DEBUG": "true",
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/unused.sqlite3",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **variables,
    }
    command = [sys.executable, "-c", preamble + textwrap.dedent(script)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_broker_that_takes_connections_and_never_answers_holds_nobody_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        script = """
            WebhookEvent.enqueue()
            time.sleep(0.5)  # the thread that sends is stuck by now
            started = time.monotonic()
            for _ in range(10_000):
                WebhookEvent.enqueue()
            assert time.monotonic() - started < 5
        """
        run_script(script, tmp_path, CELERY_BROKER_URL=f"redis://127.0.0.1:{hole.getsockname()[1]}/0")


def test_a_broker_that_is_gone_costs_a_line_in_the_log_each_time(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    script = """
        for _ in range(2):
            WebhookEvent.enqueue()
            time.sleep(1)
    """
    log = run_script(script, tmp_path, CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")
    assert log.count("enqueue_failed line=events") == 2


def test_a_forked_process_sends_its_own(tmp_path):
    """As under a server that forks after the product was loaded and used."""
    script = """
        import os, pathlib, threading
        def wait_for(count):
            queue = pathlib.Path(os.environ["DATA_DIR"]) / "broker" / "queue"
            deadline = time.monotonic() + 10
            while len(list(queue.iterdir())) < count:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        WebhookEvent.enqueue()
        wait_for(1)
        held, forked = threading.Event(), threading.Event()
        def hold():  # another thread was just sending
            with dispatch._sender._changed:
                held.set()
                forked.wait()
        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        if child := os.fork():
            forked.set()
            assert os.waitpid(child, 0)[1] == 0
        else:
            WebhookEvent.enqueue()
            wait_for(2)
            os._exit(0)
    """
    run_script(script, tmp_path)


def test_a_task_is_called_by_its_name_as_it_would_be_by_itself(celery_eager, db):
    """Where tasks run in the call of who sends them, this one does; it is known to each process of the product."""
    dispatch.call(refusals.NOTE_REFUSALS, "daily", 7, "The signature is wrong.")
    assert "The signature is wrong." in StaffNotice.objects.get(key="webhook-refused:daily").text


def test_the_names_under_which_tasks_are_sent_are_theirs():
    assert (tasks.run_due.name, tasks.note_refusals.name) == (dispatch.RUN_DUE, refusals.NOTE_REFUSALS)
