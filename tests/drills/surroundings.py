"""`python -m tests.drills.surroundings [name ...]`: the product while its surroundings go wrong, one after the other.

For each: what was answered meanwhile, how fast webhooks and /health were, what was lost of what had been accepted, and
how long it took until all was well again. Only this machine is called. It ends with 1 when something was lost, was not
well again, was not done, or was too slow where nothing but slow clients or a killed process stood in the way.
"""

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import django
import psycopg
import requests

from tests.drills.machine import running_machine
from tests.drills.watch import KINDS, PATH, Watch, event, signed
from tests.support.live import wait_until
from tests.support.slow_clients import held_open, request_of, unfinished

SECONDS = 12  # that each lasts
QUICK = 0.5  # seconds: the p99 of webhooks and /health where the product has all it needs
AUDIO = 16_000_000  # bytes
JOBS, JOBS_WITHIN = 500, 400  # and seconds until they must be done
TOLD_WITHIN = 60  # seconds: until staff are told of refused webhooks
UNDONE = "only"  # begins a note of work that did not come to its end


@contextmanager
def paused_players(machine, notes):
    """100 listeners who stop reading, half of them in the middle of a download of the whole."""
    path = f"/v1/transcripts/{machine.shell(MAKE_AUDIO).strip()}/audio/mp3"
    with ExitStack() as stack:
        for headers in ({}, {"Range": "bytes=0-"}):
            stack.enter_context(held_open(machine.url, request_of("GET", path, headers), 50, receive_buffer=4096))
        yield


@contextmanager
def unfinished_bodies(machine, notes):
    """70 bodies of which one byte comes, at each of four addresses."""
    paths = [PATH, "/v1/auth/login", "/login", "/v1/recordings/00000000-0000-4000-8000-000000000000/result"]
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(held_open(machine.url, unfinished(path), 70))
        yield


@contextmanager
def waiting_jobs(machine, notes):
    """500 recordings to hand off, for the one worker of long work."""
    started = time.monotonic()
    machine.shell(MAKE_JOBS)
    queued = []
    waiting = "SELECT count(*) FROM recordings_submission WHERE state IN ('waiting', 'running')"
    while (left := machine.rows(waiting)[0][0]) and time.monotonic() - started < JOBS_WITHIN:
        queued.append(queue_length(machine))
        time.sleep(1)
    done = f"{JOBS - left} of {JOBS} done after {time.monotonic() - started:.0f} s"
    notes.append(f"{UNDONE} {done}" if left else done)
    notes.append(f"at most {max(queued, default=0)} messages waited")
    yield


@contextmanager
def read_only_database(machine, notes):
    """As after a failover to a replica: it takes connections and refuses to write, then writes again."""
    server, _, name = machine.database_url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@contextmanager
def redis_away(machine, notes):
    """Nothing listens any more; people log in meanwhile."""
    machine.redis.cut()
    wrong = {"email": "nobody@example.com", "password": "not the right one"}
    login = requests.post(f"{machine.url}/v1/auth/login", json=wrong, timeout=30)
    notes.append(f"a login was answered {login.status_code}")
    yield
    machine.redis.restore()


@contextmanager
def full_disk(machine, notes):
    """Not a byte is left for recordings, uploads and temporary files (and SQLite, where that is the database)."""
    transcript = machine.call("POST", "/v1/transcripts", json={"name": "sent"}).json()["id"]
    filler = machine.folder / "filler"
    fill(filler)
    path = f"/v1/transcripts/{transcript}/record/upload?chunk_number=0&total_chunks=2"
    upload = machine.call("POST", path, files={"chunk": ("piece", b"x" * 2_000_000)})
    notes.append(f"an upload was answered {upload.status_code} {upload.headers['Content-Type']}")
    yield
    filler.unlink()
    upload = machine.call("POST", path, files={"chunk": ("piece", b"x" * 2_000_000)})
    notes.append(f"then {upload.status_code}")


@contextmanager
def killed_web_worker(machine, notes):
    """One of the two processes that answer is killed, as for want of memory."""
    os.kill(machine.pids("granian")[-1], signal.SIGKILL)
    yield


@contextmanager
def killed_web_server(machine, notes):
    """The process that starts those that answer is killed, and they with it."""
    os.kill(machine.pids("granian")[0], signal.SIGKILL)
    yield


