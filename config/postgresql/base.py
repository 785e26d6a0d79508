"""Django's PostgreSQL, except that a connection to a server that only reads is of no use, nor one that is left alone.

After a fail-over, connections lead to what is a standby now, or was one a moment ago, and the plain check of them
succeeds for ever. A connection that does not pass is closed, and the next one leads to the server of that moment.

A machine that is cut off in the middle of a transaction holds what it has locked for hours, as nothing tells the server
that it is gone. So a transaction of which nothing is heard for IDLE_SECONDS is ended.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
from django.db import Error
from django.db.backends.postgresql import base
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.generators import execute
from psycopg.pq.abc import PGresult
from psycopg.types.datetime import TimestamptzLoader

CHECK = "SELECT current_setting('transaction_read_only')"
PASSED = ("off",)
IDLE_SECONDS = 60  # more than anything here does between two statements of a transaction


class DatabaseWrapper(base.DatabaseWrapper):
    health_check_enabled: bool
    health_check_done: bool

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        return parameters | {"context": _with_quick_times(parameters["context"])}

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        self.connection.commit()
        self._short_way = _ShortWay(self.connection)

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        try:
            row = self.connection.execute(CHECK).fetchone()
        except self.Database.Error:
            return False
        return bool(row == PASSED)

    def answers_of(self, sql: str, parameters: Sequence[Any]) -> list[list[Any]]:
        """The rows of each of some statements that only read.

        Where the connection is to be checked first, that goes with them: a check by itself costs as much as they do.
        """
        if self.connection is None or self.health_check_done or not self.health_check_enabled:
            return self._ask(sql, parameters)
        self.health_check_done = True  # so that Django does not check, too
        try:
            [row], *answers = self._ask(f"{CHECK}; {sql}", parameters)
            if row == PASSED:
                return answers
        except Error:
            if self.is_usable():
                raise
        self.close()
        return self._ask(sql, parameters)

    def _ask(self, sql: str, parameters: Sequence[Any]) -> list[list[Any]]:
        self.ensure_connection()
        if self.queries_logged or self.execute_wrappers or not self.get_autocommit():
            return self._ask_by_cursor(sql, parameters)
        with self.wrap_database_errors:
            return self._short_way.ask(sql, parameters)

    def _ask_by_cursor(self, sql: str, parameters: Sequence[Any]) -> list[list[Any]]:
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            answers = cursor.cursor  # the driver's own: all is here by now, and no more can fail
            found = [_rows(answers)]
            while answers.nextset():
                found.append(_rows(answers))
        return found


def _rows(cursor: Any) -> list[Any]:
    """None of a statement that gives none. A cursor's `description`, which also tells that, is slow to make."""
    return cursor.fetchall() if cursor.pgresult.nfields else []


class _ShortWay:
    """What a cursor of Django's around one of the driver's does, with less between. Outside of transactions only."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._writer = psycopg.ClientCursor(connection)
        self._reader: Any = Transformer(connection)

    def ask(self, sql: str, parameters: Sequence[Any]) -> list[list[Any]]:
        libpq = self._connection.pgconn
        libpq.send_query(self._writer.mogrify(sql, parameters).encode())
        results = self._connection.wait(execute(libpq))
        if results[-1].status == psycopg.pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(results[-1])
        return [self._rows(result) for result in results]

    def _rows(self, result: PGresult) -> list[Any]:
        if not result.nfields:
            return []
        self._reader.set_pgresult(result)
        rows: list[Any] = self._reader.load_rows(0, result.ntuples, tuple)
        self._reader.set_pgresult(None)
        return rows


class _Time(Loader):
    """A time with its zone, read in a tenth of the time that Django's own loader takes."""

    timezone = UTC  # which Django asks for

    def load(self, data: Buffer) -> datetime:
        try:
            time = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # such as infinity, or a time before Christ
            return TimestamptzLoader(self.oid, self.connection).load(data)
        return time if time.tzinfo is UTC else time.astimezone(UTC)


@cache
def _with_quick_times(adapters: AdaptersMap) -> AdaptersMap:
    quick = AdaptersMap(adapters)
    quick.register_loader("timestamptz", _Time)
    return quick
