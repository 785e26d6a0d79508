"""Webhooks while the broker or the database is gone, or hangs: what is answered, how soon, and that nothing is lost."""

import json
import socket
import sqlite3
import threading
import time
import uuid
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings as project
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from platforms.models import WebhookEvent
from platforms.types import WebhookSummary
from platforms.webhooks import inbox
from tests.bench.loader import fire
from tests.support.live import Product, fresh_database, running_product, sqlite_database, wait_until
from tests.support.live_inbox import celery, deliver, http_requests, inbox_of, port_of, process
from tests.support.locks import is_somebody_waiting
from tests.support.tcp_proxy import TcpProxy

# STORE_TIMEOUT_SECONDS, and what a busy machine adds; who waited for the database would take longer.
QUICKLY = inbox.STUCK_SECONDS - 1
WAITS_FOR_NOTHING = 1.0  # seconds; a broker that does not answer is waited for longer


# The broker


def tried(counted):
    """How many events were worked at, whatever became of them."""
    return sum(number for (_, was_tried), number in counted.items() if was_tried)


def test_events_are_taken_at_once_while_the_broker_hangs_and_while_it_is_gone(tmp_path):
    hole = socket.create_server(("127.0.0.1", 0), backlog=100)
    broker = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
    with running_product(tmp_path, CELERY_BROKER_URL=broker) as product:
        fire(port_of(product), http_requests(20), connections=4)
        hanging = fire(port_of(product), http_requests(500), connections=4)
        hole.close()
        gone = fire(port_of(product), http_requests(500), connections=4)
        for load in (hanging, gone):
            assert dict(load.statuses) == {200: 500}
            assert load.percentile(0.99) < WAITS_FOR_NOTHING
        with inbox_of(product.environment["DATABASE_URL"]) as count:
            assert count() == {("waiting", False): 1020}
            process(product)
            assert tried(count()) == 1020  # nobody knows their room, so that they wait or rest


@pytest.mark.drill
@pytest.mark.redis
@pytest.mark.parametrize("outage", ["hang", "cut"])
def test_workers_go_on_by_themselves_when_the_broker_is_back(tmp_path, outage):
    redis = urlsplit(project.REDIS_URL)
    with TcpProxy(redis.hostname, redis.port or 6379) as proxy:
        broker = f"redis://127.0.0.1:{proxy.port}/14"
        with (
            running_product(tmp_path, CELERY_BROKER_URL=broker) as product,
            inbox_of(product.environment["DATABASE_URL"]) as count,
            celery(product, "worker", "beat"),
        ):
            fire(port_of(product), http_requests(20), connections=4)
            wait_until(lambda: tried(count()) == 20)
            getattr(proxy, outage)()
            load = fire(port_of(product), http_requests(400), connections=4)
            time.sleep(3)  # the workers notice
            proxy.restore()
            assert dict(load.statuses) == {200: 400}
            assert load.percentile(0.99) < WAITS_FOR_NOTHING
            wait_until(lambda: tried(count()) == 420, seconds=40)


# The database


def assert_to_be_sent_again(answer, seconds):
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert json.loads(answer.content) == {"detail": "Try again later."}
    assert seconds < QUICKLY


def test_a_database_that_is_locked_is_not_waited_for(tmp_path):
    file = tmp_path / "locked.sqlite3"
    product = Product(tmp_path, sqlite_database(file))
    try:
        product.start()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            assert deliver(product)[0].status_code == 200
            other.execute("BEGIN IMMEDIATE")
            assert_to_be_sent_again(*deliver(product))
            other.execute("COMMIT")
            assert deliver(product)[0].status_code == 200
            assert other.execute("SELECT count(*) FROM platforms_webhookevent").fetchone()[0] in {2, 3}
    finally:
        product.stop()


