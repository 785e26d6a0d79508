"""A connection that was left alone for a while is checked by the first statement that goes over it."""

import psycopg
import pytest
from django.db import DataError, Error, connection, transaction
from django.test.utils import CaptureQueriesContext

from config.postgresql import base
from platforms.statements import Asked, ask
from platforms.work.database import is_away

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ONE = Asked("SELECT 1", [])


@pytest.fixture
def server_process():
    """That of a connection as the next request finds it."""
    assert ask(ONE) == [[(1,)]]
    connection.close_if_unusable_or_obsolete()
    assert not connection.health_check_done
    return process()


def process():
    return connection.connection.info.backend_pid


def test_the_check_takes_no_statement_of_its_own(server_process):
    with CaptureQueriesContext(connection) as asked:
        assert ask(ONE, Asked("SELECT %s", ["two"])) == [[(1,)], [("two",)]]
        assert ask(ONE) == [[(1,)]]
    assert len(asked) == 2
    assert process() == server_process


def test_one_that_the_server_has_ended_is_replaced(server_process):
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [server_process])
    assert ask(ONE) == [[(1,)]]
    assert process() != server_process


def test_one_to_a_server_that_only_reads_is_replaced(server_process):
    connection.connection.execute("SET default_transaction_read_only = on")
    assert ask(ONE) == [[(1,)]]
    assert process() != server_process


def test_a_mistake_in_what_is_asked_is_no_reason_to_replace_it(server_process):
    with pytest.raises(DataError):
        ask(Asked("SELECT 1 / 0", []))
    assert ask(ONE) == [[(1,)]]
    assert process() == server_process


def test_one_that_is_left_alone_in_a_transaction_gives_back_what_it_holds(monkeypatch):
    """As that of a machine that is cut off, which can tell nobody."""
    connection.close()
    monkeypatch.setattr(base, "IDLE_SECONDS", 0.2)
    with pytest.raises(Error) as caught:
        hold_until_another_takes_it()
    assert is_away(caught.value)
    connection.close()


def hold_until_another_takes_it():
    held = Asked("SELECT pg_advisory_xact_lock(7)", [])
    with transaction.atomic():
        ask(held)
        dsn = connection.connection.info.dsn
        with psycopg.connect(dsn, options="-c lock_timeout=20s", autocommit=True) as other:
            other.execute(held.sql)
        ask(ONE)
