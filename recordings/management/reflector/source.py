"""The database of a Reflector, of which only rows are read, all as they were at one moment."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row

CONNECT_SECONDS = 10

Row = dict[str, Any]

SCHEMES = ("postgres://", "postgresql://")
_DRIVER = re.compile(r"\Apostgres(?:ql)?\+\w+://")  # as in the settings of a Reflector


class SourceError(Exception):
    """Why the database cannot be read: a sentence that holds no secret."""


@dataclass(frozen=True)
class Table:
    """What is read of a table: names of columns with spaces between. Of `also` older versions have some only."""

    name: str
    required: str
    also: str = ""


USERS = Table("user", "id email")
ANSWERS = Table("meeting_consent", "id meeting_id user_id consent_given consent_timestamp")


def is_url(text: str) -> bool:
    return _DRIVER.sub("postgresql://", text).startswith(SCHEMES)


def read_url(url: str) -> dict[str, Any]:
    """What to connect to. Raises SourceError, without the address, which may hold a password."""
    try:
        return conninfo_to_dict(_DRIVER.sub("postgresql://", url), connect_timeout=CONNECT_SECONDS)
    except psycopg.Error:
        raise SourceError(
            "The address of the database cannot be read. It is written postgresql://user:password@host:5432/name, with "
            "% and two digits for each special character of a password."
        ) from None


def connect(target: dict[str, Any]) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(**target)
    except psycopg.Error as error:
        raise SourceError(f"The database cannot be reached: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class Source:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._columns: dict[str, set[str]] = {}
        found = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        for table, column in found:
            self._columns.setdefault(table, set()).add(column)

    def has(self, table: str) -> bool:
        return table in self._columns

    def require(self, *tables: Table) -> None:
        """Raises SourceError for what is not the database of a Reflector, or one of another kind."""
        for table in tables:
            if not self.has(table.name):
                raise SourceError(f"This is not the database of a Reflector: it has no table “{table.name}”.")
            for column in table.required.split():
                if column not in self._columns[table.name]:
                    raise SourceError(
                        "This is not the database of a Reflector, or of a version that is not known: its table "
                        f"“{table.name}” has no column “{column}”."
                    )

    def count(self, table: Table) -> int:
        counted = self._connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name)))
        return int(next(iter(counted))[0])

    def rows(self, table: Table, size: int, order: Sequence[str], also: Sequence[str] = ()) -> Iterator[list[Row]]:
        """All rows, some at a time; a table as large as may be is never here as a whole.

        `also` are expressions in SQL, in which the table is called t.
        """
        wanted = f"{table.required} {table.also}".split()
        there = [column for column in wanted if column in self._columns[table.name]]
        columns = [sql.SQL("t.") + sql.Identifier(column) for column in there]
        query = sql.SQL("SELECT {} FROM {} t ORDER BY {}").format(
            sql.SQL(", ").join([*columns, *(sql.SQL(expression) for expression in also)]),
            sql.Identifier(table.name),
            sql.SQL(", ").join(sql.SQL("t.") + sql.Identifier(column) for column in order),
        )
        with self._connection.cursor(f"all_of_{table.name}", row_factory=dict_row) as cursor:
            cursor.itersize = size
            cursor.execute(query)
            while rows := cursor.fetchmany(size):
                yield rows

    def of_meetings(self, table: Table, meetings: Sequence[str]) -> list[Row]:
        """The rows that belong to these; none where this version has no such table."""
        if not self.has(table.name):
            return []
        query = sql.SQL("SELECT {}, {} FROM {} t WHERE t.meeting_id = ANY(%s)").format(
            sql.SQL(", ").join(sql.SQL("t.") + sql.Identifier(column) for column in table.required.split()),
            sql.SQL(self.owner_email()),
            sql.Identifier(table.name),
        )
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, [list(meetings)]).fetchall()

    def emails(self, users: Sequence[str]) -> dict[str, str]:
        if not self.has(USERS.name) or not users:
            return {}
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute('SELECT id, email FROM "user" WHERE id = ANY(%s)', [list(users)])
            return dict(found.fetchall())

    def owner_email(self) -> str:
        """Whose a row is; before there was a table of users nobody can tell."""
        if not self.has(USERS.name):
            return "NULL::text AS owner_email"
        return '(SELECT u.email FROM "user" u WHERE u.id = t.user_id) AS owner_email'


@contextmanager
def open_source(target: dict[str, Any]) -> Iterator[Source]:
    """Raises SourceError, also for what happens to the connection later."""
    with connect(target) as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        try:
            yield Source(connection)
        except psycopg.Error as error:
            raise SourceError(f"The database could not be read to its end: {first_line(error)}") from None
        finally:
            if not connection.closed:
                connection.rollback()
