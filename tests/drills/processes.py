"""Child processes of a drill: workers that are killed, and servers that the rest calls."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.db import connections

logger = logging.getLogger(__name__)


def fork(run: Callable[[], None]) -> int:
    """A child process that does this and nothing else; it shares no connection with its parent."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        run()
    except BaseException:
        logger.exception("drill_process_failed")
    finally:
        os._exit(1)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def cpu_seconds(pids: list[int]) -> float:
    """That processes and their children have used so far (proc(5), stat)."""
    stats = [(path.parent.name, fields) for path in Path("/proc").glob("[0-9]*/stat") if (fields := _fields_of(path))]
    family = {str(pid) for pid in pids}
    ticks = 0
    for pid, fields in stats:
        if pid in family or fields[1] in family:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields_of(stat: Path) -> list[str]:
    """Those after the name; none of a process that has ended meanwhile."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []
