"""The whole product as `make run` starts it, with the sandbox, on ports and data of its own."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import requests

from tests.support import media
from tests.support.live import ADMIN, ROOT, UNLIMITED, free_port, fresh_database, wait_until

PASSWORD = ADMIN["password"]


NAME_ADMIN = """
from django.contrib.auth import get_user_model
get_user_model().objects.filter(username="admin").update(first_name={name!r})
"""


class Served:
    """A running product; `api` speaks to it as the first admin."""

    def __init__(self, url, sandbox, log, environment):
        self.url = url
        self.environment = environment
        self.sandbox = sandbox
        self.log = log
        self.session = []  # cookies of whoever has logged in
        self._headers = {}

    def sign_in(self):
        answer = requests.post(f"{self.url}/v1/auth/login", json=ADMIN, timeout=30)
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def api(self, method, path, **kwargs):
        answer = requests.request(method, self.url + path, headers=self._headers, timeout=30, **kwargs)
        answer.raise_for_status()
        return answer.json()

    def manage(self, *arguments):
        """What a command prints."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(command, cwd=ROOT, env=self.environment, text=True, timeout=120)

    def call_admin(self, name):
        """By which the others in a meeting see the first admin."""
        self.manage("shell", "--verbosity=0", "-c", NAME_ADMIN.format(name=name))

    def upload(self, transcript_id):
        """A file in which there is something to hear."""
        files = {"chunk": ("speech.mp4", media.with_audio(), "video/mp4")}
        query = {"chunk_number": 0, "total_chunks": 1}
        self.api("POST", f"/v1/transcripts/{transcript_id}/record/upload", params=query, files=files)


@contextmanager
def served_product(folder, **variables):
    port, sandbox_port, storage_port = free_port(), free_port(), free_port()
    with fresh_database(folder) as database_url, (folder / "serve.log").open("wb") as log:
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "ENV_FILE": "",
            "DEBUG": "true",
            "RECORDING_PROCESSOR": "sandbox",  # unless a test wants the default: it hears the same on every machine
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_STORAGE_PORT": str(storage_port),
            "DAILY_MIGRATION_ENABLED": "true",
            "OPENINGS_PER_MINUTE": UNLIMITED["OPENINGS_PER_MINUTE"],  # a whole organisation opens its rooms here
            "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            urls = f"http://localhost:{port}", f"http://localhost:{sandbox_port}"
            product = Served(*urls, folder / "serve.log", environment)
            wait_until(lambda: _is_up(process, f"{product.url}/health"), seconds=90)
            wait_until(lambda: _is_up(process, f"{product.sandbox}/controls"), seconds=90)
            product.sign_in()
            yield product
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _is_up(process, url):
    assert process.poll() is None, "the product ended"
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
