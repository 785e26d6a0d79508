"""Much to do and one worker: messages do not pile up while it is busy, and what came later has its turn as well."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis
from django.conf import settings

from tests.support.live import ROOT, running_product, wait_until
from tests.support.live_inbox import reading

ROWS = 40
SECONDS = 0.1  # for one, at the least


class Slow(BaseHTTPRequestHandler):
    goes_on = threading.Event()  # until it is set, an answer takes long

    def do_GET(self):
        time.sleep(SECONDS)
        self.goes_on.wait(5)
        self.send_error(404)

    def log_message(self, *args):
        """Nothing to say."""


@contextmanager
def slow_provider():
    """Has none of the recordings, and says so after a while: so fetching one takes that long and is over then."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        Slow.goes_on.set()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run_in(product, script):
    """Python in a process of its own, which sends its messages before it ends."""
    preamble = "import time; import django; django.setup(); from recordings.models import *\n"
    environment = product.environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", f"{preamble}{script}\ntime.sleep(0.5)"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)


@contextmanager
def workers_and_clock(product):
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    worker = ["worker", "-c", "1", "--without-mingle", "--without-gossip", "-n"]
    roles = [[*worker, "quick", "-Q", "quick"], [*worker, "long", "-Q", "long"], ["beat"]]
    processes = [subprocess.Popen([*command, *role], start_new_session=True, **product._where) for role in roles]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=30)


@pytest.fixture(params=["files", pytest.param("redis", marks=pytest.mark.redis)])
def broker(request, tmp_path):
    """The variables that choose it, and how many messages wait in it for workers of long work."""
    if request.param == "files":
        return {}, lambda: len(list((tmp_path / "broker" / "queue").glob("*.long.msg")))
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.flushdb()
    return {"CELERY_BROKER_URL": settings.REDIS_URL}, lambda: server.llen("long")


@pytest.mark.drill
def test_one_worker_with_much_to_do_is_not_drowned_in_messages(tmp_path, broker):
    variables, waiting = broker
    with (
        slow_provider() as place,
        running_product(tmp_path, OUTBOUND_ALLOWED_HOSTS=place, LOG_LEVEL="ERROR", **variables) as product,
        reading(product.environment["DATABASE_URL"]) as ask,
    ):

        def count(table, states="'failed'"):
            return ask(f"SELECT count(*) FROM recordings_{table} WHERE state IN ({states})")[0][0]  # noqa: S608

        run_in(
            product,
            f"""
for number in range({ROWS}):
    recording = Recording.objects.create(provider_recording_id=str(number), source_url="http://{place}/recording")
    Ingest.objects.create(recording=recording).enqueue_on_commit()
    time.sleep(0.11)  # so that each is a message of its own
""",
        )
        most, finished = waiting(), None
        assert most > 0
        with workers_and_clock(product):
            wait_until(lambda: count("ingest") >= 5, seconds=60)
            Slow.goes_on.clear()  # so that what comes later comes while there is much to do
            run_in(
                product,
                """
from recordings.privacy.deletion import delete_everywhere
delete_everywhere(Recording.objects.create())
""",
            )
            Slow.goes_on.set()
            deadline = time.monotonic() + 180
            while (done := count("ingest")) < ROWS:
                assert time.monotonic() < deadline
                most = max(most, waiting())
                if finished is None and count("erasure", "'done'"):
                    finished = done
                time.sleep(0.1)
            wait_until(lambda: waiting() == 0, seconds=60)
        assert most < 2 * ROWS
        assert finished is not None
        assert finished < ROWS
