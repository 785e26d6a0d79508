"""A database that only reads for a while, as after a fail-over: what is answered, and that all is well right after."""

from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.live import running_product, wait_until
from tests.support.live_inbox import celery, deliver, inbox_of

pytestmark = [pytest.mark.postgres, pytest.mark.drill]
PRODUCTION = {"DEBUG": "false", "ALLOWED_HOSTS": "127.0.0.1", "MOCK_PLATFORM_ENABLED": "true"}


@contextmanager
def reading_only(address):
    """All connections end, and what is connected to then is a standby; it is promoted, and its connections stay."""
    name = urlsplit(address).path.strip("/")
    with psycopg.connect(address, dbname="postgres", autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        server.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def make_room(product, token):
    return product.api("POST", "/v1/rooms", token=token, json={"name": "standup", "platform": "mock"})


def assert_put_off(answer, kind):
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith(kind)


def test_requests_are_put_off_and_all_is_well_when_it_writes_again(tmp_path):
    with running_product(tmp_path, servers=0, **PRODUCTION) as product:
        product.manage("collectstatic", "--no-input", "--verbosity=0")
        product.start()
        token = product.sign_in()
        assert deliver(product)[0].status_code == 200
        with reading_only(product.environment["DATABASE_URL"]):
            for _ in range(40):  # of each thread's connection, as many as there are
                assert_put_off(deliver(product)[0], "application/json")
                assert_put_off(make_room(product, token), "application/json")
            assert_put_off(product.log_in_by_form("/login"), "text/html")
            assert product.api("GET", "/v1/rooms", token=token).status_code == 200
        wait_until(lambda: deliver(product)[0].status_code == 200, seconds=10, every=0.5)
        assert make_room(product, token).status_code == 200
        assert product.log_in_by_form("/login").status_code == 302
        for _ in range(40):
            assert deliver(product)[0].status_code == 200


def test_workers_go_on_by_themselves_and_say_so_in_a_line(tmp_path):
    with running_product(tmp_path) as product:
        address, log = product.environment["DATABASE_URL"], tmp_path / "product.log"
        assert deliver(product)[0].status_code == 200
        with celery(product, "worker", "beat"):
            with reading_only(address):
                wait_until(lambda: "task_put_off task=platforms.tasks.run_due" in log.read_text())
            with inbox_of(address) as count:
                wait_until(lambda: count() == {("waiting", True): 1})
        assert "Traceback" not in log.read_text()
