"""The product as its own processes with a database of their own, for tests of what only shows between processes."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import requests
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
# Tests and drills call as fast as they can, all from one address.
UNLIMITED = dict.fromkeys(
    (
        "OPENINGS_PER_MINUTE",
        "JOINS_PER_MINUTE",
        "CONSENTS_PER_MINUTE",
        "UPLOAD_PIECES_PER_MINUTE",
        "EMAIL_REQUESTS_PER_HOUR",
        "REFUSED_WEBHOOKS_PER_MINUTE",
    ),
    "0",
)
ADMIN = {"email": "admin@example.com", "password": "correct horse battery"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=60, every=0.05):
    """Look until the condition gives something true, which is returned; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s")


@contextmanager
def fresh_database(folder, is_empty=False):
    """The address of a new database of the kind that the tests run on, with the product's tables unless it is empty."""
    configured = settings.DATABASES["default"]
    if configured["ENGINE"].endswith("sqlite3"):
        file = folder / "live.sqlite3"
        yield f"sqlite:///{file}" if is_empty else sqlite_database(file)
        return
    user, password, host, port = (configured[key] for key in ("USER", "PASSWORD", "HOST", "PORT"))
    server = f"postgres://{user}:{password}@{host}:{port or 5432}"
    with _new_database(server, "template1" if is_empty else _postgres_tables(server)) as address:
        yield address


def sqlite_database(file):
    """The address of a new SQLite database with the product's tables."""
    shutil.copyfile(_sqlite_tables(), file)
    return f"sqlite:///{file}"


@contextmanager
def _new_database(server, template):
    name = f"live_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# The tables take seconds to make, which is done once in each process that runs tests.
_kept = ExitStack()
atexit.register(_kept.close)  # in drills and benches


@cache
def _sqlite_tables():
    file = Path(_kept.enter_context(TemporaryDirectory())) / "tables.sqlite3"
    _make_tables(f"sqlite:///{file}")
    return file


@cache
def _postgres_tables(server):
    address = _kept.enter_context(_new_database(server, "template1"))
    _make_tables(address)
    return address.rpartition("/")[2]


def _make_tables(address):
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "ENV_FILE": "", "DEBUG": "true", "DATA_DIR": folder, "DATABASE_URL": address}
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)


def pytest_unconfigure():
    _kept.close()


class Product:
    """Web server processes on one database, which has its tables. `api` calls the first one unless another is named."""

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
            **UNLIMITED,
            **variables,
        }
        self.log = (folder / "product.log").open("ab")
        self.servers = []
        self.manage("ensure_admin")

    def manage(self, *arguments):
        subprocess.run([sys.executable, "manage.py", *arguments], **self._where, check=True, timeout=180)

    def tell(self, *arguments):
        """What a command prints."""
        where = {**self._where, "stdout": subprocess.PIPE}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, **where, check=True, timeout=180, text=True).stdout

    def start(self, threads=32):
        """One more server process; its index for `api` and `kill`."""
        port = free_port()
        self.servers.append((f"http://127.0.0.1:{port}", self._serve(port, threads)))
        self.wait_until_up(len(self.servers) - 1)
        return len(self.servers) - 1

    def start_again(self, server=0):
        """One that was killed, where it was."""
        address = self.servers[server][0]
        self.servers[server] = (address, self._serve(address.rpartition(":")[2]))
        self.wait_until_up(server)

    def _serve(self, port, threads=32):
        where = self._where
        where["env"] = {**where["env"], "PORT": str(port), "WEB_PROCESSES": "1", "WEB_THREADS": str(threads)}
        return subprocess.Popen([sys.executable, "manage.py", "web"], start_new_session=True, **where)

    def api(self, method, path, server=0, token=None, **kwargs):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, self.servers[server][0] + path, headers=headers, timeout=60, **kwargs)

    def sign_in(self):
        return self.api("POST", "/v1/auth/login", json=ADMIN).json()["access_token"]

    def log_in_by_form(self, path, server=0):
        """The answer to the form of the page or of Admin, sent as a browser would."""
        address = self.servers[server][0] + path
        with requests.Session() as browser:
            browser.get(address, timeout=60)
            form = {
                "username": "admin",
                "password": ADMIN["password"],
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            }
            return browser.post(address, form, allow_redirects=False, timeout=60)

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

    def wait_until_up(self, server=0):
        port = int(self.servers[server][0].rpartition(":")[2])
        wait_until(lambda: self._is_up(port))

    def _is_up(self, port):
        try:
            return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
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
