"""Workers that are killed at any moment: every event is processed all the same, and none twice."""

import random
import subprocess
import sys
import threading
import time

import pytest

from tests.bench.loader import fire
from tests.support.live import ROOT, Product, fresh_database, running_product, wait_until
from tests.support.live_inbox import celery, http_requests, inbox_of, port_of, reading

EVENTS = 600  # a worker does fifty in one transaction
KILLS = 5


@pytest.fixture
def product(tmp_path):
    """A database with the product's tables, and the surroundings of its processes; none of them runs."""
    with fresh_database(tmp_path) as address:
        product = Product(tmp_path, address, DJANGO_SETTINGS_MODULE="config.settings")
        yield product
        product.stop()


def script(product, *arguments):
    command = [sys.executable, "-m", "tests.support.mortal_worker", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=product.environment, stdout=subprocess.PIPE)


@pytest.mark.drill
def test_what_killed_workers_had_begun_is_done_once(product):
    with script(product, "fill", str(EVENTS)) as filling:
        assert filling.wait() == 0
    chance = random.Random()
    address = product.environment["DATABASE_URL"]
    with inbox_of(address) as count, reading(address) as ask:
        kills = 0
        while kills < KILLS or not count().get(("done", True)):
            with script(product, "work") as worker:
                assert worker.stdout.readline() == b"ready\n"
                time.sleep(chance.uniform(0, 0.4))
                worker.kill()
            kills += 1
        assert count()["done", True] < EVENTS  # else nothing was cut off
        with script(product, "work") as worker:
            wait_until(lambda: count() == {("done", True): EVENTS}, seconds=60)
            worker.kill()
        assert sorted(ask("SELECT word FROM effect")) == sorted((str(word),) for word in range(EVENTS))


@pytest.mark.drill
def test_a_worker_of_production_that_was_killed_is_made_up_for(tmp_path):
    with running_product(tmp_path) as product, inbox_of(product.environment["DATABASE_URL"]) as count:
        with celery(product, "worker"):
            fire(port_of(product), http_requests(20), connections=2)
            wait_until(lambda: count().get(("waiting", True)) == 20)
            sending = threading.Thread(target=fire, args=(port_of(product), list(http_requests(1000)), 4))
            sending.start()
            wait_until(lambda: count().get(("waiting", True), 0) > 100, every=0.01)
        sending.join()  # the worker is dead by now
        assert sum(count().values()) == 1020
        with celery(product, "worker", "beat"):
            # Tried: their room is unknown, and after some tries an event rests as unmatched.
            wait_until(lambda: sum(number for (_, tried), number in count().items() if tried) == 1020, seconds=120)
            assert ("failed", True) not in count()
