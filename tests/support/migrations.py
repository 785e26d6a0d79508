"""Rows as an older version wrote them, for tests of what a migration makes of them."""

from contextlib import contextmanager

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


@contextmanager
def migrated(app, name):
    """The models as they are after that migration; the newest ones are back when the block ends."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    executor = MigrationExecutor(connection)
    executor.migrate([(app, name)])
    try:
        yield executor.loader.project_state([(app, name)]).apps
    finally:
        MigrationExecutor(connection).migrate(newest)
