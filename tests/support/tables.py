"""A database that cannot do something for a while."""

from contextlib import contextmanager

from django.db import connection


@contextmanager
def table_away(model):
    """Whatever asks for its rows fails. Not inside a transaction, which would be over with the first failure."""
    name = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {name}")
