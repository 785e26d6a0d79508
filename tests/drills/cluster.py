"""`python -m tests.drills.cluster [drill ...]`: an installation of two web processes, workers and the scheduler over
PostgreSQL, Redis and a bucket of the drill's own, at work while it is spoiled.

load       many webhooks a second while meetings open and recordings are fetched
workers    how much two workers do of what one does, of events and of recordings
kills      workers are killed again and again
redis      Redis is emptied again and again
database   PostgreSQL is restarted and crashes again and again
rolling    each process in turn is ended as by a new version, and started
disk       the disk is full in the middle of fetching
clock      the clock of all machines is put forward by an hour, and back

All unless some are named; --size makes them smaller. Only this machine is called. It ends with 1 where something was
lost, doubled, wrong or not done.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import django

from tests.drills.installation import running_installation
from tests.drills.processes import cpu_seconds
from tests.support.live import wait_until

BUCKET = "of-the-installation"
FILES = 12
ACK_P99_SECONDS, ACK_MAX_SECONDS, LAG_P95_SECONDS = 0.1, 1.0, 2.0
TWO_WORKERS = 1.7  # times what one does
MEASURED_SECONDS = 1200  # that the work of one worker may take
FULL_SECONDS = 20  # that a disk is full
HOUR = 3600
SECRETS = {
    "WHEREBY_WEBHOOK_SECRET": "secret-of-the-drill",
    "DAILY_WEBHOOK_SECRET": "c2VjcmV0LW9mLXRoZS1kcmlsbC1vZi10aGUtZHJpbGw=",
}


# The drills: each yields what is wrong, in words


def load(options):
    """Webhooks at a rate, meetings that open and recordings that are fetched, all at once."""
    from tests.drills.work import Openings

    seconds = options.seconds
    with cluster(options) as all_of_it:
        work = all_of_it.work(rate=options.rate, events=options.rate * seconds, recordings=seconds, meetings=200)
        with Openings(all_of_it.installation, all_of_it.webs, pace=0.5) as openings:
            work.start()
            work.sender.join()
        yield from work.finish()
        opened = sorted(took for status, took in openings.seen if status == 200)
        print(f"  {len(openings.seen)} openings, {len(openings.seen) - len(opened)} failed, {opened[-1]:.2f} s at most")
        if len(opened) != len(openings.seen):
            yield f"openings failed: {[seen for seen in openings.seen if seen[0] != 200][:3]}"
        sent = work.sender.sent
        lag = all_of_it.installation.database.rows(EVENT_LAG)[0][0]
        for what, value, limit in (
            ("acknowledgement at p99", sent.percentile(0.99), ACK_P99_SECONDS),
            ("acknowledgement at most", max(sent.took), ACK_MAX_SECONDS),
            ("lag of processing at p95", lag, LAG_P95_SECONDS),
        ):
            print(f"  {what}: {value * 1000:.0f} ms (target < {limit * 1000:.0f} ms)")
            if value >= limit and not options.no_targets:
                yield f"{what}: {value * 1000:.0f} ms"


EVENT_LAG = """
    SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - received_at))
    FROM platforms_webhookevent WHERE state = 'done'
