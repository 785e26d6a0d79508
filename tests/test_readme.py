"""The README's commands run as they are written there, and what it names is there.

Each is run by a shell in a copy of the project; the sandbox stands for the provider that is called.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import get_commands

from platforms.sandbox.server import running_sandbox
from tests.support.daily import SECRET
from tests.support.live import ROOT, free_port, fresh_database, wait_until
from tests.test_architecture import tracked

README = (ROOT / "README.md").read_text()
COMMANDS = [line.split(" #")[0].strip() for line in re.findall(r"^    (\w.*)$", README, re.MULTILINE)]
SERVERS = [command for command in COMMANDS if re.match(r"make run|celery|python manage\.py web$", command)]
WEBHOOKS = [command for command in COMMANDS if "webhooks" in command]
PUBLIC_URL = "https://8.8.8.8"  # public, looked up nowhere, and never called: the sandbox leads to this machine instead


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which all is installed already, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("project")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    environment = Path(sys.executable).parent.parent
    (folder / ".venv").symlink_to(environment)
    installed = (environment / "ready").stat().st_mtime
    os.utime(folder / "requirements-dev.lock", (installed - 1, installed - 1))
    return folder


@pytest.fixture(scope="module")
def product(project):
    """What operators set, with ports of their own and the sandbox in the provider's place."""
    port = free_port()
    reach = {PUBLIC_URL: f"http://127.0.0.1:{port}"}
    with running_sandbox(storage=False, reach=reach) as sandbox, fresh_database(project, is_empty=True) as database_url:
        variables = {
            **{name: value for name, value in os.environ.items() if name in {"HOME", "LANG"}},
            "PATH": f"{project}/.venv/bin:{os.environ['PATH']}",
            "DATA_DIR": str(project / "var"),
            "DATABASE_URL": database_url,
            "REDIS_URL": "",
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "SANDBOX_PORT": str(free_port()),
            "SANDBOX_STORAGE_PORT": str(free_port()),
            "PUBLIC_URL": PUBLIC_URL,
            "DAILY_API_URL": f"{sandbox.url}/daily/v1",
            "DAILY_API_KEY": "sandbox",
            "DAILY_WEBHOOK_SECRET": SECRET,
            "WHEREBY_API_KEY": "key",
            "DEBUG": "true",
            "PYTEST_ADDOPTS": "tests/platforms/test_signing.py",  # of all tests
        }
        assert run("python manage.py migrate -v0", project, variables).returncode == 0
        yield variables


@contextmanager
def started(command, project, product):
    """The command's process, and a function that gives what it has written."""
    log = project / "command.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=project, env=product, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process, log.read_text
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # The shell may be gone before the server, which would answer in the place of the next one.
        wait_until(lambda: not answers(f"http://127.0.0.1:{product['PORT']}/health"), seconds=60)


def jobs(command, product, project, began, written):
    """Whether a server does what it is for."""
    if "beat" in command:
        return any(file.stat().st_mtime >= began for file in (project / "var").glob("beat-schedule*"))
    if "worker" in command:
        return "ready." in written()
    return answers(f"http://127.0.0.1:{product['PORT']}/health")


def answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def run(command, project, product):
    return subprocess.run(
        ["sh", "-c", command], cwd=project, env=product, capture_output=True, text=True, timeout=180, check=False
    )


def test_the_commands_are_found():
    assert len(COMMANDS) > 12
    assert len(SERVERS) > 4
    assert len(WEBHOOKS) > 3
    assert not [command for command in COMMANDS if re.search(r"[|<>…]", command)]  # nothing to be filled in


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_starts(command, project, product):
    began = time.time()
    with started(command, project, product) as (process, written):

        def does():
            assert process.poll() is None, written()
            return jobs(command, product, project, began, written)

        wait_until(does, seconds=120, every=0.3)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in SERVERS + WEBHOOKS])
def test_a_command_ends_well(command, project, product):
    done = run(command, project, product)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_about_webhooks_lead_from_one_to_the_next(project, product):
    """The provider tries the address out, so that the product must answer."""
    with started("python manage.py web", project, product):
        wait_until(lambda: answers(f"http://127.0.0.1:{product['PORT']}/health"), seconds=120, every=0.3)
        for command in WEBHOOKS:
            done = run(command, project, product)
            assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_of_the_text_is_there():
    named = set(re.findall(r"`(?:[\w./]+/python )?manage\.py (\w+)", README))
    assert len(named) > 8
    assert named - get_commands().keys() == set()
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"`make ([\w-]+)", README)) | set(re.findall(r"= make ([\w-]+)", README))
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_every_variable_of_the_text_is_one():
    described = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    named = {
        name for name in re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])\b", README) if not name.endswith("_FILE")
    }
    assert len(named) > 20
    beside = {"VIDEO_PLATFORMS"}  # a setting
    assert named - described - beside == set()


def test_every_file_of_the_text_is_there():
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`|\]\(([\w./-]+)\)", README)
    paths = [path for pair in named for path in pair if path and "<" not in path]
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
