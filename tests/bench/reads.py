"""What reading by the API costs, beside a plain Django view with the same statements and the same JSON.

CPU of the web server's processes for each request; both are loaded in turns, in one run, on the same database.
PostgreSQL only: its address is DATABASE_URL, and a database of its own is made there. ONLY names a part of a line's
name.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
from collections import Counter, defaultdict

import django

from tests.bench import webhooks
from tests.bench.loader import fire
from tests.bench.server import SECRET_KEY, SERVER, bench_database, web_server

ONLY = os.environ.get("ONLY", "")
ROUNDS = int(os.environ.get("ROUNDS", 5))
CONNECTIONS = 8
ROOMS = 2_000  # of which the reader owns every second
LINES = 100  # said in each transcript
TARGET, LOOSE_TARGET = 1.3, 1.6  # times a plain view
LIVE = "00000002-0000-0000-0000-0000000003e9"  # the meeting of room 1,001, as tests.support.rows makes it
LINES_OF_TABLE = {
    # What it is called, the address, how many requests a round has, and the target.
    "GET /v1/me": ("GET", "/v1/me", 600, TARGET),
    "GET one room": ("GET", "/v1/rooms/name/room-000000020", 300, TARGET),
    "GET active meetings": ("GET", "/v1/rooms/room-000001001/meetings/active", 300, TARGET),
    "GET rooms, 100 of 1,000": ("GET", "/v1/rooms?size=100", 80, TARGET),
    "POST meeting, a live one exists": ("POST", "/v1/rooms/room-000001001/meeting", 300, LOOSE_TARGET),
    "POST join": ("POST", f"/v1/rooms/room-000001001/meetings/{LIVE}/join", 300, LOOSE_TARGET),
    "GET transcripts, page of 50": ("GET", "/v1/transcripts", 100, TARGET),
    "GET search": ("GET", "/v1/transcripts/search?q=word1", 100, LOOSE_TARGET),
    "webhook accepted": ("POST", "/v1/whereby/webhook", 1500, TARGET),
}


def main():
    if not SERVER.startswith("postgres"):
        sys.exit("reads: set DATABASE_URL to a PostgreSQL server; a database is made there and dropped again.")
    with bench_database() as address:
        token = prepare(address)
        plain = {"DJANGO_SETTINGS_MODULE": "tests.bench.plain_settings"}
        with (
            web_server(address, **webhooks.KEYS) as ours,
            web_server(address, **webhooks.KEYS, **plain) as floor,
        ):
            print("| server CPU a request, ms | ours | plain view | ours / plain | target |")
            print("| --- | --- | --- | --- | --- |")
            for name, (method, path, count, target) in LINES_OF_TABLE.items():
                if ONLY in name:
                    compare(name, {"ours": ours, "plain": floor}, (method, path, token, count), target)


def compare(name, servers, load, target):
    rounds = defaultdict(list)
    for number in range(ROUNDS + 1):
        for which, server in servers.items():
            cost = one_round(server, *load)
            if number:  # the first warms up
                rounds[which].append(cost * 1000)
    ours, plain = (statistics.median(rounds[which]) for which in servers)
    print(f"| {name} | {ours:.2f} | {plain:.2f} | {ours / plain:.2f} | <= {target} |", flush=True)


def one_round(server, method, path, token, count):
    """Seconds of the server's CPU for each request."""
    before = server.cpu()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load = pool.apply(load_with, (server.port, method, path, token, count))
    if set(load.statuses) != {200}:
        sys.exit(f"reads: {path} answered {dict(Counter(load.statuses))}")
    return (server.cpu() - before) / count


def load_with(port, method, path, token, count):
    if path.endswith("/webhook"):
        prepared = [webhooks.http_request(path, *webhooks.whereby_event()) for _ in range(count)]
    else:
        body = b"{}" if method == "POST" else b""
        request = webhooks.http_request(path, body, {"Authorization": f"Bearer {token}"})
        prepared = [request.replace(b"POST", method.encode(), 1)] * count
    return fire(port, prepared, CONNECTIONS)


def prepare(address):
    """Fill the database; a bearer token of who reads."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "ENV_FILE": "",
            "SECRET_KEY": SECRET_KEY,
            "DEBUG": "false",
            "DATA_DIR": folder,
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": address,
        } | webhooks.KEYS
        django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection

    from meetings.models import Meeting
    from meetings.opening import slots_for
    from rooms.api.authentication import issue_token
    from rooms.models import Room
    from rooms.selection import current_policy, select_for_room
    from tests.support.rows import HALF, fill

    fill(ROOMS, lines=LINES)
    room = Room.objects.get(name="room-000001001")
    slot = slots_for(room, select_for_room(room, current_policy()))[0]
    Meeting.objects.filter(room=room).update(slot=slot)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, platform text, body bytea)")
    token, _ = issue_token(get_user_model().objects.get(pk=HALF))
    connection.close()
    return token


if __name__ == "__main__":
    main()
