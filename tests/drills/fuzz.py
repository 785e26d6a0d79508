"""`python -m tests.drills.fuzz api [seconds]`: all operations of the OpenAPI document are called on a running product,
with and without credentials, by schemathesis: its examples, the limits of each parameter, and made-up values.

`python -m tests.drills.fuzz webhooks [deliveries]`: real events with some bytes or a value exchanged, signed as their
provider signs, are sent to a running product; 50,000 if not said otherwise.

Each ends with 1 where anything was answered with an error of the server's, against the document, or without the
credentials that the document asks for.
"""

import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import django
import requests

from platforms.testing.malformed import damaged
from tests.support.live import ROOT, running_product

PAYLOADS = ROOT / "tests" / "payloads"
API_SECONDS = 120  # with credentials, and as long without
DELIVERIES = 50_000
SENDERS = 8
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
PHASES = "examples,coverage,fuzzing"
# What ends the credentials, what answers for as long as somebody listens, and what says 503 where no scheduler runs.
LEFT_OUT = ("/v1/auth/logout", "/v1/events", "/v1/transcripts/{transcript_id}/events", "/ready")
FIGURES = re.compile(r"generated|passed|failed|Operations|Selected|unique failures|test cases", re.IGNORECASE)


@contextmanager
def product(**variables):
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder), **variables) as product:
        yield product


def fuzz_api(seconds=API_SECONDS, examples=100):
    """Whether all was well."""
    with product() as live:
        token = live.sign_in()
        results = [
            run(live, "without credentials", seconds, examples),
            run(live, "with credentials", seconds, examples, "--header", f"Authorization: Bearer {token}"),
        ]
    return all(results)


def run(live, name, seconds, examples, *arguments):
    url = live.servers[0][0]
    program = str(Path(sys.executable).absolute().with_name("schemathesis"))
    command = [
        *(program, "run", f"{url}/openapi.json", "--no-color"),
        *("--checks", ",".join(CHECKS), "--phases", PHASES, "--max-examples", str(examples)),
        *("--max-time", str(seconds), "--request-timeout", "60", "--seed", "1", "--no-shrink", "--continue-on-failure"),
        *("--warnings", "off"),
        *(word for path in LEFT_OUT for word in ("--exclude-path", path)),
        *arguments,
    ]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:  # it keeps what it found beside itself
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds + 300, check=False)
    print(f"{name}: {time.monotonic() - began:.0f} s")
    print(done.stdout if done.returncode else "\n".join(filter(FIGURES.search, done.stdout.splitlines())))
    print(done.stderr, end="")
    return done.returncode == 0


def fuzz_webhooks(deliveries=DELIVERIES):
    """Whether all was well."""
    from tests.support.deliveries import PLATFORMS, SECRETS, signed

    chance = random.Random(20260101)
    sources = {platform: list(events(platform)) for platform in PLATFORMS}
    secrets = {f"{name.upper()}_WEBHOOK_SECRET": SECRETS[name] for name in ("whereby", "daily")}
    keys = {"WHEREBY_API_KEY": "key", "DAILY_API_KEY": "key"}
    bodies = ((name, mutated(chance, sources[name])) for name in chance.choices(PLATFORMS, k=deliveries))
    began = time.monotonic()
    with product(**secrets, **keys) as live, ThreadPoolExecutor(SENDERS) as senders:
        url = live.servers[0][0]
        sessions = threading.local()

        def send(delivery):
            name, body = delivery
            if not hasattr(sessions, "session"):
                sessions.session = requests.Session()
            headers = {"Content-Type": "application/json", **signed(name, body)}
            return name, sessions.session.post(
                f"{url}/v1/{name}/webhook", body, headers=headers, timeout=60
            ).status_code

        statuses = Counter()
        for batch in iter(lambda: list(itertools.islice(bodies, 1000)), []):
            statuses.update(senders.map(send, batch))
    seconds = time.monotonic() - began
    print(f"{sum(statuses.values())} mutated bodies with a good signature in {seconds:.0f} s")
    for (name, status), count in sorted(statuses.items()):
        print(f"  {name:8} {status}: {count}")
    refused = sum(count for (_, status), count in statuses.items() if status != 200)
    print("All were taken." if not refused else f"{refused} were not taken.")
    return not refused


def events(platform):
    """As they were captured, and one that the tests make where none was."""
    from tests.support.deliveries import new_event

    yield new_event(platform)
    for file in sorted((PAYLOADS / platform).glob("*.json")):
        yield json.dumps(json.loads(file.read_bytes()), separators=(",", ":")).encode()


def mutated(chance, sources):
    """With a field missing or holding something else, or with some bytes exchanged."""
    body = chance.choice(sources)
    if chance.random() < 0.5:
        start, length = chance.randrange(len(body)), chance.randrange(8)
        return body[:start] + chance.randbytes(chance.randrange(8)) + body[start + length :]
    return chance.choice(damaged_of(body))


@cache
def damaged_of(body):
    return list(damaged(json.loads(body)))


PARTS = {"api": fuzz_api, "webhooks": fuzz_webhooks}

if __name__ == "__main__":
    django.setup()
    sys.exit(not PARTS[sys.argv[1]](*map(int, sys.argv[2:])))
