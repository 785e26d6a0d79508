"""Processes that run side by side: one that ends is started again, and none outlives the one that started it.

Each is a module with its arguments, forked from this process: what this one has loaded is in memory once. It has no
threads meanwhile, as a process that is forked would wait for ever for a lock that one of them held.
"""

import ctypes
import gc
import json
import multiprocessing
import multiprocessing.process
import os
import runpy
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

import setproctitle

SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
FIRST_PAUSE_SECONDS = 0.5  # before what ended is started again; twice as long each time
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # after which a process that ends has the first pause again
AT_ONCE_SECONDS = 10.0  # a process that ends within these has hardly begun
TRIES = 6  # of one that ends at once each time, after which all are ended
ENDING_SECONDS = 4.0  # until what has not ended by itself is killed; work that is cut off is begun anew
LOOK_EVERY_SECONDS = 0.25
READ_BYTES = 64 * 1024

_libc = ctypes.CDLL(None)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent has ended, in whatever way. Linux only."""
    if sys.platform == "linux":
        _libc.prctl(SET_PARENT_DEATH_SIGNAL, int(number))


def share() -> None:
    """Let processes that are forked have in memory together what there is by now.

    What is collected as garbage is looked at, which writes to it, and what is written to is copied.
    """
    gc.collect()
    gc.freeze()


class EndsAtOnce(Exception):
    """A process ends as soon as it is started, again and again."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} ended at once {TRIES} times ({reason}). Its lines above say why.")


class Supervised:
    """A module with its arguments that is kept running. It is the first of a process group."""

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str], output: "Output") -> None:
        self.name = name
        self._words = words
        self._environment = environment
        self._output = output
        self._pause = FIRST_PAUSE_SECONDS
        self._due = self._started = 0.0
        self._ended_at_once = 0  # times in a row
        self._process: multiprocessing.process.BaseProcess | None = None

    def look(self) -> None:
        """Start it where it does not run and is due. Raises EndsAtOnce."""
        if self._process and self._process.exitcode is not None:
            self._plan_restart(self._process.exitcode)
            self._process = None
        if self._process is None and time.monotonic() >= self._due:
            self._start()

    def signal(self, number: int) -> None:
        """To all of the group: a process that was killed may have left others in it."""
        if self._process and self._process.pid:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def ask_to_end(self) -> None:
        if self._process:
            self._process.terminate()

    def has_ended(self) -> bool:
        return self._process is None or self._process.exitcode is not None

    def _start(self) -> None:
        self._started = time.monotonic()
        lines, output = os.pipe()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_become, args=(self._words, self._environment, output))
        self._process.start()
        os.close(output)
        self._output.write(self.name, f"runs as process {self._process.pid}")
        self._output.follow(self.name, lines)

    def _plan_restart(self, code: int) -> None:
        self.signal(signal.SIGKILL)
        now = time.monotonic()
        if now - self._started >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self._ended_at_once = self._ended_at_once + 1 if now - self._started < AT_ONCE_SECONDS else 0
        if self._ended_at_once >= TRIES:
            raise EndsAtOnce(self.name, _in_words(code))
        self._output.write(self.name, f"ended ({_in_words(code)}); starting again in {self._pause:g} s")
        self._due, self._pause = now + self._pause, min(LONGEST_PAUSE_SECONDS, 2 * self._pause)


def _become(words: Sequence[str], environment: Mapping[str, str], output: int) -> None:
    """Be what `python -m` runs with these words, in a process that was just forked."""
    os.setsid()  # a terminal's Ctrl-C goes to the parent alone, which ends the others in order
    end_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (1, 2):
        os.dup2(output, number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.update(environment)
    setproctitle.setproctitle(f"python -m {' '.join(words)}")
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


class Output:
    """Lines of several processes in one stream, each with the name of its process."""

    def __init__(self, stream: TextIO, width: int, as_json: bool = False) -> None:
        self._stream = stream
        self._width = width
        self._as_json = as_json
        self._is_silent = False
        self._pipes = selectors.DefaultSelector()

    def write(self, name: str, line: str) -> None:
        text = _in_json(name, line) if self._as_json else f"{datetime.now():%H:%M:%S} {name:{self._width}} | {line}"  # noqa: DTZ005  (local)
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def fall_silent(self) -> None:
        """What processes write while they end is for nobody."""
        self._is_silent = True

    def follow(self, name: str, pipe: int) -> None:
        """Have `copy` read from it, and close it at its end."""
        self._pipes.register(pipe, selectors.EVENT_READ, _Lines(name))

    def copy(self, seconds: float) -> None:
        """Write what comes from the pipes, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._pipes.select(left):
                self._copy_from(key.fd, key.data)

    def _copy_from(self, pipe: int, lines: "_Lines") -> None:
        data = os.read(pipe, READ_BYTES)
        if not data:
            self._pipes.unregister(pipe)
            os.close(pipe)
        for line in lines.add(data):
            if not self._is_silent:
                self.write(lines.name, line)


class _Lines:
    """What a process writes, cut into lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._begun = b""

    def add(self, data: bytes) -> list[str]:
        """The lines that are whole by now; no data is the end."""
        *whole, self._begun = (self._begun + data).split(b"\n") if data else (self._begun, b"")
        return [line.decode(errors="replace") for line in whole if line or data]


def run(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    stream: TextIO = sys.stdout,
    as_json: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Keep all running until SIGINT or SIGTERM comes; then end them, at once when it comes again.

    A command is what would follow `python -m`; `environment` is added to that of this process. `meanwhile` is called
    some times in a second. Raises EndsAtOnce, when the others have been ended.
    """
    output = Output(stream, max(map(len, commands)), as_json)
    supervised = [Supervised(name, words, environment, output) for name, words in commands.items()]
    asked = 0  # times

    def on_signal(number: int, frame: object) -> None:
        nonlocal asked
        asked += 1

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not asked:
            for one in supervised:
                one.look()
            output.copy(LOOK_EVERY_SECONDS)
            meanwhile()
        output.fall_silent()
    finally:
        asked = min(asked, 1)
        for one in supervised:
            one.ask_to_end()
        deadline = time.monotonic() + ENDING_SECONDS
        while not all(one.has_ended() for one in supervised) and asked < 2 and time.monotonic() < deadline:
            output.copy(LOOK_EVERY_SECONDS)
        for one in supervised:
            one.signal(signal.SIGKILL)
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_words(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def _in_json(name: str, line: str) -> str:
    """An object that a process wrote is passed on with the process's name in it; what is none becomes one."""
    with suppress(ValueError):
        if isinstance(written := json.loads(line), dict):
            return json.dumps({"process": name, **written}, ensure_ascii=False)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"process": name, "time": now, "message": line}, ensure_ascii=False)
