"""PostgreSQL and Redis of a drill's own, which may be stopped, killed and emptied; they end with the drill."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from config.processes import end_with_parent
from tests.support.live import free_port, wait_until

START_SECONDS = 60
MISSING = "This drill needs the programs of PostgreSQL and Redis (Debian: postgresql, redis-server): {} is not found."
ACCOUNT = "postgres"  # of Debian's package; the server does not run as root


def program(name):
    places = [os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    if found := shutil.which(name, path=os.pathsep.join(places)):
        return found
    raise SystemExit(MISSING.format(name))


class Postgres:
    """A server with a database `drill`, as it is when nothing was configured."""

    def __init__(self, folder):
        self.port = free_port()
        self._server = f"postgres://drill@127.0.0.1:{self.port}"
        self.url = f"{self._server}/drill"
        self._data = Path(folder) / "data"
        self._log = Path(folder) / "postgres.log"
        self._as = {"user": ACCOUNT} if os.geteuid() == 0 else {}
        self._where = {"cwd": folder, "stderr": subprocess.STDOUT, **self._as}
        self._process = None

    def create(self):
        if self._as:
            shutil.chown(self._data.parent, ACCOUNT)
        words = ["--username=drill", "--auth=trust", "--encoding=UTF8", "--no-sync", f"--pgdata={self._data}"]
        with self._log.open("ab") as log:
            command = [program("initdb"), *words]
            subprocess.run(command, **self._where, stdout=log, check=True, timeout=START_SECONDS)
        self.start()
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE drill")

    def start(self):
        words = ["-D", self._data, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), *map(str, words), "-c", "unix_socket_directories="],
                **self._where,
                stdout=log,
                preexec_fn=lambda: end_with_parent(signal.SIGQUIT),
            )
        wait_until(self._answers, START_SECONDS)

    def stop(self, at_once=False):
        """At once: as in a crash, so that it recovers from its log at the next start."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def connect(self, database="drill"):
        return psycopg.connect(f"{self._server}/{database}", autocommit=True, connect_timeout=5)

    def rows(self, query):
        with self.connect() as connection:
            return connection.execute(query).fetchall()

    def _answers(self):
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


class Redis:
    """A server that keeps everything in memory."""

    def __init__(self, folder):
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = None

    def start(self):
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [program("redis-server"), *words], cwd=self._folder, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent
        )
        wait_until(self._answers, START_SECONDS)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self):
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self):
        try:
            with redis.Redis.from_url(self.url) as client:
                return client.ping()
        except redis.RedisError:
            return False


@contextmanager
def own_services():
    """A database server and a Redis, both started."""
    with tempfile.TemporaryDirectory(prefix="drill-services-") as folder:
        database, queue = Postgres(folder), Redis(folder)
        try:
            database.create()
            queue.start()
            yield database, queue
        finally:
            queue.stop()
            database.stop(at_once=True)
