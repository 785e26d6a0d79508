"""Whatever becomes of a child, its worker is told which of a few things it was, and goes on."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from platforms.bounded.children import Cause, ChildEnded, Host, Limits
from tests.support.live import wait_until

WORK = "tests.support.bounded_work"
LIMITS = Limits(cpu_seconds=1, wall_seconds=60.0, memory_bytes=200 * 1024 * 1024)


@pytest.fixture
def host():
    running = Host(WORK)
    yield running
    running.stop()


def asked(host, kind, content=b"", limits=LIMITS):
    with host.child(limits) as child:
        child.send(kind, content)
        return child.receive()


def is_there(pid):
    """As a process that has not ended; one that nobody has waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_answers(host):
    assert asked(host, b"E", b"x" * 10_000_000) == (b"A", b"x" * 10_000_000)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (b"C", Cause.CRASHED),
        (b"M", Cause.TOO_MUCH_MEMORY),
        (b"B", Cause.TOO_LONG),
        (b"K", Cause.LOST),
        (b"R", Cause.CRASHED),
    ],
    ids=["segmentation fault", "memory", "CPU time", "killed", "an error"],
)
def test_how_a_child_ended_is_told_and_the_next_one_answers(host, kind, cause):
    asked(host, b"E")
    before = host.pid
    with pytest.raises(ChildEnded) as caught:
        asked(host, kind)
    assert caught.value.cause == cause
    assert asked(host, b"E", b"again") == (b"A", b"again")
    assert host.pid == before


def test_a_child_that_does_nothing_is_waited_for_so_long_and_killed(host):
    limits = Limits(cpu_seconds=1, wall_seconds=0.5, memory_bytes=LIMITS.memory_bytes)
    with pytest.raises(ChildEnded) as caught:
        asked(host, b"S", limits=limits)
    assert caught.value.cause == Cause.TOO_LONG
    wait_until(lambda: not children_of(host.pid))


def test_what_the_worker_does_meanwhile_is_not_its_childs_time(host):
    with host.child(Limits(1, 2.0, LIMITS.memory_bytes)) as child:
        time.sleep(3)
        child.send(b"E", b"late")
        assert child.receive() == (b"A", b"late")


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_child_writes_no_file(host, tmp_path, caplog):
    with pytest.raises(ChildEnded):
        asked(host, b"W", str(tmp_path / "left").encode())
    assert (tmp_path / "left").stat().st_size == 0


def test_its_lines_and_its_errors_are_in_the_workers_log(host, caplog):
    with host.child(LIMITS) as child:
        child.send(b"N", b"something")
        child.receive()
    with pytest.raises(ChildEnded):
        asked(host, b"R")
    assert ("tests.child", 30, "seen something") in caplog.record_tuples
    assert "ValueError: no such luck" in caplog.text


def test_who_is_not_listened_to_any_more_is_ended(host):
    with host.child(LIMITS) as child:
        child.send(b"N")
        pid = int(child.receive()[1])
        assert is_there(pid)
    wait_until(lambda: not is_there(pid))


def test_several_at_a_time_each_get_their_own_answer(host):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: asked(host, b"E", b"%d" % number), range(100)))
    assert answers == [(b"A", b"%d" % number) for number in range(100)]


def test_one_that_crashes_leaves_the_others_alone(host):
    with host.child(LIMITS) as child:
        with pytest.raises(ChildEnded):
            asked(host, b"C")
        child.send(b"E", b"still here")
        assert child.receive() == (b"A", b"still here")


def test_a_host_that_was_killed_is_replaced(host):
    asked(host, b"E")
    os.kill(host.pid, signal.SIGKILL)
    assert asked(host, b"E", b"new") == (b"A", b"new")


def test_a_signal_to_all_processes_of_a_service_lets_a_child_finish(host):
    """As systemd sends it, while the worker still has its task."""
    with host.child(LIMITS) as child:
        for pid in (host.pid, *map(int, children_of(host.pid))):
            os.kill(pid, signal.SIGTERM)
        child.send(b"E", b"done")
        assert child.receive() == (b"A", b"done")


def test_with_a_worker_that_is_killed_its_host_and_its_children_end():
    program = (
        "import sys, time\n"
        "from platforms.bounded.children import Host, Limits\n"
        f"host = Host({WORK!r})\n"
        f"with host.child({LIMITS!r}) as child:\n"
        "    child.send(b'S')\n"
        "    print(host.pid, flush=True)\n"
        "    time.sleep(3600)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with worker:
        host = int(worker.stdout.readline())
        wait_until(lambda: children_of(host))
        pids = [host, *map(int, children_of(host))]
        worker.kill()
    wait_until(lambda: not any(is_there(pid) for pid in pids))


def test_a_worker_that_is_forked_has_a_host_of_its_own(host):
    """As the processes of a worker's pool."""
    asked(host, b"E")
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asked(host, b"E")
            os.write(write_end, str(host.pid).encode())
            host.stop()
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as said:
        theirs = said.read()
    os.waitpid(pid, 0)
    assert theirs
    assert int(theirs) != host.pid
    assert asked(host, b"E", b"mine") == (b"A", b"mine")
