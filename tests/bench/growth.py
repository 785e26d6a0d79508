"""What grows with the tables: requests and tasks of the clock on few rows and on many, in turns, in one process.

On PostgreSQL (DATABASE_URL) 1,000 and 1,000,000 rows of each kind, on SQLite 1,000 and 20,000; FEW and MANY say
otherwise, EACH how many events a meeting and segments a transcript has, and ONLY (a regular expression) which lines.
Databases of its own are made and dropped again. Of what grew, the slowest statement's plan is printed.
"""

import os
import re
import statistics
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import django

from tests.bench import webhooks
from tests.bench.opening import provider_process
from tests.bench.server import SECRET_KEY, SERVER, bench_database, migrate

IS_POSTGRESQL = SERVER.startswith("postgres")
FEW = int(os.environ.get("FEW", 1_000))
MANY = int(os.environ.get("MANY", 1_000_000 if IS_POSTGRESQL else 20_000))
EACH = int(os.environ.get("EACH", 1))
ONLY = re.compile(os.environ.get("ONLY", ""))  # what is found in the names of lines that are measured
ROUNDS = 15
PATIENCE_SECONDS = 20.0  # for all rounds of one line
TARGET, DEEP_TARGET = 1.3, 3.0  # times
NOISE_MS = 1.0  # by which anything may differ
DEEP = ("last page", "common")
PLAN_LINES = 30
ADMIN_ROWS = 100  # of a page of a list


def main():
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        few, many = (stack.enter_context(database(folder, name)) for name in ("few", "many"))
        set_up(folder, few, stack.enter_context(provider_process(delay=0)))
        from tests.support.rows import fill

        stack.callback(django.db.connections.close_all)
        for address, count in ((few, FEW), (many, MANY)):
            use(address)
            began = time.monotonic()
            fill(count, segments=EACH, lines=EACH, events=EACH)
            log_in()
            events = f", {count * EACH:,} events and segments," if EACH > 1 else ""
            print(f"filled with {count:,} rows of each kind{events} in {time.monotonic() - began:.0f} s", flush=True)
        print(f"| request | {FEW:,} rows, p50 ms | {MANY:,} rows, p50 ms | ratio |\n| --- | --- | --- | --- |")
        grown = [line for line in lines() if ONLY.search(line[0]) and measure(line, few, many)]
        for name, run in grown:
            use(many)
            show_plan(name, run)


@contextmanager
def database(folder, name):
    if IS_POSTGRESQL:
        with bench_database() as address:
            yield address
    else:
        address = f"sqlite:///{Path(folder) / name}.sqlite3"
        migrate(address)
        yield address


def set_up(folder, address, provider):
    os.environ |= webhooks.KEYS | {
        "ENV_FILE": "",
        "SECRET_KEY": SECRET_KEY,
        "DEBUG": "false",
        "DATA_DIR": folder,
        "PUBLIC_URL": "http://localhost",
        "LOG_LEVEL": "ERROR",
        "WHEREBY_API_URL": provider,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": address,
    }
    django.setup()
    from django.core import management

    management.call_command("collectstatic", "--no-input", verbosity=0)


def use(address):
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = (
        address.rpartition("/")[2] if IS_POSTGRESQL else address.removeprefix("sqlite:///")
    )


def session_key(person):
    return f"{person.pk:032d}"


def log_in():
    """A session for each of those who look at pages."""
    from django.contrib import auth
    from django.contrib.sessions.backends.db import SessionStore

    for person in auth.get_user_model().objects.filter(username__in=["half", "few", "staff"]):
        session = SessionStore()
        session[auth.SESSION_KEY] = str(person.pk)
        session[auth.HASH_SESSION_KEY] = person.get_session_auth_hash()
        session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session._session_key = session_key(person)
        session.save(must_create=True)


def measure(line, few, many):
    """Whether it grew by more than it may."""
    name, run = line
    times = {few: [], many: []}
    for address in (few, many):
        use(address)
        run()  # warms up
    deadline = time.monotonic() + PATIENCE_SECONDS
    for _ in range(ROUNDS):
        for address, taken in times.items():
            use(address)
            django.db.connection.ensure_connection()
            began = time.perf_counter()
            run()
            taken.append((time.perf_counter() - began) * 1000)
        if time.monotonic() > deadline:
            break
    small, large = (statistics.median(taken) for taken in times.values())
    target = DEEP_TARGET if any(word in name for word in DEEP) else TARGET
    has_grown = large > small * target + NOISE_MS
    print(f"| {name} | {small:.2f} | {large:.2f} | x{large / small:.1f}{' (grown)' if has_grown else ''} |", flush=True)
    return has_grown


