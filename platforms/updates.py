"""Writing other values to each of many rows: by one statement on PostgreSQL, where that is most of what one costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

ONE_FOR_ALL = "UPDATE {table} SET {names} FROM (VALUES {rows}) AS given WHERE {table}.{key} = given.column{last}{where}"
ONE_EACH = "UPDATE {table} SET {names} WHERE {key} = %s{where}"


def update_each(
    rows: Sequence[Model], names: Sequence[str], shared: Mapping[str, Any] | None = None, **conditions: Any
) -> int:
    """Save these fields of some rows of one model, and values that all of them get, where the conditions hold.

    How many rows that were.
    """
    if not rows:
        return 0
    meta: Any = rows[0]._meta
    quote = connection.ops.quote_name
    fields: list[Any] = [*map(meta.get_field, names), meta.pk]
    given = [[_prepared(field, getattr(row, field.attname)) for field in fields] for row in rows]
    to_all = [(meta.get_field(name), value) for name, value in (shared or {}).items()]
    where = [(meta.get_field(name), value) for name, value in conditions.items()]
    same, held = ([_prepared(*pair) for pair in pairs] for pairs in (to_all, where))
    table = quote(meta.db_table)
    known = {"table": table, "key": quote(fields[-1].column)}
    known["where"] = "".join(f" AND {table}.{quote(field.column)} = %s" for field, _ in where)
    places = [f"{quote(field.column)} = %s" for field, _ in to_all]
    columns = [quote(field.column) for field in fields[:-1]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            places += [f"{column} = given.column{number}" for number, column in enumerate(columns, 1)]
            row = f"({', '.join(f'%s::{_type(field)}' for field in fields)})"
            sql = ONE_FOR_ALL.format(
                **known, names=", ".join(places), rows=", ".join([row] * len(rows)), last=len(fields)
            )
            cursor.execute(sql, [*same, *(value for values in given for value in values), *held])
        else:
            places += [f"{column} = %s" for column in columns]
            cursor.executemany(
                ONE_EACH.format(**known, names=", ".join(places)), [[*same, *values, *held] for values in given]
            )
        return int(cursor.rowcount)


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _type(field: Any) -> str:
    """Without its length, to which the value would be cut, rather than refused."""
    return str(field.db_type(connection)).partition("(")[0]
