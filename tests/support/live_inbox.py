"""The inbox of a running product: deliveries over the wire, the workers, and what is in the database."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg
import requests

from tests.support.deliveries import new_event, signed
from tests.support.live import ROOT


def port_of(product):
    return urlsplit(product.servers[0][0]).port


def http_requests(count):
    """Signed deliveries, each as the bytes that go over the wire."""
    for _ in range(count):
        body = new_event("mock")
        headers = {"Host": "localhost", "Content-Length": len(body), **signed("mock", body)}
        lines = ["POST /v1/mock/webhook HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        yield "\r\n".join([*lines, "", ""]).encode() + body


def deliver(product):
    """One event over a connection of its own: the answer, and the seconds it took."""
    body = new_event("mock")
    started = time.monotonic()
    answer = requests.post(
        f"{product.servers[0][0]}/v1/mock/webhook", data=body, headers=signed("mock", body), timeout=20
    )
    return answer, time.monotonic() - started


@contextmanager
def reading(database_url):
    """Asks a product's database, as `ask(sql)`."""
    if database_url.startswith("sqlite"):
        database = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=20)
    else:
        database = psycopg.connect(database_url, autocommit=True)
    with closing(database):
        yield lambda sql: database.execute(sql).fetchall()


@contextmanager
def inbox_of(database_url):
    """Counts the events in a product's inbox, by state and by whether they have been tried."""
    with reading(database_url) as ask:
        query = "SELECT state, attempts > 0, count(*) FROM platforms_webhookevent GROUP BY 1, 2"
        yield lambda: {(state, bool(tried)): number for state, tried, number in ask(query)}


def process(product):
    """What workers do on messages or after a sweep, in a process of its own, until nothing is due."""
    script = (
        "import django; django.setup(); from platforms.work.models import run_due; "
        "from platforms.models import WebhookEvent; run_due(WebhookEvent, seconds=240)"
    )
    environment = product.environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, timeout=300)


@contextmanager
def celery(product, *roles):
    options = {
        "worker": ["worker", "-Q", "quick", "-c", "1", "--without-mingle", "--without-gossip"],
        "beat": ["beat"],
    }
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    processes = [subprocess.Popen([*command, *options[role]], **product._where) for role in roles]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.wait()
