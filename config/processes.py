"""Processes that run side by side: one that ends is started again, and none outlives the one that started it."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TextIO

SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
FIRST_PAUSE_SECONDS = 0.5  # before what ended is started again; twice as long each time
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # after which a process that ends has the first pause again
AT_ONCE_SECONDS = 10.0  # a process that ends within these has hardly begun
TRIES = 6  # of one that ends at once each time, after which all are ended
ENDING_SECONDS = 4.0  # until what has not ended by itself is killed; work that is cut off is begun anew
LOOK_EVERY_SECONDS = 0.25

_libc = ctypes.CDLL(None)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent has ended, in whatever way. Linux only."""
    if sys.platform == "linux":
        _libc.prctl(SET_PARENT_DEATH_SIGNAL, int(number))


class EndsAtOnce(Exception):
    """A process ends as soon as it is started, again and again."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} ended at once {TRIES} times ({reason}). Its lines above say why.")


class Supervised:
    """A command that is kept running, from some seconds on. It is the first of a process group."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], output: "Output", wait: float = 0.0
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._output = output
        self._pause = FIRST_PAUSE_SECONDS
        self._due = time.monotonic() + wait  # when it is to be started
        self._started = 0.0
        self._ended_at_once = 0  # times in a row
        self._process: subprocess.Popen[str] | None = None

    def look(self) -> None:
        """Start it where it does not run and is due. Raises EndsAtOnce."""
        if self._process and self._process.poll() is not None:
            self._plan_restart(self._process.returncode)
            self._process = None
        if self._process is None and time.monotonic() >= self._due:
            self._start()

    def signal(self, number: int) -> None:
        """To all of the group: a process that was killed may have left others in it."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def ask_to_end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _start(self) -> None:
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  (our own commands)
            self._command,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a terminal's Ctrl-C goes to this process alone, which ends the others in order
            preexec_fn=end_with_parent,  # between fork and exec: a system call and no more
        )
        self._output.write(self.name, f"runs as process {self._process.pid}")
        if self._process.stdout:
            self._output.follow(self.name, self._process.stdout)

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


class Output:
    """Lines of several processes in one stream, each with the name of its process."""

    def __init__(self, stream: TextIO, width: int, as_json: bool = False) -> None:
        self._stream = stream
        self._width = width
        self._as_json = as_json
        self._lock = threading.Lock()
        self._is_silent = False

    def write(self, name: str, line: str) -> None:
        text = _in_json(name, line) if self._as_json else f"{datetime.now():%H:%M:%S} {name:{self._width}} | {line}"  # noqa: DTZ005  (local)
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def fall_silent(self) -> None:
        """What processes write while they end is for nobody."""
        self._is_silent = True

    def follow(self, name: str, lines: IO[str]) -> None:
        threading.Thread(target=self._copy, args=(name, lines), daemon=True).start()

    def _copy(self, name: str, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                if not self._is_silent:
                    self.write(name, line.rstrip("\n"))


def run(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    stream: TextIO = sys.stdout,
    as_json: bool = False,
    first: str = "",
    head_start: float = 0.0,
) -> None:
    """Keep all running until SIGINT or SIGTERM comes; then end them, at once when it comes again.

    One may be the `first`, with a head start of some seconds: all load the same, and would wait for each other.
    Raises EndsAtOnce, when the others have been ended.
    """
    output = Output(stream, max(map(len, commands)), as_json)
    supervised = [
        Supervised(name, command, environment, output, 0.0 if name == first else head_start)
        for name, command in commands.items()
    ]
    stop, at_once = threading.Event(), threading.Event()

    def on_signal(number: int, frame: object) -> None:
        (at_once if stop.is_set() else stop).set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stop.wait(LOOK_EVERY_SECONDS):
            for one in supervised:
                one.look()
        output.fall_silent()
    finally:
        _end(supervised, at_once)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(supervised: Sequence[Supervised], at_once: threading.Event) -> None:
    for one in supervised:
        one.ask_to_end()
    deadline = time.monotonic() + ENDING_SECONDS
    while not all(one.has_ended() for one in supervised) and time.monotonic() < deadline:
        if at_once.wait(LOOK_EVERY_SECONDS):
            break
    for one in supervised:
        one.signal(signal.SIGKILL)


def _in_words(code: int) -> str:
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def _in_json(name: str, line: str) -> str:
    """An object that a process wrote is passed on with the process's name in it; what is none becomes one."""
    with suppress(ValueError):
        if isinstance(written := json.loads(line), dict):
            return json.dumps({"process": name, **written}, ensure_ascii=False)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"process": name, "time": now, "message": line}, ensure_ascii=False)