@pytest.fixture
def proxied(tmp_path):
    """A product whose PostgreSQL server can be cut off, its proxy, and the address that stays."""
    server = project.DATABASES["default"]
    with fresh_database(tmp_path) as address, TcpProxy(server["HOST"], int(server["PORT"] or 5432)) as proxy:
        parts = urlsplit(address)
        credentials = parts.netloc.rpartition("@")[0]
        product = Product(tmp_path, parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl())
        try:
            product.start()
            yield product, proxy, address
        finally:
            product.stop()


def deliver_for_a_while(product, seconds=6.0, crowd=4):
    """Deliveries by several senders, as a provider goes on: each answer and the seconds it took."""
    answers, end = [], time.monotonic() + seconds

    def sender():
        while time.monotonic() < end:
            answers.append(deliver(product))
            time.sleep(0.05)

    threads = [threading.Thread(target=sender) for _ in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def all_taken(answers):
    """The answers, where each says that the event is kept; a first 200 says so of one of the connections only."""
    return answers if {answer.status_code for answer, _ in answers} == {200} else []


@pytest.mark.drill
@pytest.mark.postgres
@pytest.mark.parametrize(("outage", "used_before"), [("cut", True), ("hang", True), ("hang", False)])
def test_while_the_database_is_gone_events_are_to_be_sent_again(proxied, outage, used_before):
    product, proxy, address = proxied
    if used_before:
        for _ in range(10):
            assert deliver(product)[0].status_code == 200
    getattr(proxy, outage)()
    for answer, seconds in deliver_for_a_while(product):
        assert_to_be_sent_again(answer, seconds)
    proxy.restore()
    answers = wait_until(lambda: all_taken(deliver_for_a_while(product, seconds=1)), seconds=20)
    with inbox_of(address) as count:
        assert sum(count().values()) >= len(answers) + 10 * used_before


@pytest.mark.postgres
def test_a_database_that_was_restarted_between_two_events_is_not_noticed(proxied):
    product, proxy, _ = proxied
    assert deliver(product)[0].status_code == 200
    proxy.cut()
    proxy.restore()
    assert deliver(product)[0].status_code == 200


@pytest.mark.postgres
def test_a_table_that_is_locked_is_not_waited_for(proxied):
    product, _, address = proxied
    assert deliver(product)[0].status_code == 200
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE platforms_webhookevent")
        assert_to_be_sent_again(*deliver(product))
    wait_until(lambda: deliver(product)[0].status_code == 200, seconds=5)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_event_that_cannot_be_stored_keeps_no_other_one_out():
    """Adapters promise text that fits a column; one that breaks it harms its own platform only."""
    outcomes = {}

    def store(number):
        try:
            inbox.store("mock", WebhookSummary(key=str(number), type="\x00" if number == 5 else "x"), b"{}")
            outcomes[number] = "stored"
        except (DatabaseError, ValueError) as error:
            outcomes[number] = type(error).__name__

    with connection.cursor():
        threads = [threading.Thread(target=store, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes.pop(5) != "stored"
    assert set(outcomes.values()) == {"stored"}
    assert WebhookEvent.objects.count() == 19


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_processes_that_store_the_same_events_at_once_never_wait_for_each_other():
    """A provider sent them twice; one of the two waits for the other, in whatever order they came."""
    now = timezone.now()
    one, two = ((uuid.UUID(int=number), "mock", "", "x", b"{}", now, now) for number in (1, 2))
    errors = []

    def store():
        try:
            inbox._insert([two, one])
        except DatabaseError as error:
            errors.append(error)
        finally:
            connections.close_all()

    other = threading.Thread(target=store)
    with transaction.atomic():
        inbox._insert([one])
        other.start()
        wait_until(is_somebody_waiting, seconds=20)
        inbox._insert([two])
    other.join()
    assert errors == []
    assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_events_that_come_together_are_stored_together():
    """One that holds the database up for a moment lets the others gather."""
    count, start = 64, threading.Barrier(65)

    def store(number):
        start.wait()
        inbox.store("mock", WebhookSummary(key=str(number)), b"{}")

    threads = [threading.Thread(target=store, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert WebhookEvent.objects.count() == count
