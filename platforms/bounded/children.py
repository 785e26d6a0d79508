"""Bounded children as a worker has them: it starts a host on first use, and again when that is gone."""

import atexit
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from signal import SIGKILL, SIGXCPU

from platforms.bounded import host
from platforms.bounded.host import Channel

PRODUCT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0  # until a child is there


@dataclass(frozen=True)
class Limits:
    """`wall_seconds` are those for which the worker waits, not those in which it does other things."""

    cpu_seconds: int
    wall_seconds: float
    memory_bytes: int  # on top of what the host has


class Cause(Enum):
    TOO_LONG = "it took too long"
    TOO_MUCH_MEMORY = "it took too much memory"
    CRASHED = "it crashed"
    LOST = "it was ended from outside"  # which says nothing of what it worked on


class ChildEnded(Exception):
    """A child ended before it had answered."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"The child process ended: {cause.value}.")
        self.cause = cause


class Child:
    """A running child. What waits for it raises ChildEnded."""

    def __init__(self, connection: socket.socket, status: int) -> None:
        self._connection = connection
        self._channel = Channel(connection)
        self._status = status
        self._left = START_SECONDS

    def send(self, kind: bytes, content: bytes = b"") -> None:
        with self._waiting() as deadline:
            self._channel.send(kind, content, deadline)

    def receive(self) -> tuple[bytes, bytes]:
        while True:
            with self._waiting() as deadline:
                kind, content = self._channel.receive(deadline)
            if kind != host.LOG:
                return kind, content
            name, level, text = content.decode().split(" ", 2)
            logging.getLogger(name).log(int(level), "%s", text)

    def wait_until_ready(self, wall_seconds: float) -> None:
        """Its time is counted from then on."""
        with self._waiting() as deadline:
            self._channel.receive(deadline)
        self._left = wall_seconds

    def close(self) -> None:
        """It is killed, unless it has ended."""
        self._connection.close()
        os.close(self._status)

    @contextmanager
    def _waiting(self) -> Iterator[float]:
        """The moment, by time.monotonic(), until which may be waited."""
        started = time.monotonic()
        try:
            yield started + self._left
        except TimeoutError:
            raise ChildEnded(Cause.TOO_LONG) from None
        except (EOFError, ConnectionError):
            raise ChildEnded(self._cause()) from None
        finally:
            self._left -= time.monotonic() - started

    def _cause(self) -> Cause:
        said = os.read(self._status, host.STATUS.size)
        code = host.STATUS.unpack(said)[0] if said else -SIGKILL  # with its host
        causes = {-SIGKILL: Cause.LOST, -SIGXCPU: Cause.TOO_LONG, host.OUT_OF_MEMORY: Cause.TOO_MUCH_MEMORY}
        return causes.get(code, Cause.CRASHED)


class Host:
    """Children that run `serve` of a module. It is shared by threads."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        hosts.add(self)

    @contextmanager
    def child(self, limits: Limits) -> Iterator[Child]:
        """A child, which is gone when the block ends. Raises ChildEnded."""
        # A host that was idle may just be ending: then another is asked.
        child = self._start(limits) or self._start(limits)
        if child is None:
            raise ChildEnded(Cause.LOST)
        try:
            yield child
        finally:
            child.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """The host and its children end; the next child has another host."""
        with self._lock:
            self._end_process()

    def forget(self) -> None:
        """In a process that was forked: the host is its parent's."""
        self._lock = threading.Lock()
        if self._process:
            self._process.returncode = 0  # it is not for this process to wait for
        if self._control:
            self._control.close()
        self._process = self._control = None

    def _start(self, limits: Limits) -> Child | None:
        """None where its host has ended."""
        ours, theirs = socket.socketpair()
        status, writes = os.pipe()
        try:
            process = self._ask_for_child(limits, theirs.fileno(), writes)
        finally:
            theirs.close()
            os.close(writes)
        child = Child(ours, status)
        try:
            child.wait_until_ready(limits.wall_seconds)
        except ChildEnded as error:
            child.close()
            if error.cause != Cause.LOST:
                raise
            self._replace(process)
            return None
        return child

    def _ask_for_child(self, limits: Limits, connection: int, status: int) -> "subprocess.Popen[bytes]":
        message = host.LIMITS.pack(limits.cpu_seconds, limits.memory_bytes)
        with self._lock:
            if self._process is None or self._control is None or self._process.poll() is not None:
                self._end_process()
                self._process, self._control = self._start_process()
            with suppress(ConnectionError):  # the child never gets ready, which is seen there
                socket.send_fds(self._control, [message], [connection, status])
            return self._process

    def _replace(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            if self._process is process:
                self._end_process()

    def _start_process(self) -> tuple["subprocess.Popen[bytes]", socket.socket]:
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", host.__file__, str(PRODUCT), self._module]
        with theirs:
            return subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL), ours  # noqa: S603

    def _end_process(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        if self._control:
            self._control.close()
        self._process = self._control = None


hosts: "weakref.WeakSet[Host]" = weakref.WeakSet()


def forget_all() -> None:
    for each in hosts:
        each.forget()


def stop_all() -> None:
    for each in hosts:
        each.stop()


os.register_at_fork(after_in_child=forget_all)
atexit.register(stop_all)
