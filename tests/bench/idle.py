"""What `manage.py serve` costs on SQLite while nobody uses it: how soon it answers, its share of a core, its memory.

All its processes count, the sandbox's too. Memory is PSS: what several processes share is divided among them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.live import ROOT, free_port, wait_until

SECONDS = 60  # that are measured
SETTLING_SECONDS = 30  # after it answers, until all processes have begun
START_TARGET, CPU_TARGET, MEMORY_TARGET = 4.0, 1.0, 350.0  # seconds, percent of one core, MB
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    """One that runs; `cpu` is in seconds, children that have ended included."""

    name: str
    cpu: float
    memory: float  # MB


def main(seconds=SECONDS, settling=SETTLING_SECONDS, repeats=2):
    """Whether all is within its target."""
    with tempfile.TemporaryDirectory() as folder:
        starts = []
        for _ in range(repeats):  # the first one migrates
            with serving(Path(folder)) as (serve, took):
                starts.append(took)
                if len(starts) == repeats:
                    time.sleep(settling)
                    before, began = family(serve.pid), time.monotonic()
                    time.sleep(seconds)
                    after, lasted = family(serve.pid), time.monotonic() - began
    return report(starts, before, after, lasted)


def report(starts, before, after, seconds):
    shares = {pid: 100 * (one.cpu - (before[pid].cpu if pid in before else 0)) / seconds for pid, one in after.items()}
    for pid, one in sorted(after.items()):
        print(f"idle: {one.name:40} {shares[pid]:5.2f} % of a core, {one.memory:6.1f} MB")
    cpu, memory = sum(shares.values()), sum(one.memory for one in after.values())
    print(f"idle: {len(after)} processes: {cpu:.2f} % of a core (target <= {CPU_TARGET:g}) over {seconds:.0f} s")
    print(f"idle: {len(after)} processes: {memory:.0f} MB (target <= {MEMORY_TARGET:g})")
    first, *again = starts
    print(f"idle: the first start answers after {first:.1f} s, with making the database")
    print(f"idle: a later start answers after {min(again or starts):.1f} s (target < {START_TARGET:g})")
    return cpu <= CPU_TARGET and memory <= MEMORY_TARGET and min(again or starts) < START_TARGET


@contextmanager
def serving(folder, **variables):
    """The process of `manage.py serve` as on a first run, and the seconds until it answered."""
    ports = {name: str(free_port()) for name in ("PORT", "SANDBOX_PORT", "SANDBOX_STORAGE_PORT")}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    environment = {**kept, "ENV_FILE": "", "DEBUG": "true", "DATA_DIR": str(folder), **ports, **variables}
    with (folder / "serve.log").open("ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{ports['PORT']}/health"), seconds=120, every=0.02)
            yield process, time.monotonic() - began
        finally:
            process.terminate()
            process.wait(30)


def answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def family(pid):
    """A process and all below it, by pid."""
    found, waiting = {}, [pid]
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):  # it has ended meanwhile
            found[pid] = Process(name_of(pid), cpu_seconds(pid), memory_of(pid))
            tasks = Path(f"/proc/{pid}/task").iterdir()
            waiting += [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return found


def name_of(pid):
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    return " ".join(word.rpartition("/")[2] for word in words if not word.startswith("--"))[:40]


def cpu_seconds(pid):
    """User and system time so far, of its children that have ended as well (proc(5), stat)."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])) / TICKS


def memory_of(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--settling", type=int, default=SETTLING_SECONDS)
    options = parser.parse_args()
    sys.exit(0 if main(options.seconds, options.settling) else 1)
