"""How long a search over many transcripts takes, beside a plain LIKE scan of the same segments with the same rights.

Both take turns in one process, with the same words: one process on SQLite, and one on the PostgreSQL whose address is
DATABASE_URL, where a database of its own is made.
"""

import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager

import django
import psycopg

from tests.support.live import ROOT

SERVER = os.environ.get("DATABASE_URL") or "postgres://root@127.0.0.1:5432/root"
SEGMENTS = int(os.environ.get("SEGMENTS", 100_000))
PER_TRANSCRIPT = 100  # segments: about eight minutes of talk
WORDS = 12  # in a segment
VOCABULARY = 30_000
QUERIES = 200
TARGETS = {"sqlite": 150.0, "postgresql": 50.0}  # ms
CHANCE = random.Random(7)


def main():
    """Whether the targets are met on both."""
    met = []
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.bench.search", name]
        met.append(subprocess.run(command, cwd=ROOT, check=False, timeout=1800).returncode == 0)
    return all(met)


def compare(owner, database):
    from recordings.api.transcripts.search import find

    def ours(q):
        return find(owner, {"q": q, "limit": 20, "offset": 0, "include_deleted": False})[1]

    queries = [wanted() for _ in range(QUERIES)]
    measured: dict[object, list[float]] = {ours: [], like_scan: []}
    for q in queries[:10]:
        ours(q)
        like_scan(owner, q)
    for q in queries:
        measured[ours].append(timed(ours, q))
        measured[like_scan].append(timed(like_scan, owner, q))
    search, scan = measured[ours], measured[like_scan]
    for name, times in (("search", search), ("LIKE scan", scan)):
        print(
            f"{database}, {name}: p50 {percentile(times, 50):.1f} ms, p95 {percentile(times, 95):.1f} ms, "
            f"most {max(times):.1f} ms"
        )
    p95, target = percentile(search, 95), TARGETS[database]
    print(f"{database}, search: p95 over {SEGMENTS:,} segments: {p95:.1f} ms (target < {target:.0f})")
    print(f"{database}, search: p95 / p95 of the LIKE scan: {p95 / percentile(scan, 95):.3f}")
    print(f"{database}, search: median / that of the scan: {statistics.median(search) / statistics.median(scan):.3f}")
    return p95 < target


def like_scan(owner, q):
    """The first page of transcripts with all of the words, and their number, as simply as it can be done."""
    from recordings.models import Segment
    from recordings.transcripts.access import listed_for

    found = listed_for(owner)
    for word in q.replace('"', "").split():
        found = found.filter(pk__in=Segment.objects.filter(text__icontains=word).values("transcript"))
    return list(found.order_by("-created_at", "-id")[:20]), found.count()


def timed(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - began) * 1000


def percentile(values, number):
    return sorted(values)[min(len(values) - 1, len(values) * number // 100)]


def word(rank):
    return f"w{rank:x}ord"


def wanted():
    """Rare words, common ones, several, and phrases: as frequent as they are said, or any at all."""
    said = [word(rank) for rank in CHANCE.choices(range(VOCABULARY), cum_weights=WEIGHTS, k=2)]
    rare = word(CHANCE.randrange(VOCABULARY))
    return CHANCE.choice([said[0], rare, " ".join(said), f"{said[0]} {rare}", f'"{said[0]} {said[1]}"'])


# As in speech, the n-th most frequent word is said 1/n as often as the first.
WEIGHTS = list(itertools.accumulate(1 / (rank + 1) for rank in range(VOCABULARY)))


def fill():
    from django.contrib.auth import get_user_model

    from recordings.models import Segment, Transcript
    from recordings.transcripts import search

    owner = get_user_model().objects.create(username="owner")
    said = (
        " ".join(map(word, CHANCE.choices(range(VOCABULARY), cum_weights=WEIGHTS, k=WORDS))) for _ in range(SEGMENTS)
    )
    for number in range(SEGMENTS // PER_TRANSCRIPT):
        transcript = Transcript.objects.create(user=owner, name=f"meeting {number}", source_kind="room")
        texts = list(itertools.islice(said, PER_TRANSCRIPT))
        Segment.objects.bulk_create(
            Segment(transcript=transcript, start=second, end=second + 5, text=text) for second, text in enumerate(texts)
        )
        search.index(transcript, search.body_of(texts))
    if django.db.connection.vendor == "postgresql":  # as it does by itself in time
        with django.db.connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return owner


@contextmanager
def bench_database(name="postgresql"):
    """A database with the product's tables, which this process uses; gone in the end."""
    with DATABASES[name]() as url, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "ENV_FILE": "",
            "SECRET_KEY": "of-the-bench-and-of-nothing-else-in-the-world-00000",
            "DEBUG": "false",
            "DATA_DIR": folder,
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": url,
        }
        try:
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
            subprocess.run(command, cwd=ROOT, check=True, timeout=120)
            django.setup()
            yield
        finally:
            django.db.connections.close_all()


@contextmanager
def sqlite():
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


@contextmanager
def postgresql():
    name, server = f"bench_{uuid.uuid4().hex[:12]}", SERVER.rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


DATABASES = {"sqlite": sqlite, "postgresql": postgresql}


def measure(name):
    with bench_database(name):
        return compare(fill(), name)


if __name__ == "__main__":
    sys.exit(0 if measure(sys.argv[1]) else 1)