"""


def kills(options):
    """Workers are killed: nine times of ten one of their processes, once all of them, which are started again."""
    chance, count = random.Random(options.seed), max(2, round(200 * options.size))
    with cluster(options) as all_of_it:
        work = all_of_it.work(rate=60, events=count * 40, recordings=count * 2)
        work.start()
        for number in range(1, count + 1):
            time.sleep(chance.uniform(0.1, 1.0))
            node = chance.choice(all_of_it.workers)
            if number % 10 == 0:
                node.kill()
                node.start()
            elif children := node.children():
                os.kill(chance.choice(children), signal.SIGKILL)
        print(f"  {count} kills")
        work.note_recovery()
        yield from work.finish()


def redis(options):
    """Redis is emptied while recordings are fetched: messages, locks and counters are gone at once."""
    count, recordings = max(2, round(20 * options.size)), max(20, round(1000 * options.size))
    with cluster(options) as all_of_it:
        work = all_of_it.work(rate=40, events=count * 200, recordings=recordings)
        work.start()
        for _ in range(count):
            time.sleep(3)
            all_of_it.installation.queue.empty()
            work.note_recovery()
        print(f"  emptied {count} times")
        yield from work.finish()


def database(options):
    """PostgreSQL is restarted, every other time as after a crash, and is away for two seconds."""
    count = max(2, round(10 * options.size))
    with cluster(options) as all_of_it:
        work = all_of_it.work(rate=60, events=count * 600, recordings=count * 10)
        work.start()
        for number in range(count):
            time.sleep(4)
            all_of_it.installation.database.stop(at_once=number % 2 == 1)
            time.sleep(2)
            all_of_it.installation.database.start()
            work.note_recovery()
        print(f"  restarted {count} times")
        yield from work.finish()


def rolling(options):
    """A new version 20 times: each process in turn is asked to end, and started again when it has."""
    count, slow = max(1, round(20 * options.size)), []
    with cluster(options) as all_of_it:
        nodes = all_of_it.installation.nodes
        work = all_of_it.work(rate=60, events=count * len(nodes) * 240, recordings=count * 10)
        work.start()
        for _ in range(count):
            for node in nodes:
                if not node.ask_to_end():
                    slow.append(node.name)
                node.start()
                node.wait_until_up()
            work.note_recovery()
        print(f"  {count * len(nodes)} processes restarted, {len(slow)} of which did not end by themselves")
        if slow:
            yield f"did not end by themselves: {sorted(set(slow))}"
        if cut := work.sender.sent.put_off["cut off"]:
            print(f"  {cut} requests were cut off")
        yield from work.finish()


def disk(options):
    """The disk on which recordings are stored is full for a while, in the middle of fetching them."""
    from tests.drills.machine import small_file_system
    from tests.drills.surroundings import fill

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if stack.enter_context(small_file_system(folder)) is None:
            print("  not run, as no file system may be mounted here")
            return
        all_of_it = stack.enter_context(cluster(options, folder=folder))
        count = max(1, round(4 * options.size))
        work = all_of_it.work(rate=20, events=count * 20 * (FULL_SECONDS + 10), recordings=count * 40)
        work.start()
        for _ in range(count):
            time.sleep(5)
            fill(folder / "filler")
            time.sleep(FULL_SECONDS)
            (folder / "filler").unlink()
            work.note_recovery()
        print(f"  full {count} times for {FULL_SECONDS} s")
        yield from work.finish()


def clock(options):
    """The clock of every machine is put forward by an hour while all is at work, and later back."""
    compiler = shutil.which("cc")
    if not compiler:
        print("  not run, as there is no compiler of C for what shifts a clock")
        return
    with tempfile.TemporaryDirectory() as folder:
        shift, library = Path(folder) / "shift", Path(folder) / "shifted_clock.so"
        source = Path(__file__).with_name("shifted_clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        shift.write_bytes(bytes(8))
        shifted = {
            "LD_PRELOAD": str(library),
            "CLOCK_SHIFT": str(shift),
            # The provider's clock is right: its webhooks are not to be refused for that alone.
            "WHEREBY_WEBHOOK_WINDOW_SECONDS": str(2 * HOUR),
            "DAILY_WEBHOOK_WINDOW_SECONDS": str(2 * HOUR),
        }
        seconds = max(10, round(40 * options.size))
        with cluster(options, **shifted) as all_of_it:
            work = all_of_it.work(rate=40, events=160 * seconds, recordings=2 * seconds)
            work.start()
            time.sleep(seconds)
            for ahead in (HOUR, 0):
                with shift.open("r+b") as file:  # it is mapped into each process
                    file.write(ahead.to_bytes(8, sys.byteorder))
                work.note_recovery()
                time.sleep(seconds)
            print("  forward by an hour and back")
            yield from work.finish()


def workers(options):
    """The same work by one worker and by two, of one process each: by the clock, and by the CPU that it took."""
    events, recordings = max(500, round(20_000 * options.size)), max(20, round(400 * options.size))
    one, two = {}, {}
    for count, figures in ((1, one), (2, two)):
        with cluster(options, workers=0, files_rate=0) as all_of_it:
            work = all_of_it.work(rate=0, events=events, recordings=recordings, meetings=100)
            figures["events"] = all_of_it.measure("quick,outbound", count, work, work.people, rate=1000)
            figures["recordings"] = all_of_it.measure("long", count, work, work.recordings, rate=50)
            yield from work.finish()
    for what in one:
        by_clock = one[what].seconds / two[what].seconds
        by_cpu = one[what].busiest / two[what].busiest
        print(
            f"  {what}: one worker {one[what]}, two {two[what]}: "
            f"{by_clock:.2f} times as many by the clock, {by_cpu:.2f} by CPU (target >= {TWO_WORKERS})"
        )
        if max(by_clock, by_cpu) < TWO_WORKERS and not options.no_targets:
            yield f"two workers do {max(by_clock, by_cpu):.2f} times the {what} of one"


@dataclass
class Figures:
    """Of the same work: its seconds, and the seconds of CPU of the worker that had most of it."""

    count: int
    seconds: float
    busiest: float

    def __str__(self):
        return f"{self.count / self.seconds:.0f}/s and {self.busiest:.1f} s of CPU for the busiest"


# What they have in common


class Cluster:
    def __init__(self, installation, files, storage, options, folder):
        self.installation = installation
        self.files = files
        self._storage = storage
        self._options = options
        self.webs = [installation.web(f"web-{number}") for number in (1, 2)]
        self.workers = []
        installation.beat()

    def add_workers(self, count, folder=None):
        """On a machine each, of quick and of long work."""
        for number in range(1, count + 1):
            quick = self.installation.worker(f"quick-{number}", "quick,outbound", processes=2)
            long = self.installation.worker(f"long-{number}", "long,uploads", processes=2, folder=folder)
            self.workers += [quick, long]

    def measure(self, queues, count, work, deliveries, rate):
        """What so many workers take for what these tell of, which is told faster than it can be done."""
        from tests.drills.work import OPEN_WORK

        name = queues.partition(",")[0]
        nodes = [self.installation.worker(f"{name}-{number + 1}", queues, processes=1) for number in range(count)]
        self.installation.wait_until_up()
        before, began = [cpu_seconds([node.process.pid]) for node in nodes], time.monotonic()
        work.start(deliveries, rate)
        work.sender.join()
        wait_until(lambda: self.installation.database.rows(OPEN_WORK)[0][0] == 0, MEASURED_SECONDS, every=0.2)
        seconds = time.monotonic() - began
        used = [cpu_seconds([node.process.pid]) - first for node, first in zip(nodes, before, strict=True)]
        return Figures(len(deliveries), seconds, max(used))

    def work(self, **what):
        from tests.drills.work import Work

        what = {"seed": self._options.seed, **what}
        return Work(self.installation, self.webs, self.files, self._storage, **what)


class BucketStorage:
    def __init__(self, s3):
        self._s3 = s3

    def names(self):
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def digest(self, name):
        return sha256(self._s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()).hexdigest()


class FolderStorage:
    def __init__(self, folder):
        self._folder = folder / "recordings"

    def names(self):
        return [str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file()]

    def digest(self, name):
        return sha256((self._folder / name).read_bytes()).hexdigest()


@contextmanager
def cluster(options, workers=2, folder=None, files_rate=400_000, **variables):
    """`folder` is where the one worker of long work stores recordings, in place of a bucket."""
    from tests.drills.faulty_server import FaultyServer

    with ExitStack() as stack:
        files = stack.enter_context(FaultyServer())
        chance = random.Random(options.seed)
        files.files_of_drill = [files.host(sound(chance), rate=files_rate) for _ in range(FILES)]
        around, storage = surroundings(stack, files, folder)
        installation = stack.enter_context(running_installation(**{**around, **SECRETS, **variables}))
        use(installation)
        all_of_it = Cluster(installation, files, storage, options, folder)
        all_of_it.add_workers(1 if folder else workers, folder)
        installation.wait_until_up()
        yield all_of_it


def surroundings(stack, files, folder):
    """The variables of what the product calls, and its storage."""
    from tests.support.aws import CREDENTIALS, REGION, running_aws
    from tests.support.daily import DailyStub
    from tests.support.whereby_provider import whereby_stub

    whereby, daily = stack.enter_context(whereby_stub()), stack.enter_context(DailyStub())
    variables = {
        "WHEREBY_API_URL": whereby.url,
        "WHEREBY_API_KEY": "key",
        "DAILY_API_URL": daily.url,
        "DAILY_API_KEY": "key",
        "OUTBOUND_ALLOWED_HOSTS": files.place,
        "RECORDING_PROCESSOR": "null",
        # Who is in is told by events alone, and every meeting goes on.
        "PRESENCE_INTERVAL_SECONDS": "86400",
        "PRESENCE_INTERVAL_SILENT_SECONDS": "86400",
        "MEETING_UNUSED_MINUTES": "1000",
        "MEETING_GRACE_MINUTES": "1000",
        "RECORDINGS_KEEP_FREE_MB": "4",
    }
    if folder:
        return variables, FolderStorage(folder)
    aws = stack.enter_context(running_aws())
    aws.bucket(BUCKET)
    key = CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    bucket = {
        "RECORDINGS_STORAGE_BUCKET": BUCKET,
        "RECORDINGS_STORAGE_REGION": REGION,
        "RECORDINGS_STORAGE_ACCESS_KEY_ID": key[0],
        "RECORDINGS_STORAGE_ACCESS_KEY_SECRET": key[1],
        "RECORDINGS_STORAGE_ENDPOINT_URL": aws.url,
    }
    return {**variables, **bucket}, BucketStorage(aws.client("s3"))


def sound(chance):
    from tests.drills.kills import sound_of

    return sound_of(chance, 50_000, 200_000)


def use(installation):
    """Have the models of this process be those of the installation."""
    from django.db import connections

    from config.environment import Environment

    os.environ["DATABASE_URL"] = installation.database.url
    connections.close_all()
    settings = Environment(Path()).database("DATABASE_URL", "")
    for connection in connections.all():
        connection.settings_dict.update({name: settings[name] for name in ("NAME", "USER", "HOST", "PORT")})


DRILLS = {
    "load": load,
    "workers": workers,
    "kills": kills,
    "redis": redis,
    "database": database,
    "rolling": rolling,
    "disk": disk,
    "clock": clock,
}


def main(arguments):
    parser = argparse.ArgumentParser("python -m tests.drills.cluster", description=__doc__)
    parser.add_argument("drills", nargs="*", metavar="drill", help=", ".join(DRILLS))
    parser.add_argument("--size", type=float, default=1.0, help="a part of it: 0.1 is a tenth (default: 1)")
    parser.add_argument("--seconds", type=int, default=300, help="of load (default: 300)")
    parser.add_argument("--rate", type=int, default=200, help="of load, webhooks a second (default: 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-targets", action="store_true", help="figures are shown, and none is too slow")
    options = parser.parse_args(arguments)
    if unknown := set(options.drills) - set(DRILLS):
        parser.error(f"there is no drill {', '.join(sorted(unknown))}")
    wrong = []
    for name in options.drills or DRILLS:
        print(f"\n{name}: {' '.join(DRILLS[name].__doc__.split())}", flush=True)
        began = time.monotonic()
        try:
            problems = list(DRILLS[name](options))
        except AssertionError as error:
            problems = [f"not well again: {error}"]
        wrong += [f"{name}: {problem}" for problem in problems]
        print(f"  it took {time.monotonic() - began:.0f} s; {len(problems)} problems", flush=True)
    print("\n" + ("\n".join(wrong[:40]) or "All is well."))
    return 1 if wrong else 0


if __name__ == "__main__":
    # The models are those of each installation, in turn; all are on PostgreSQL.
    os.environ |= {"DATABASE_URL": "postgres://drill@127.0.0.1:1/drill", "REDIS_URL": "redis://127.0.0.1:1/0"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
