"""Django's PostgreSQL, except that a connection to a server that only reads is of no use.

After a fail-over, connections lead to what is a standby now, or was one a moment ago, and the plain check of them
succeeds for ever. A connection that does not pass is closed, and the next one leads to the server of that moment.
"""

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        try:
            row = self.connection.execute("SELECT current_setting('transaction_read_only')").fetchone()
        except self.Database.Error:
            return False
        return bool(row == ("off",))