def lines():
    """What is measured: names, and functions that do it."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from config.celery import app
    from rooms.api.authentication import issue_token
    from tests.support.rows import COMMON, HALF, RARE
    from tests.support.rows import FEW as OWNER_OF_FEW

    app.loader.import_default_modules()
    people = get_user_model().objects
    staff = people.get(username="staff")
    owners = {"owner of 50": people.get(pk=OWNER_OF_FEW), "owner of half": people.get(pk=HALF)}

    def api(path, person):
        client, headers = Client(SERVER_NAME="localhost"), {"authorization": f"Bearer {issue_token(person)[0]}"}
        return lambda: answered(client.get(path(), headers=headers))

    def page(path, person):
        client = Client(SERVER_NAME="localhost")
        client.cookies[django.conf.settings.SESSION_COOKIE_NAME] = session_key(person)
        return lambda: answered(client.get(path()))

    def post(path, person, body):
        client, headers = Client(SERVER_NAME="localhost"), {"authorization": f"Bearer {issue_token(person)[0]}"}
        return lambda: answered(client.post(path, body, content_type="application/json", headers=headers))

    provider = Client(SERVER_NAME="localhost")

    def webhook():
        body, headers = webhooks.whereby_event()
        answered(provider.post("/v1/whereby/webhook", body, content_type="application/json", headers=headers))

    @cache
    def count_in(database, model):
        return model.objects.count()

    def count(model):
        """It is counted once: that is nothing of what is measured."""
        return count_in(django.db.connection.settings_dict["NAME"], model)

    def last(model, size, share=1):
        return lambda: max(1, count(model) // share // size)

    from platforms.listing import COUNTED
    from recordings.models import Transcript
    from rooms.models import Room

    rooms_end, transcripts_end = last(Room, 50, 2), last(Transcript, 50, 2)

    def admin_end():
        return min(count(Room), COUNTED) // ADMIN_ROWS

    for who, person in owners.items():
        yield f"rooms page 1, {who}", api(lambda: "/v1/rooms", person)
        yield f"transcripts page 1, {who}", api(lambda: "/v1/transcripts", person)
        yield f"search rare word, {who}", api(lambda: f"/v1/transcripts/search?q={RARE}000000020", person)
        yield f"search common word, {who}", api(lambda: f"/v1/transcripts/search?q={COMMON}", person)
        yield f"search without a word, {who}", api(lambda: "/v1/transcripts/search?q=", person)
        yield f"transcripts of a kind that few have, {who}", api(lambda: "/v1/transcripts?source_kind=live", person)
        yield f"recordings API, {who}", api(lambda: "/v1/recordings", person)
        yield f"home, {who}", page(lambda: "/", person)
    half = owners["owner of half"]
    yield "rooms last page, owner of half", api(lambda: f"/v1/rooms?page={rooms_end()}", half)
    yield "transcripts last page, owner of half", api(lambda: f"/v1/transcripts?page={transcripts_end()}", half)
    yield "transcripts search_term, owner of half", api(lambda: "/v1/transcripts?search_term=000000020", half)
    yield (
        "transcripts search_term of a common word, owner of half",
        api(lambda: "/v1/transcripts?search_term=meeting", half),
    )
    yield "search two words, owner of half", api(lambda: f"/v1/transcripts/search?q=word20+{RARE}000000020", half)
    yield "recordings API, staff", api(lambda: "/v1/recordings", staff)
    yield "search page, common word, owner of half", page(lambda: f"/search?q={COMMON}", half)
    yield "home, staff", page(lambda: "/", staff)
    yield "me", api(lambda: "/v1/me", half)
    yield "room by name", api(lambda: "/v1/rooms/name/room-000000020", half)
    yield "webhook", webhook
    yield "opening a meeting", post("/v1/rooms/room-000000002/meeting", half, {"allow_duplicated": True})
    yield "room page", page(lambda: "/room-000000001", half)
    yield "active meetings", api(lambda: "/v1/rooms/room-000000001/meetings/active", half)
    for name, path in ADMIN.items():
        yield f"Admin {name}", page(lambda path=path: f"/admin/{path}", staff)
    yield "Admin rooms, last page", page(lambda: f"/admin/rooms/room/?p={admin_end()}", staff)
    for name in TASKS:
        yield f"beat task {name}", app.tasks[name]


ADMIN = {
    "index": "",
    "background work": "background-work/",
    "rooms": "rooms/room/",
    "rooms, by live meetings": "rooms/room/?o=-5",
    "rooms, search": "rooms/room/?q=room-000000020",
    "meetings": "meetings/meeting/",
    "meetings, search": "meetings/meeting/?q=room-000000020",
    "meetings, live": "meetings/meeting/?state__exact=live",
    "webhook events": "platforms/webhookevent/",
    "recordings": "recordings/recording/",
    "recordings, search": "recordings/recording/?q=000000020",
    "transcripts": "recordings/transcript/",
    "transcripts, search": "recordings/transcript/?q=000000020",
    "transcripts with errors": "recordings/transcript/?status__exact=error",
    "transcripts without audio": "recordings/transcript/?audio_deleted__exact=1",
    "recordings, uploads": "recordings/recording/?kind__exact=upload",
    "recordings to retry": "recordings/recording/?can_retry__exact=1",
    "answers": "recordings/consent/",
    "answers, search": "recordings/consent/?q=nobody",
    "work of fetching": "recordings/ingest/",
    "work of fetching, search": "recordings/ingest/?q=nobody",
    "work of transcribing": "recordings/submission/",
    "provider calls": "meetings/providercall/",
}
TASKS = [
    "platforms.tasks.sweep",
    "platforms.tasks.watch",
    "platforms.tasks.prune_webhook_events",
    "meetings.tasks.open_scheduled_meetings",
    "rooms.tasks.watch_rollout",
    "rooms.tasks.sync_calendars",
    "recordings.tasks.enforce_consent",
    "recordings.tasks.enforce_all_consent",
    "recordings.tasks.prune_recordings",
]


def answered(response):
    if response.status_code != 200:
        raise SystemExit(f"growth: {response.request['PATH_INFO']} answered {response.status_code}")


def show_plan(name, run):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        run()
    slowest = max(
        (query for query in queries if query["sql"].lstrip().startswith(("SELECT", "WITH"))),
        key=lambda query: float(query["time"]),
    )
    explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)" if IS_POSTGRESQL else "EXPLAIN QUERY PLAN"
    print(f"\n{name}: {len(queries)} statements, the slowest took {float(slowest['time']) * 1000:.0f} ms")
    print(slowest["sql"][:1500])
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"{explain} {slowest['sql']}")
            for row in cursor.fetchall()[:PLAN_LINES]:
                print("   ", row[-1])
        except django.db.Error as error:
            print("    no plan:", error)


if __name__ == "__main__":
    main()
