"""An installation of several machines, all played on this one: each process has a folder of its own, and nothing is
shared but PostgreSQL, Redis and, where one is given, a bucket."""

import base64
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from config.processes import end_with_parent
from tests.drills.services import own_services
from tests.support.live import ADMIN, ROOT, UNLIMITED, free_port, wait_until

START_SECONDS = 120
END_SECONDS = 60  # that a process which is asked to end may take
HEARTBEATS = "SELECT count(*) FROM platforms_heartbeat"
QUEUES = "quick,outbound,long,uploads"


class Node:
    """A machine with one process, which has begun when it answers, or has so many `processes` of its own."""

    def __init__(self, name, command, environment, folder, port=None, processes=0, log=None):
        self.name = name
        self.port = port
        self._processes = processes
        self.url = f"http://127.0.0.1:{port}" if port else None
        self.folder = folder
        self.environment = {
            **environment,
            "DATA_DIR": str(folder),
            "TMPDIR": str(folder),
            **({"PORT": str(port)} if port else {}),
        }
        self._command = command
        self._log = log or folder.parent / f"{name}.log"
        self.process = None

    def start(self):
        self.folder.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def wait_until_up(self):
        wait_until(self._is_up, START_SECONDS)

    def ask_to_end(self):
        """As a new version does: what is begun is finished. Whether it ended by itself."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        has_ended = self.process.poll() is not None
        self.kill()
        return has_ended

    def kill(self):
        """As a machine that loses power: all of its processes, at once."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log(self):
        return self._log.read_text(errors="replace")

    def children(self):
        with suppress(OSError):
            tasks = list(Path(f"/proc/{self.process.pid}/task").iterdir())
            return [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return []

    def call(self, method, path, token=None, headers=None, **kwargs):
        headers = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return requests.request(method, self.url + path, headers=headers, timeout=60, **kwargs)

    def _is_up(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.log()[-2000:]}"
        if self.port is None:
            return len(self.children()) >= self._processes
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=5).ok


class Installation:
    """Machines are started in the order in which they are added, and end with it."""

    def __init__(self, folder, database, queue, **variables):
        self.folder = folder
        self.database = database
        self.queue = queue
        self.nodes = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "ENV_FILE": "",
            "DEBUG": "false",
            "SECRET_KEY": "of-the-drill-and-of-nothing-else-in-the-world-0000",
            "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
            "PUBLIC_URL": "http://127.0.0.1",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": database.url,
            "REDIS_URL": queue.url,
            "STATIC_DIR": str(folder / "static"),
            "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
            "DJANGO_SUPERUSER_PASSWORD": ADMIN["password"],
            "WEB_PROCESSES": "1",
            **UNLIMITED,
            **variables,
        }
        (folder / "static").mkdir()

    def prepare(self):
        self.manage("migrate", "--verbosity=0", "--skip-checks")
        self.manage("ensure_admin", "--skip-checks")

    def manage(self, *arguments):
        """What a command prints, run on a machine of its own."""
        folder = self.folder / "release"
        environment = {**self.environment, "DATA_DIR": str(folder)}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(command, cwd=ROOT, env=environment, text=True, timeout=300)

    def web(self, name):
        return self._add(Node(name, ["manage.py", "web"], self.environment, self.folder / name, free_port()))

    def worker(self, name, queues=QUEUES, processes=4, folder=None):
        words = ["worker", "-Q", queues, "-n", f"{name}@%h", "-c", str(processes)]
        command = ["-m", "celery", "--quiet", "-A", "config", *words]
        place, log = folder or self.folder / name, self.folder / f"{name}.log"
        environment = {**self.environment, **({"TMPDIR": str(folder)} if folder else {})}
        return self._add(Node(name, command, environment, place, processes=processes, log=log))

    def beat(self, name="beat"):
        words = ["-m", "celery", "--quiet", "-A", "config", "beat"]
        return self._add(Node(name, words, self.environment, self.folder / name))

    def wait_until_up(self):
        """Also until every worker and the scheduler have said that they live."""
        for node in self.nodes:
            node.wait_until_up()
        count = sum(node.port is None for node in self.nodes)
        wait_until(lambda: self.database.rows(HEARTBEATS)[0][0] >= count, START_SECONDS, every=0.5)

    def stop(self):
        for node in reversed(self.nodes):
            node.kill()

    def sign_in(self, node):
        answer = node.call("POST", "/v1/auth/login", json=ADMIN)
        assert answer.ok, answer.text
        return answer.json()["access_token"]

    def _add(self, node):
        self.nodes.append(node)
        node.start()
        return node


@contextmanager
def running_installation(**variables):
    """With its services and tables, and no machine yet."""
    with own_services() as (database, queue), tempfile.TemporaryDirectory(prefix="drill-") as folder:
        installation = Installation(Path(folder), database, queue, **variables)
        try:
            installation.prepare()
            yield installation
        finally:
            installation.stop()
