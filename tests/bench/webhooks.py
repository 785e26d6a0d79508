"""How many webhooks are taken in, and for how much CPU, beside the least that a Django view could do.

Every figure is a ratio of two loads that took turns in one run on the same server. PostgreSQL only: its address is
DATABASE_URL, and a database of its own is made there.
"""

import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import statistics
import sys
import time
import uuid
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.bench.loader import fire
from tests.bench.server import SERVER, bench_database, web_server

CONNECTIONS = 16
ROUNDS = 5
REQUESTS = 4_000  # in a round
FEW, MANY = 1_000, 1_000_000  # rows
DAILY_SECRET = base64.b64encode(bytes(range(32))).decode()
WHEREBY_SECRET = "bench-secret-of-whereby"
KEYS = {
    "WHEREBY_API_KEY": "key",
    "WHEREBY_WEBHOOK_SECRET": WHEREBY_SECRET,
    "DAILY_API_KEY": "key",
    "DAILY_WEBHOOK_SECRET": DAILY_SECRET,
}


def main():
    if not SERVER.startswith("postgres"):
        sys.exit("webhooks: set DATABASE_URL to a PostgreSQL server; a database is made there and dropped again.")
    with bench_database() as few, webhook_server(few) as server:
        compare(server, "whereby")
        compare(server, "daily")
    with bench_database() as few, bench_database() as many:
        fill(few, 1_000)
        fill(many, MANY)
        with webhook_server(few) as small, webhook_server(many) as large:
            compare_sizes(small, large)


def compare(server, platform):
    paths = {
        "product": f"/v1/{platform}/webhook",
        "insert": f"/insert/{platform}",  # the smallest view that verifies and inserts a row
        "verify": f"/verify/{platform}",  # the same without the row
    }
    loads = take_turns({name: (server, path) for name, path in paths.items()}, platform)
    show(platform, loads)
    ours, insert, verify = (loads[name] for name in paths)
    print(f"{platform}: accepted per second / insert: {ours.rate / insert.rate:.2f} (target >= 0.70)")
    print(f"{platform}: server CPU per webhook / insert: {ours.cpu / insert.cpu:.2f} (target <= 1.50)")
    print(f"{platform}: server CPU per webhook / verify: {ours.cpu / verify.cpu:.2f}")


def compare_sizes(small, large):
    path = "/v1/daily/webhook"
    loads = take_turns({f"{FEW:,} rows": (small, path), f"{MANY:,} rows": (large, path)}, "daily")
    show("daily", loads)
    few, many = loads.values()
    print(f"daily: server CPU per webhook, {MANY:,} rows / {FEW:,}: {many.cpu / few.cpu:.2f} (target <= 1.10)")
    print(f"daily: server and database CPU, {MANY:,} rows / {FEW:,}: {many.all_cpu / few.all_cpu:.2f} (target <= 1.10)")


def show(platform, loads):
    for name, load in loads.items():
        print(
            f"{platform}: {name}: {load.rate:.0f}/s, CPU each: server {load.cpu * 1e6:.0f} us, "
            f"database {load.database_cpu * 1e6:.0f} us; p99 {load.p99 * 1000:.1f} ms"
        )


@dataclass
class Figures:
    """Medians over the rounds; CPU in seconds a request."""

    rate: float
    cpu: float
    database_cpu: float
    p99: float

    @property
    def all_cpu(self):
        return self.cpu + self.database_cpu


def take_turns(targets, platform):
    rounds = defaultdict(list)
    for number in range(ROUNDS + 1):
        for name, (server, path) in targets.items():
            figures = one_round(server, path, platform)
            if number:  # the first warms up
                rounds[name].append(figures)
    return {
        name: Figures(*(statistics.median(getattr(f, field) for f in found) for field in Figures.__annotations__))
        for name, found in rounds.items()
    }


def one_round(server, path, platform):
    cpu, database_cpu = server.cpu(), server.database_cpu()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load = pool.apply(load_with, (server.port, path, platform))
    if set(load.statuses) != {200}:
        sys.exit(f"webhooks: {path} answered {dict(Counter(load.statuses))}")
    count = len(load.latencies)
    return Figures(
        load.rate, (server.cpu() - cpu) / count, (server.database_cpu() - database_cpu) / count, load.percentile(0.99)
    )


def load_with(port, path, platform):
    build = {"daily": daily_event, "whereby": whereby_event}[platform]
    prepared = [http_request(path, *build()) for _ in range(REQUESTS)]
    return fire(port, prepared, CONNECTIONS)


def http_request(path, body, headers):
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def daily_event():
    session, now = str(uuid.uuid4()), time.time()
    event = {
        "version": "1.0.0",
        "type": "participant.joined",
        "id": f"ptcpt-join-{session}-{now * 1000:.0f}",
        "payload": {
            "room": "standup-20260101000000",
            "user_id": "u-1",
            "user_name": "Ada",
            "session_id": session,
            "joined_at": now,
            "will_eject_at": None,
            "owner": False,
            "permissions": {"hasPresence": True, "canSend": True, "canReceive": {"base": True}, "canAdmin": False},
        },
        "event_ts": now,
    }
    body, timestamp = json.dumps(event, separators=(",", ":")).encode(), f"{now * 1000:.0f}"
    signed = hmac.new(base64.b64decode(DAILY_SECRET), timestamp.encode() + b"." + body, hashlib.sha256).digest()
    return body, {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": base64.b64encode(signed).decode()}


def whereby_event():
    event = {
        "id": os.urandom(32).hex(),
        "apiVersion": "1.0",
        "createdAt": "2026-01-02T03:04:05.678Z",
        "type": "room.client.joined",
        "data": {
            "meetingId": "82490894",
            "roomName": "/team-00000000-0000-4000-8000-000000000001",
            "subdomain": "acme",
            "roomSessionId": None,
            "participantId": str(uuid.uuid4()),
            "displayName": "Zoë",
            "roleName": "visitor",
            "numClients": 1,
            "numClientsByRoleName": {"host": 1},
            "isDialIn": False,
            "metadata": None,
            "externalId": None,
        },
    }
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    timestamp = str(int(time.time()))
    digest = hmac.new(WHEREBY_SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return body, {"Whereby-Signature": f"t={timestamp},v1={digest}"}


@contextmanager
def webhook_server(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, platform text, body bytea)")
    with web_server(database_url, **KEYS) as server:
        yield server


def fill(database_url, rows):
    """Processed events of the last month, as real ones in all that costs: length of the body, spread of the keys."""
    body, _ = daily_event()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO platforms_webhookevent (id, platform, event_id, type, body, room_name, meeting_id, outcome,
                received_at, state, attempts, next_attempt_at, last_error, finished_at)
            SELECT gen_random_uuid(), 'daily', 'ptcpt-join-' || number, 'participant.joined', %(body)s, 'standup', '',
                'applied', moment, 'done', 1, moment, '', moment
            FROM generate_series(1, %(rows)s) AS number,
                LATERAL (SELECT now() - interval '30 days' * (1 - number::float / %(rows)s) AS moment) AS at
            """,
            {"body": body, "rows": rows},
        )
        connection.execute("VACUUM ANALYZE platforms_webhookevent")
        connection.execute("CHECKPOINT")


if __name__ == "__main__":
    main()
