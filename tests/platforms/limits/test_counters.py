"""What counts how often somebody called: by all processes of a machine, and by all machines where there is Redis."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from platforms.limits import rates
from platforms.limits.counters import ENTRY, PLACES, ROWS, Counter, MachineCounter, counter
from tests.support.live import ROOT, free_port

COUNT_300_TIMES = """
import sys
from pathlib import Path
from django.conf import settings
settings.configure(SECRET_KEY="the same in all")
from platforms.limits.counters import MachineCounter
counter = MachineCounter(Path(sys.argv[1]))
for _ in range(300):
    counter.add("somebody", 7)
"""


@pytest.fixture
def machine(tmp_path):
    return MachineCounter(tmp_path / "limits")


@pytest.fixture
def limits(settings, tmp_path):
    """Counts of this test's own; at a time that stands still."""
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = ""
    settings.LIMITS = {"joins": (3, 60)}
    counter.cache_clear()
    yield settings
    counter.cache_clear()


@pytest.fixture
def clock(monkeypatch):
    def set_to(seconds):
        monkeypatch.setattr(rates.time, "time", lambda: seconds)

    set_to(6000)
    return set_to


def test_each_subject_and_each_window_has_a_count_of_its_own(machine):
    assert [machine.add("a", 7) for _ in range(3)] == [1, 2, 3]
    assert machine.add("b", 7) == 1
    assert machine.add("a", 8) == 1


def test_processes_share_the_counts_and_lose_none(settings, machine, tmp_path):
    settings.SECRET_KEY = "the same in all"
    command = [sys.executable, "-c", COUNT_300_TIMES, str(tmp_path / "limits")]
    others = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: machine.add("somebody", 7), range(400)))
    assert [other.wait(60) for other in others] == [0, 0]
    assert machine.add("somebody", 7) == 1001


def test_many_subjects_take_no_more_room_and_hardly_any_is_counted_for_another(machine, tmp_path):
    over = [subject for subject in range(5000) if machine.add(str(subject), 7) > 1]
    assert len(over) < 100
    assert (tmp_path / "limits").stat().st_size == ROWS * PLACES * ENTRY.size


def test_a_folder_that_takes_no_file_is_no_reason_to_let_nobody_through(tmp_path):
    (tmp_path / "limits").mkdir()
    machine = MachineCounter(tmp_path / "limits")
    assert [machine.add("a", 7) for _ in range(2)] == [1, 2]


@pytest.mark.redis
def test_machines_that_share_redis_share_the_counts(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    here, there = Counter(), Counter()
    counts = [which.add("of this test", 1, 60) for which in (here, there, here)]
    assert [count - counts[0] for count in counts] == [0, 1, 2]


def test_without_the_redis_that_is_set_the_machine_counts(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    counts = Counter()
    assert [counts.add("a", 7, 60) for _ in range(3)] == [1, 2, 3]


@pytest.mark.usefixtures("limits")
def test_who_asked_too_often_hears_until_when(clock):
    for _ in range(3):
        rates.count("joins", "a")
    clock(6047.5)
    with pytest.raises(rates.TooMany, match=r"^Too many meetings joined from here. Please try again in 13 seconds.$"):
        rates.count("joins", "a")
    rates.count("joins", "b")
    clock(6060)
    rates.count("joins", "a")


def test_a_limit_of_zero_is_none(limits, clock):
    limits.LIMITS = {"joins": (0, 60)}
    for _ in range(50):
        rates.count("joins", "a")
