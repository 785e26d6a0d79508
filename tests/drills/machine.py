"""The whole product on this machine, with its own ports, folder, database and Redis index, for a drill to spoil."""

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import redis
import requests

from tests.support.live import ADMIN, ROOT, UNLIMITED, free_port, wait_until
from tests.support.tcp_proxy import TcpProxy

POSTGRES = os.environ.get("DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")
REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")  # an index of it that holds nothing is used
SECRET = "secret-of-the-drill"
DISK = 192  # megabytes of the folder's own file system, where one may be mounted
START = 120  # seconds until everything answers


class Machine:
    """A running product. `redis` and `small_disk` are None where this machine has no such thing."""

    def __init__(self, folder, database_url, proxy, small_disk, **variables):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.database_url = database_url
        self.redis = proxy
        self.small_disk = small_disk
        self.log = folder.parent / "serve.log"
        self.variables = variables
        self.process = None
        self.token = None

    @property
    def is_postgres(self):
        return self.database_url.startswith("postgres")

    @property
    def environment(self):
        return {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "ENV_FILE": "",
            "DEBUG": "true",
            "SANDBOX_ENABLED": "false",
            "DEFAULT_VIDEO_PLATFORM": "mock",
            "WHEREBY_API_KEY": "key",
            "WHEREBY_WEBHOOK_SECRET": SECRET,
            "RECORDINGS_KEEP_FREE_MB": "4",
            "DATA_DIR": str(self.folder),
            "TMPDIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/{self.redis.path}" if self.redis else "",
            "PORT": str(self.port),
            "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
            "DJANGO_SUPERUSER_PASSWORD": ADMIN["password"],
            **UNLIMITED,
            **self.variables,
        }

    def start(self):
        command = [sys.executable, "manage.py", "serve"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, START)
        wait_until(lambda: self.log.read_bytes().count(b"ready.") >= 2, START)  # both kinds of workers
        self.token = None
        self.token = self.call("POST", "/v1/auth/login", json=ADMIN).json()["access_token"]

    def stop(self):
        if self.process:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def call(self, method, path, **kwargs):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return requests.request(method, self.url + path, headers=headers, timeout=15, **kwargs)

    def shell(self, code):
        """What Python code prints inside the product."""
        command = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", code]
        where = {"cwd": ROOT, "env": self.environment, "stderr": subprocess.DEVNULL}
        return subprocess.run(command, **where, stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout

    def rows(self, query):
        if self.is_postgres:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(query).fetchall()
        with sqlite3.connect(self.database_url.removeprefix("sqlite:///"), timeout=20) as connection:
            return connection.execute(query).fetchall()

    def pids(self, words):
        """Of all its processes whose command holds these words, parents first."""
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop(0)
            with suppress(OSError):
                tasks = list(Path(f"/proc/{pid}/task").iterdir())
                waiting += [int(child) for task in tasks for child in (task / "children").read_text().split()]
                if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    found.append(pid)
        return found

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the product ended: {self.log.read_text()[-2000:]}")
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=5).ok


@contextmanager
def running_machine(folder, **variables):
    with ExitStack() as stack:
        data = folder / "data"
        data.mkdir()
        small_disk = stack.enter_context(small_file_system(data))
        database_url = stack.enter_context(own_database(data))
        machine = Machine(data, database_url, stack.enter_context(own_redis()), small_disk, **variables)
        stack.callback(machine.stop)
        machine.start()
        yield machine


@contextmanager
def small_file_system(folder):
    """The folder as a file system of DISK megabytes, or None where none may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "none", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


@contextmanager
def own_database(folder):
    server = POSTGRES.rpartition("/")[0]
    try:
        connection = psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        yield f"sqlite:///{folder / 'drill.sqlite3'}"
        return
    name = f"drill_{uuid.uuid4().hex[:12]}"
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def own_redis():
    """A way to an index of Redis that can be cut, or None where there is none that holds nothing."""
    client = empty_index()
    if client is None:
        yield None
        return
    where = client.connection_pool.connection_kwargs
    with client, TcpProxy(where["host"], where["port"]) as proxy:
        proxy.path = where["db"]
        yield proxy
        client.flushdb()


def empty_index():
    server = REDIS.rpartition("/")[0]
    for number in range(15, 0, -1):
        client = redis.Redis.from_url(f"{server}/{number}", socket_connect_timeout=3)
        try:
            if not client.dbsize():
                return client
        except redis.RedisError:
            return None
        client.close()
    return None
