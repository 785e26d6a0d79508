"""A web server as in production on a PostgreSQL database of its own, and the CPU that both used."""

import os
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests

from tests.support.live import ROOT, UNLIMITED, free_port, wait_until

SERVER = os.environ.get("DATABASE_URL", "postgres://root@127.0.0.1:5432/root")
PROCESSES = 2
THREADS = 32  # in each process, both as in production
SECRET_KEY = "of-the-bench-and-of-nothing-else-in-the-world-00000"


@dataclass
class WebServer:
    port: int
    pid: int
    database: psycopg.Connection

    def cpu(self):
        return sum(map(cpu_seconds, [self.pid, *children_of(self.pid)]))

    def database_cpu(self):
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return sum(cpu_seconds(pid) for (pid,) in self.database.execute(others))


@contextmanager
def web_server(database_url, **variables):
    """`variables` go before those that the server is started with otherwise."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(database_url, autocommit=True) as database:
        (Path(folder) / "static").mkdir()  # whose absence each process would warn of
        environment = {**server_environment(folder), "DATABASE_URL": database_url}
        where = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_PROCESSES": str(PROCESSES), "WEB_THREADS": str(THREADS)}
        command = [sys.executable, "manage.py", "web"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment | where | variables)
        try:
            wait_until(lambda: is_up(port), seconds=120)
            yield WebServer(port, process.pid, database)
        finally:
            process.terminate()
            process.wait()


def server_environment(folder):
    """As in production: without DEBUG, which keeps every query."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return kept | {
        **UNLIMITED,
        "ENV_FILE": "",
        "SECRET_KEY": SECRET_KEY,
        "DATA_DIR": folder,
        "PUBLIC_URL": "http://localhost",
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        "LOG_LEVEL": "ERROR",
    }


def is_up(port):
    try:
        return requests.get(f"http://localhost:{port}/health", timeout=5).ok
    except requests.RequestException:  # also of one that is slow to begin
        return False


@contextmanager
def bench_database():
    """The address of a database with the product's tables, dropped in the end."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    server = SERVER.rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            migrate(f"{server}/{name}")
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(database_url):
    with tempfile.TemporaryDirectory() as folder:
        environment = {**server_environment(folder), "DATABASE_URL": database_url}
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)


def cpu_seconds(pid):
    """User and system time of a process's threads so far, to the nanosecond; none of one that has ended."""
    try:
        times = [(task / "schedstat").read_text().split()[0] for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return 0.0
    return sum(map(int, times)) / 1e9


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
