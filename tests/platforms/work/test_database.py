"""Which of the database's errors mean that it is away, told by the errors that a server raises."""

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from platforms.work.database import is_away


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "away"),
    [
        ("25006", True),  # read-only
        ("25P03", True),
        ("40P01", True),  # deadlock
        ("53100", True),  # disk full
        ("53300", True),  # too many connections
        ("55P03", True),  # lock not available
        ("57014", True),  # statement timeout
        ("57P01", True),  # shut down
        ("58030", True),
        ("08006", True),
        ("54000", False),  # an index row or a search vector that is too large
        ("22021", False),
        ("23505", False),
        ("25P02", False),
        ("42703", False),
        ("XX000", False),
    ],
)
def test_the_servers_own_code_decides(state, away):
    with pytest.raises(DatabaseError) as raised, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
    assert is_away(raised.value) is away


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("connection refused"), True),
        (InterfaceError("connection already closed"), True),
        (IntegrityError("twice"), False),
        (ValueError("no error of a database"), False),
        (None, False),
    ],
)
def test_without_a_code_its_class_decides(error, away):
    assert is_away(error) is away
