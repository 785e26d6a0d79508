"""Everything on one machine, as `manage.py serve` runs it: what is killed comes back, and nothing is left behind."""

import io
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management.base import CommandError, OutputWrapper

from config import processes
from config.management.commands import serve
from config.management.commands.serve import require_free_port
from tests.support.live import ROOT, free_port, fresh_database, wait_until


@contextmanager
def serving(folder, **variables):
    """A process of `manage.py serve`, and the port of its web server."""
    port = free_port()
    with fresh_database(folder) as database_url, (folder / "log").open("wb") as log:
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "ENV_FILE": "",
            "DEBUG": "true",
            "SANDBOX_ENABLED": "false",
            "PORT": str(port),
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "WEB_PROCESSES": "1",
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: is_up(port), seconds=90)
            yield process, port
        finally:
            end_all(process)


def end_all(process):
    """Also what is left of it when it did not do that itself."""
    left = descendants(process.pid)
    process.terminate()
    process.wait(30)
    for pid in left:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def is_up(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def children(pid):
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def descendants(pid):
    return [found for child in children(pid) for found in (child, *descendants(child))]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def running(pid, words):
    """The process right below it whose command holds these words."""
    return next((child for child in children(pid) if words in command_of(child) and is_running(child)), None)


PARTS = ["granian", "-Q quick", "-Q long", "-Q uploads", "beat"]


@pytest.mark.drill
def test_what_is_killed_comes_back_and_nothing_outlives_the_whole(tmp_path):
    with serving(tmp_path) as (process, port):
        before = {part: wait_until(lambda part=part: running(process.pid, part)) for part in PARTS}
        workers = wait_until(lambda: children(before["granian"]))
        pool = wait_until(lambda: children(before["-Q quick"]), seconds=60)
        assert "superuser" not in (tmp_path / "log").read_text()  # of which Celery warns a root
        os.kill(workers[-1], signal.SIGKILL)
        for part in PARTS[1:]:
            os.kill(before[part], signal.SIGKILL)
        for part in PARTS[1:]:
            wait_until(lambda part=part: running(process.pid, part) not in {None, before[part]}, seconds=60)
        wait_until(lambda: not any(map(is_running, [workers[-1], *pool])))
        wait_until(lambda: is_up(port))
        assert running(process.pid, "granian") == before["granian"]
        assert process.poll() is None
        os.kill(before["granian"], signal.SIGKILL)
        wait_until(lambda: running(process.pid, "granian") not in {None, before["granian"]}, seconds=60)
        wait_until(lambda: is_up(port), seconds=60)
        left = descendants(process.pid)
        process.kill()  # which it cannot prepare for
        wait_until(lambda: not any(map(is_running, left)), seconds=60)


def test_it_ends_soon_when_it_is_asked_to(tmp_path):
    with serving(tmp_path) as (process, port):
        wait_until(lambda: "password: " in (tmp_path / "log").read_text())
        left = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        wait_until(lambda: not any(map(is_running, left)))
    begun, _, banner = (tmp_path / "log").read_text().partition(f"\nReflector Rooms on http://localhost:{port} ")
    assert "| runs as process" in begun  # what it names answers by now
    assert banner.count("Admin login: admin") == banner.count("password: ") == 1


def test_what_processes_counted_that_are_gone_is_forgotten(tmp_path):
    left = tmp_path / "metrics" / "counter_999999.db"
    left.parent.mkdir()
    left.touch()
    with serving(tmp_path, METRICS_TOKEN="token") as (_, port):
        assert not left.exists()
        requests.post(f"http://127.0.0.1:{port}/v1/mock/webhook", b"{}", timeout=5)
        wait_until(lambda: "reflector_task_seconds_count{task=" in counted(port))
        assert 'reflector_webhooks_received_total{answer="400",platform="mock"} 1.0' in counted(port)


def counted(port):
    return requests.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer token"}, timeout=5).text


def test_the_login_is_told_also_when_it_ends_before_its_server_answers(settings):
    """The password is made once. No server is there."""
    settings.PORT = free_port()
    shown = io.StringIO()
    banner = serve.Banner("Admin login: admin\n", OutputWrapper(shown))
    banner.show_if_up()
    assert shown.getvalue() == ""
    for _ in range(2):
        banner.show()
    assert shown.getvalue() == "Admin login: admin\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """What follows `python -m`, to run some code."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(code):
        name = f"part_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(code)
        return [name]

    return write


@pytest.mark.parametrize(("code", "words"), [(3, "exit 3"), (-9, "SIGKILL")])
def test_what_ends_again_and_again_is_started_after_ever_longer_pauses(module, monkeypatch, code, words):
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    lines = []
    end = f"import os; os.kill(os.getpid(), {-code})" if code < 0 else f"raise SystemExit({code})"
    output = processes.Output(Lines(lines), width=4)
    one = processes.Supervised("part", module(end), {}, output)
    wait_until(lambda: one.look() or len(endings(lines)) == 4)
    assert endings(lines) == [f"ended ({words})"] * 4
    assert one._pause == pytest.approx(0.16)
    one.signal(signal.SIGKILL)


def endings(lines):
    return [line.split("; ")[0].split(" | ")[1] for line in lines if "ended" in line]


def test_one_that_ends_at_once_each_time_is_named_and_all_are_ended(module, monkeypatch):
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    lines = []
    commands = {
        "good": module("import time; time.sleep(600)"),
        "bad": module("print('no such thing'); raise SystemExit(3)"),
    }
    with pytest.raises(processes.EndsAtOnce, match=r"^bad ended at once 6 times \(exit 3\)"):
        processes.run(commands, {}, Lines(lines))
    started = [line for line in lines if "good | runs as process" in line]
    pid = int(started[0].split()[-1])
    wait_until(lambda: not is_running(pid))
    assert sum("no such thing" in line for line in lines) >= 1
    assert len([line for line in lines if "bad  | runs as process" in line]) == 6


def test_what_is_loaded_before_others_are_forked_begins_nothing():
    """Neither threads nor connections would be whole in the processes that are forked."""
    code = (
        "import threading; from config.loading import load_web, load_workers; load_web(); load_workers();"
        " from django.db import connection; print(threading.active_count(), connection.connection)"
    )
    environment = {**os.environ, "ENV_FILE": "", "DEBUG": "true", "DATABASE_URL": "", "REDIS_URL": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "1 None\n", done.stderr


def test_one_that_ended_after_a_while_is_not_counted(module, monkeypatch):
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(processes, "LONGEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(processes, "AT_ONCE_SECONDS", 0)
    lines = []
    output = processes.Output(Lines(lines), width=4)
    one = processes.Supervised("part", module(""), {}, output)
    wait_until(lambda: one.look() or len(endings(lines)) == 2 * processes.TRIES, seconds=120)


class TestPorts:
    """`taken` are the ports that somebody else has."""

    @pytest.fixture
    def taken(self, settings, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            settings.HOST, settings.PORT, settings.SANDBOX_ENABLED = "127.0.0.1", port, False
            for name in ("PORT", "PUBLIC_URL", "SANDBOX_PORT", "SANDBOX_STORAGE_PORT"):
                monkeypatch.delenv(name, raising=False)
            yield port

    def test_a_port_that_nobody_chose_gives_way_to_the_next_free_one(self, taken):
        [(was, now)] = serve.free_ports().values()
        assert was == taken
        assert now > taken
        require_free_port("127.0.0.1", now, "PORT")

    @pytest.mark.parametrize("name", ["PORT", "PORT_FILE", "PUBLIC_URL"])
    def test_one_that_was_chosen_does_not(self, taken, monkeypatch, name):
        monkeypatch.setenv(name, "something")
        with pytest.raises(CommandError, match=f"Port {taken} is in use"):
            serve.free_ports()

    def test_those_of_the_sandbox_give_way_and_do_not_meet(self, settings, taken):
        settings.SANDBOX_ENABLED, settings.PORT = True, free_port()
        settings.SANDBOX_PORT = settings.SANDBOX_STORAGE_PORT = taken
        moved = serve.free_ports()
        assert moved.keys() == {"SANDBOX_PORT", "SANDBOX_STORAGE_PORT"}
        assert len({taken, *(port for _, port in moved.values())}) == 3

    def test_free_ports_are_left_as_they_are(self, settings, taken):
        settings.PORT = free_port()
        assert serve.free_ports() == {}


def test_a_second_one_with_the_same_data_is_refused(tmp_path):
    refused = pytest.raises(CommandError, match="It runs already with the data in")
    with serve.alone_in(tmp_path), refused, serve.alone_in(tmp_path):
        pass
    with serve.alone_in(tmp_path):
        pass


def test_a_process_that_is_left_of_one_that_was_killed_holds_up_no_other(tmp_path):
    begun = multiprocessing.get_context("fork").Event()
    left = multiprocessing.get_context("fork").Process(target=lambda: begun.set() or signal.pause(), daemon=True)
    with serve.alone_in(tmp_path):
        left.start()
        assert begun.wait(60)
    with serve.alone_in(tmp_path):
        assert left.is_alive()
    left.kill()
    left.join()


class Lines:
    def __init__(self, lines):
        self._lines = lines

    def write(self, text):
        self._lines.append(text)

    def flush(self):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", "::", "::1"])  # noqa: S104
def test_a_port_is_tried_where_it_will_be_listened_on(host):
    require_free_port(host, free_port(), "PORT")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is in use: set PORT to another one"):
            require_free_port(host, port, "PORT")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "2001:db8::1"])
def test_a_host_that_is_not_this_machine_is_named(host):
    with pytest.raises(CommandError, match=f"{host} is no address of this machine: set HOST to one"):
        require_free_port(host, free_port(), "PORT")


def test_lines_are_whole_whatever_the_pieces_in_which_they_come(module):
    lines = []
    output = processes.Output(Lines(lines), width=4)
    code = """
        import os, time
        os.write(1, "one\\nt\u00fc".encode()[:-1])
        os.write(1, "\u00fc".encode()[1:] + b"r\\n\\nno end")
    """
    one = processes.Supervised("part", module(textwrap.dedent(code)), {}, output)
    one.look()
    wait_until(lambda: output.copy(0.1) or one.has_ended())
    output.copy(0.1)
    assert [line.split(" | ")[1].rstrip() for line in lines[1:]] == ["one", "t\u00fcr", "", "no end"]


def test_what_processes_write_in_json_stays_json_with_their_names(tmp_path):
    stream = io.StringIO()
    output = processes.Output(stream, 5, as_json=True)
    output.write("web", '{"level": "INFO", "message": "ready"}')
    output.write("quick", "no JSON: {")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {"process": "web", "level": "INFO", "message": "ready"}
    assert (second["process"], second["message"]) == ("quick", "no JSON: {")
