"""What only reads is asked without cursors: with the same answers, errors and records of what was asked."""

import datetime
import uuid
from decimal import Decimal

import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from platforms.statements import Asked, ask
from rooms.models import Room

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

VALUES = [
    *(None, True, 7, 2**40, 0.5, Decimal("1.50"), "a text of 'quotes', %s and ä 漢", b"\x00\xff", uuid.UUID(int=7)),
    *(datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC), datetime.date(2026, 1, 2), ["a", "b"]),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_as_by_a_cursor(value):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s, 'x' WHERE %s IS NOT DISTINCT FROM %s", [value] * 3)
        same = cursor.fetchall()
    assert ask(Asked("SELECT %s, 'x' WHERE %s IS NOT DISTINCT FROM %s", [value] * 3)) == [same]


def test_several_statements_may_give_many_rows_none_or_no_answer_at_all():
    numbers = Asked("SELECT generate_series(1, 3)", [])
    nothing = Asked("SELECT 1 WHERE %s", [False])
    setting = Asked("SET LOCAL enable_seqscan = off", [])
    assert ask(numbers, nothing, setting, numbers) == [[(1,), (2,), (3,)], [], [], [(1,), (2,), (3,)]]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT 1 / 0", DataError),
        ("SELECT nothing FROM nowhere", ProgrammingError),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", OperationalError),
    ],
)
def test_an_error_is_djangos_and_leaves_the_connection_as_it_was(sql, error):
    with pytest.raises(error) as by_cursor, connection.cursor() as cursor:
        cursor.execute(sql)
    with pytest.raises(error) as raised:
        ask(Asked("SELECT 1", []), Asked(sql, []))
    assert str(raised.value).splitlines()[0] == str(by_cursor.value).splitlines()[0]
    assert type(raised.value.__cause__) is type(by_cursor.value.__cause__)
    assert ask(Asked("SELECT 1", [])) == [[(1,)]]


def test_a_transaction_sees_what_it_wrote(owner):
    with transaction.atomic():
        Room.objects.create(name="standup", owner=owner)
        assert ask(Asked("SELECT name FROM rooms_room", [])) == [[("standup",)]]
        transaction.set_rollback(True)
    assert ask(Asked("SELECT name FROM rooms_room", [])) == [[]]


def test_who_listens_to_statements_hears_of_them():
    heard = []

    def listen(execute, sql, *others):
        heard.append(sql)
        return execute(sql, *others)

    with connection.execute_wrapper(listen):
        ask(Asked("SELECT 1", []))
    with CaptureQueriesContext(connection) as captured:
        ask(Asked("SELECT 2", []))
    assert ["SELECT 1" in sql for sql in heard] == [True]
    assert ["SELECT 2" in query["sql"] for query in captured] == [True]


def test_a_connection_that_was_closed_is_made_anew():
    ask(Asked("SELECT 1", []))
    connection.close()
    assert ask(Asked("SELECT 1", [])) == [[(1,)]]
