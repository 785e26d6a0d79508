"""Which errors say that the database is away for now, so that the same succeeds later, elsewhere or after a while."""

from typing import TypeGuard

from django.db import DatabaseError, Error, InterfaceError, OperationalError

# Beginnings of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html: no connection, a server that
# only reads, one that has ended the transaction, conflicts with others, no room, locks, an end by the administrator or
# a limit of time, and trouble of its own.
AWAY = ("08", "25006", "25P03", "25P04", "40", "53", "55P03", "57", "58")


def is_away(error: BaseException | None) -> TypeGuard[DatabaseError | InterfaceError]:
    """Whether the database cannot do it now; any other of its errors is about what was asked for."""
    if not isinstance(error, Error):
        return False
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    if state is None:  # it is not the server that says so
        return isinstance(error, OperationalError | InterfaceError)
    return state.startswith(AWAY)
