"""Making an index by a migration, and taking it back."""

import pytest
from django.db import connection, models
from django.db.migrations.state import ModelState, ProjectState
from django.test.utils import CaptureQueriesContext

from platforms.indexing import AddIndexOnline, RemoveIndexOnline
from platforms.models import Heartbeat

TABLE = Heartbeat._meta.db_table
ADD = AddIndexOnline("heartbeat", models.Index(fields=["at"], name="heartbeat_for_a_test"))
REMOVE = RemoveIndexOnline("heartbeat", "heartbeat_for_a_test")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def states():
    before = ProjectState()
    before.add_model(ModelState.from_model(Heartbeat))
    after = before.clone()
    ADD.state_forwards("platforms", after)
    yield before, after
    if "heartbeat_for_a_test" in indexes():
        run(ADD.database_backwards, after, before)


def run(direction, old, new):
    with connection.schema_editor(atomic=False) as editor:
        direction("platforms", editor, old, new)


def indexes():
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, TABLE))


def test_it_comes_and_goes(states):
    run(ADD.database_forwards, *states)
    assert "heartbeat_for_a_test" in indexes()
    run(ADD.database_backwards, *reversed(states))
    assert "heartbeat_for_a_test" not in indexes()


def test_it_goes_and_comes_back(states):
    run(ADD.database_forwards, *states)
    run(REMOVE.database_forwards, *reversed(states))
    assert "heartbeat_for_a_test" not in indexes()
    run(REMOVE.database_backwards, *states)
    assert "heartbeat_for_a_test" in indexes()


def test_what_an_earlier_try_left_is_no_hindrance(states):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX heartbeat_for_a_test ON {TABLE} (name)")
    run(ADD.database_forwards, *states)
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, TABLE)["heartbeat_for_a_test"]
    assert found["columns"] == ["at"]


@pytest.mark.postgres
def test_writers_do_not_wait_for_it(states):
    with CaptureQueriesContext(connection) as queries:
        run(ADD.database_forwards, *states)
        run(REMOVE.database_forwards, *reversed(states))
    assert [query["sql"].split(" ON ")[0] for query in queries if "INDEX" in query["sql"]] == [
        'DROP INDEX CONCURRENTLY IF EXISTS "heartbeat_for_a_test"',
        'CREATE INDEX CONCURRENTLY "heartbeat_for_a_test"',
        'DROP INDEX CONCURRENTLY IF EXISTS "heartbeat_for_a_test"',
    ]
