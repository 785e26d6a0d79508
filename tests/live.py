"""The product as its own processes with a database of their own, for tests of what only shows between processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import psycopg
import requests
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
ADMIN = {"email": "admin@example.com", "password": "correct horse battery"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=30, every=0.05):
    """Look until the condition gives something true, which is returned; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s")


@contextmanager
def fresh_database(folder):
    """The address of a new, empty database of the kind that the tests run on."""
    configured = settings.DATABASES["default"]
    if configured["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{folder / 'live.sqlite3'}"
        return
    name = f"live_{uuid.uuid4().hex[:12]}"
    user, password, host, port = (configured[key] for key in ("USER", "PASSWORD", "HOST", "PORT"))
    server = f"postgres://{user}:{password}@{host}:{port or 5432}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Product:
    """Web server processes on one database. `api` calls the first one unless another is named."""

    def __init__(self, folder, database_url, **variables):
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "ENV_FILE": "",
            "DEBUG": "true",
            "SANDBOX_ENABLED": "false",
            "SECRET_KEY": settings.SECRET_KEY,  # the tests sign events of the mock with what is made of it
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
            "DJANGO_SUPERUSER_PASSWORD": ADMIN["password"],
            **variables,
        }
        self.log = (folder / "product.log").open("ab")
        self.servers = []
        self.manage("migrate", "--verbosity=0")
        self.manage("ensure_admin")

    def manage(self, *arguments):
        subprocess.run([sys.executable, "manage.py", *arguments], **self._where, check=True, timeout=60)

    def start(self, threads=32):
        """One more server process; its index for `api` and `kill`."""
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--blocking-threads", str(threads), "--log-level", "error", "config.wsgi:application"]
        process = subprocess.Popen(command, start_new_session=True, **self._where)
        self.servers.append((f"http://127.0.0.1:{port}", process))
        wait_until(lambda: self._is_up(port))
        return len(self.servers) - 1

    def api(self, method, path, server=0, token=None, **kwargs):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, self.servers[server][0] + path, headers=headers, timeout=60, **kwargs)

    def sign_in(self):
        return self.api("POST", "/v1/auth/login", json=ADMIN).json()["access_token"]

    def pid(self, server=0):
        return self.servers[server][1].pid

    def kill(self, server=0):
        """As a machine that loses power: the whole process group, at once."""
        process = self.servers[server][1]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self):
        for index in range(len(self.servers)):
            self.kill(index)
        self.log.close()

    @property
    def _where(self):
        return {"cwd": ROOT, "env": self.environment, "stdout": self.log, "stderr": self.log}

    def _is_up(self, port):
        try:
            return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
        except requests.ConnectionError:
            return False


@contextmanager
def running_product(folder, servers=1, **variables):
    folder.mkdir(parents=True, exist_ok=True)
    with fresh_database(folder) as database_url:
        product = Product(folder, database_url, **variables)
        try:
            for _ in range(servers):
                product.start()
            yield product
        finally:
            product.stop()
