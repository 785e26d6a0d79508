"""Nudges never hold up who sends them, cost few messages, and may get lost."""

import socket
import subprocess
import sys
import textwrap
import time

import pytest

from config.celery import app as celery_app
from meetings.models import ProviderCall
from platforms import nudges
from platforms.models import WebhookEvent
from recordings.models import Ingest
from tests.live import ROOT, wait_until


@pytest.fixture
def queue():
    """The queue of quick work in the broker of the tests."""
    with celery_app.connection_for_read() as connection:
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
        nudges.send(WebhookEvent, None)
    taken = messages(queue, 1)
    assert set(map(str, taken)) == {str(("platforms.tasks.run_due", ["platforms.WebhookEvent"]))}
    assert len(taken) <= 2


def test_a_stream_of_events_costs_a_message_for_each_gap(queue):
    started = time.monotonic()
    while time.monotonic() - started < 5 * nudges.GAP:
        nudges.send(WebhookEvent, None)
        time.sleep(nudges.GAP / 50)
    assert 2 <= len(messages(queue, 2)) <= 7


def test_rows_that_are_tasks_of_their_own_are_named(queue):
    for pk in (1, 2, 2):
        nudges.send(ProviderCall, pk)
    taken = messages(queue, 2)
    assert ("platforms.tasks.run_work", ["meetings.ProviderCall", 1]) in taken
    assert ("platforms.tasks.run_work", ["meetings.ProviderCall", 2]) in taken


def test_long_work_gets_the_time_that_it_says_it_needs(queue):
    with celery_app.connection_for_read() as connection:
        long = connection.SimpleQueue("long")
        long.clear()
        nudges.send(Ingest, 1)
        message = long.get(timeout=10)
        message.ack()
        long.close()
    assert message.headers["timelimit"] == [Ingest.TIME_LIMIT + 30, Ingest.TIME_LIMIT]
    assert Ingest.TIME_LIMIT > 3600


def test_what_is_sent_later_is_not_forgotten(queue):
    nudges.send(WebhookEvent, None)
    messages(queue, 1)
    nudges.send(WebhookEvent, None)
    assert messages(queue, 1)


def run_script(script, folder, **variables):
    """Run Python in a process of its own, with a broker of its own; what it logged."""
    preamble = "import time; import django; django.setup(); from platforms import nudges; "
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
            nudges.send(WebhookEvent, None)
            time.sleep(0.5)  # the thread that sends is stuck by now
            started = time.monotonic()
            for _ in range(10_000):
                nudges.send(WebhookEvent, None)
            assert time.monotonic() - started < 1
        """
        run_script(script, tmp_path, CELERY_BROKER_URL=f"redis://127.0.0.1:{hole.getsockname()[1]}/0")


def test_a_broker_that_is_gone_costs_a_line_in_the_log_each_time(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    script = """
        for _ in range(2):
            nudges.send(WebhookEvent, None)
            time.sleep(1)
    """
    log = run_script(script, tmp_path, CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")
    assert log.count("nudge_failed model=platforms.WebhookEvent") == 2


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
        nudges.send(WebhookEvent, None)
        wait_for(1)
        held, forked = threading.Event(), threading.Event()
        def hold():  # another thread was just sending
            with nudges._sender._changed:
                held.set()
                forked.wait()
        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        if child := os.fork():
            forked.set()
            assert os.waitpid(child, 0)[1] == 0
        else:
            nudges.send(WebhookEvent, None)
            wait_for(2)
            os._exit(0)
    """
    run_script(script, tmp_path)
