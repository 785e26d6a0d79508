"""What a whole event costs: people come and go, and CPU of web server, workers and database is counted for each.

First a backlog, which two worker processes go through as fast as they can; then RATE webhooks a second, as in quiet
times. PostgreSQL only: its address is DATABASE_URL, and a database of its own is made there. The broker is that of
REDIS_URL, or files.
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.bench.loader import fire
from tests.bench.server import SERVER, bench_database, children_of, cpu_seconds, server_environment, web_server
from tests.bench.webhooks import KEYS, http_request
from tests.support.live import ROOT, wait_until

WORKERS = 2
MEETINGS = 100
BACKLOG = 5_000  # events
RATE, SECONDS = 100, 20
TELL = "import django; django.setup(); from platforms.work import dispatch; dispatch._publish('events', 'quick', 90)"
LEFT = "SELECT count(*) FROM platforms_webhookevent WHERE state IN ('waiting', 'running')"
LAGS = "SELECT extract(epoch FROM finished_at - received_at) FROM platforms_webhookevent WHERE received_at > %s"


def main():
    if not SERVER.startswith("postgres"):
        sys.exit("events: set DATABASE_URL to a PostgreSQL server; a database is made there and dropped again.")
    for platform in ("whereby", "daily"):
        with tempfile.TemporaryDirectory() as folder, bench_database() as address:
            variables = {"DATA_DIR": folder, "REDIS_URL": os.environ.get("REDIS_URL", ""), **KEYS}
            with web_server(address, **variables) as server, workers(address, folder, variables) as work:
                in_a_child(fill, address, platform, 200)  # so that all are warm
                work.go_through()
                show_backlog(platform, address, work)
                show_steady(platform, address, server, work)


def show_backlog(platform, address, work):
    in_a_child(fill, address, platform, BACKLOG)
    before, began = work.spent(), time.monotonic()
    work.go_through()
    rate = BACKLOG / (time.monotonic() - began)
    cpu, database_cpu = (1e6 * (now - then) / BACKLOG for now, then in zip(work.spent(), before, strict=True))
    print(
        f"{platform}: backlog of {BACKLOG:,}: {rate:.0f}/s by {WORKERS} processes; CPU each: worker {cpu:.0f} us, "
        f"database {database_cpu:.0f} us"
    )


def show_steady(platform, address, server, work):
    requests = in_a_child(signed, address, platform, RATE * SECONDS)
    [[since]] = work.database.execute("SELECT now()").fetchall()
    before = server.cpu(), *work.spent()
    load = fire(server.port, paced(requests, RATE), connections=1)
    wait_until(work.is_idle)
    after = server.cpu(), *work.spent()
    cpu = [1e6 * (now - then) / len(requests) for now, then in zip(after, before, strict=True)]
    lags = sorted(1e3 * float(lag) for (lag,) in work.database.execute(LAGS, [since]))
    print(
        f"{platform}: {load.rate:.0f} webhooks/s: CPU each: server {cpu[0]:.0f} us, worker {cpu[1]:.0f} us, database "
        f"{cpu[2]:.0f} us, in all {sum(cpu) / 1000:.2f} ms; processed after {statistics.median(lags):.0f} ms, "
        f"p95 {lags[len(lags) * 95 // 100]:.0f} ms"
    )


@dataclass
class Workers:
    pid: int
    database: psycopg.Connection
    environment: dict[str, str]

    def go_through(self):
        for _ in range(WORKERS):
            subprocess.Popen([sys.executable, "-c", TELL], cwd=ROOT, env=self.environment)
        wait_until(self.is_idle, seconds=300)

    def is_idle(self):
        return self.database.execute(LEFT).fetchone() == (0,)

    def spent(self):
        return self.cpu(), self.database_cpu()

    def cpu(self):
        return sum(map(cpu_seconds, [self.pid, *children_of(self.pid)]))

    def database_cpu(self):
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return sum(cpu_seconds(pid) for (pid,) in self.database.execute(others))


@contextmanager
def workers(address, folder, variables):
    environment = {**server_environment(folder), "DATABASE_URL": address, **variables}
    options = ["-Q", "quick", "-c", str(WORKERS), "--without-mingle", "--without-gossip"]
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    with psycopg.connect(address, autocommit=True) as database:
        try:
            yield Workers(process.pid, database, environment)
        finally:
            process.terminate()
            process.wait()


def in_a_child(function, address, *arguments):
    """Call it where Django's settings are those of the bench."""
    with multiprocessing.get_context("spawn").Pool(1, prepare, [address]) as pool:
        return pool.apply(function, arguments)


def prepare(address):
    os.environ |= {"ENV_FILE": "", "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "config.settings"}
    os.environ["DATABASE_URL"] = address
    import django

    django.setup()


def fill(platform, count):
    """Events that wait to be processed, of meetings that are live, in the order in which they happened."""
    import uuid

    from django.utils import timezone

    from platforms.models import WebhookEvent

    now = timezone.now()
    bodies = [event.body for event in happened(platform, count)]
    made = [WebhookEvent(id=uuid.uuid4(), platform=platform, body=body, received_at=now) for body in bodies]
    WebhookEvent.objects.bulk_create(made, batch_size=500)


def signed(platform, count):
    secret = KEYS[f"{platform.upper()}_WEBHOOK_SECRET"]
    return [http_request(one.path, one.body, one.headers(secret)) for one in happened(platform, count)]


def happened(platform, count):
    import random
    import uuid

    from django.utils import timezone

    from tests.drills import storm

    chance = random.Random()
    rooms = [storm.History(platform, f"bench-{uuid.uuid4().hex}") for _ in range(MEETINGS)]
    storm.make_meetings(rooms, timezone.now())
    for number in range(count):
        rooms[number % MEETINGS].happen(chance, timezone.now())
    return [room.events[turn] for turn in range(count // MEETINGS) for room in rooms]


def paced(requests, rate):
    """So many a second."""
    began = time.monotonic()
    for number, request in enumerate(requests):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        yield request


if __name__ == "__main__":
    main()