@contextmanager
def wrong_clock(machine, notes):
    """Events whose time is 65 s before or after this machine's: more than a provider's rule lets through."""
    statuses = []
    for _ in range(20):
        for shift in (-65, 65):
            _, body = event()
            answer = requests.post(machine.url + PATH, body, headers=signed(body, shift), timeout=15)
            statuses.append(answer.status_code)
    notes.append(f"events with the wrong time were answered {sorted(set(statuses))}")
    yield
    query = "SELECT text FROM platforms_staffnotice WHERE resolved_at IS NULL AND key LIKE 'webhook-refused:%'"
    with suppress(AssertionError):
        wait_until(lambda: machine.rows(query), TOLD_WITHIN)
    told = machine.rows(query)
    notes.append(f"staff are told: {' '.join(text for (text,) in told) or 'nothing'}")


def fill(file):
    with file.open("wb", buffering=0) as filler:
        for size in (1024 * 1024, 4096, 1):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                continue


def queue_length(machine):
    if machine.redis:
        import redis

        with redis.Redis.from_url(machine.environment["REDIS_URL"]) as client:
            return client.llen("long")
    return len(list((machine.folder / "broker" / "queue").glob("*.long.msg")))


MAKE_AUDIO = f"""
from pathlib import Path
from django.conf import settings
from recordings.models import Transcript
file = Path(settings.DATA_DIR) / "recordings" / "long.mp3"
file.parent.mkdir(parents=True, exist_ok=True)
file.write_bytes(b"x" * {AUDIO})
print(Transcript.objects.create(name="long", source_kind="room", share_mode="public", audio_file="long.mp3").pk)
"""
MAKE_JOBS = f"""
import wave
from pathlib import Path
from django.conf import settings
from recordings.models import Submission, Recording
file = Path(settings.DATA_DIR) / "recordings" / "short.wav"
file.parent.mkdir(parents=True, exist_ok=True)
with wave.open(str(file), "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(bytes(32000))
made = Recording.objects.bulk_create(
    Recording(platform="mock", provider_recording_id=f"drill-{{n}}", state="stored", file="short.wav",
        size=file.stat().st_size, content_type="audio/wav", duration=1.0)
    for n in range({JOBS})
)
Submission.objects.bulk_create(Submission(recording=recording) for recording in made)
"""

# What each needs of the machine, and whether the product is to stay quick meanwhile.
SCENARIOS = {
    "players": (paused_players, None, True),
    "bodies": (unfinished_bodies, None, True),
    "jobs": (waiting_jobs, None, True),
    "read-only": (read_only_database, "is_postgres", False),
    "redis": (redis_away, "redis", False),
    "disk": (full_disk, "small_disk", False),
    "worker": (killed_web_worker, None, False),
    "server": (killed_web_server, None, False),
    "clock": (wrong_clock, None, True),
}


def run(machine, name):
    """What is wrong with how it went, in words."""
    disturb, _, must_be_quick = SCENARIOS[name]
    notes = []
    with Watch(machine) as watch:
        with disturb(machine, notes):
            time.sleep(SECONDS)
        well = watch.seconds_until_well()
    lost = watch.lost()
    show(name, watch, well, lost, notes)
    if must_be_quick and max(watch.p99("webhook"), watch.p99("health")) > QUICK:
        yield "too slow"
    if any(500 in watch.statuses(kind) for kind in KINDS) or any("answered 500" in note for note in notes):
        yield "answered 500"
    yield from (note for note in notes if note.startswith(UNDONE))
    if lost:
        yield f"{lost} events lost"
    if well is None:
        yield "not well again"
        machine.stop()
        machine.start()


def show(name, watch, well, lost, notes):
    print(f"\n{name}: {' '.join(SCENARIOS[name][0].__doc__.split())}")
    for kind in KINDS:
        found = ", ".join(f"{count} x {status}" for status, count in sorted(watch.statuses(kind).items(), key=str))
        print(f"  {kind:8} p99 {watch.p99(kind) or 0:6.3f} s   {found}")
    print(f"  accepted {len(watch.accepted)}, lost {lost}; well again after {'-' if well is None else f'{well:.1f} s'}")
    for note in notes:
        print(f"  {note}")


def main(names):
    wrong = []
    with tempfile.TemporaryDirectory() as folder, running_machine(Path(folder)) as machine:
        print(f"On {'PostgreSQL' if machine.is_postgres else 'SQLite'}, {'with' if machine.redis else 'without'} Redis")
        for name in names or SCENARIOS:
            needed = SCENARIOS[name][1]
            if needed and not getattr(machine, needed):
                print(f"\n{name}: not run, as this machine has none: {needed}")
                continue
            wrong += [f"{name}: {problem}" for problem in run(machine, name)]
            sys.stdout.flush()
    print("\n" + ("\n".join(wrong) or "All is well."))
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1:]))
