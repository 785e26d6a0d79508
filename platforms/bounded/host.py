"""The process that forks bounded children, as a program: `python host.py <folder of the product> <module>`.

Its standard input is a socket, on which a worker sends the limits of a child with the two ends that belong to it: of a
socket, over which the child and the worker talk, and of a pipe, into which the child's exit status is written. A child
is killed when the worker closes the other end of that pipe; all are, when the worker goes away.

It has one thread and imports nothing of the product but that module: so it may fork at any time, and that is cheap.
"""

import importlib
import logging
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

LIMITS = struct.Struct("!IQ")  # seconds of CPU time, bytes of memory on top of what this process has
STATUS = struct.Struct("!i")  # an exit code, or a signal below zero
HEADER = struct.Struct("!cI")  # of a message: what it is, and how long
MOST_BYTES = 64 * 1024 * 1024  # of a message
IDLE_SECONDS = 300.0  # after which the host ends, if it has no children

READY = b"!"  # a child's first message
LOG = b"L"  # a line for the worker's log
OUT_OF_MEMORY = 3  # an exit status
CONTROL = 0  # standard input


class Channel:
    """Messages over a socket, each a letter that says what it is and its content."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, kind: bytes, content: bytes = b"", deadline: float | None = None) -> None:
        """`deadline` is by time.monotonic(). Raises TimeoutError, and OSError where the other side is gone."""
        self._connection.settimeout(_left_until(deadline))
        self._connection.sendall(HEADER.pack(kind, len(content)) + content)

    def receive(self, deadline: float | None = None) -> tuple[bytes, bytes]:
        """Raises EOFError where the other side has ended, and TimeoutError."""
        kind, size = HEADER.unpack(self._read(HEADER.size, deadline))
        if size > MOST_BYTES:
            raise EOFError("The other side has lost its mind.")
        return kind, self._read(size, deadline)

    def _read(self, size: int, deadline: float | None) -> bytes:
        content = bytearray(size)
        view = memoryview(content)
        while view:
            self._connection.settimeout(_left_until(deadline))
            count = self._connection.recv_into(view)
            if not count:
                raise EOFError("The other side has ended.")
            view = view[count:]
        return bytes(content)


def _left_until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.001, deadline - time.monotonic())


Serve = Callable[[Channel], None]


class Host:
    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._control = socket.socket(fileno=CONTROL)
        self._wake, wakes = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._poll = select.poll()
        self._poll.register(CONTROL, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._children: dict[int, int] = {}  # the end of the status pipe -> process

    def run(self) -> None:
        """Until the worker goes away, or nothing was to be done for a while."""
        try:
            while events := self._poll.poll(None if self._children else IDLE_SECONDS * 1000):
                for descriptor, _ in events:
                    if descriptor == self._wake:
                        self._bury()
                    elif descriptor in self._children:
                        os.kill(self._children[descriptor], signal.SIGKILL)
                        self._poll.unregister(descriptor)  # it is told when the child has ended
                    elif descriptor == CONTROL and not self._fork():
                        return
        finally:
            for pid in self._children.values():
                os.kill(pid, signal.SIGKILL)

    def _fork(self) -> bool:
        limits, descriptors, _, _ = socket.recv_fds(self._control, LIMITS.size, 2)
        if len(descriptors) < 2:
            return False
        connection, status = descriptors
        pid = os.fork()
        if pid == 0:
            self._become_child(connection, *LIMITS.unpack(limits))
        os.close(connection)
        self._children[status] = pid
        self._poll.register(status, 0)  # it is told of when the other end is closed
        return True

    def _bury(self) -> None:
        """Tell how the children ended that have."""
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)
        for descriptor, pid in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with suppress(BrokenPipeError):
                    os.write(descriptor, STATUS.pack(os.waitstatus_to_exitcode(status)))
                with suppress(KeyError):
                    self._poll.unregister(descriptor)
                os.close(descriptor)
                del self._children[descriptor]

    def _become_child(self, connection: int, cpu_seconds: int, memory_bytes: int) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(connection, CONTROL)  # in the place of the socket that is the host's
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            _limit(cpu_seconds, memory_bytes)
            channel = Channel(socket.socket(fileno=CONTROL))
            logging.basicConfig(handlers=[ToWorker(channel)], level=logging.INFO, force=True)
            channel.send(READY)
            self._serve(channel)
            status = 0
        except MemoryError:
            status = OUT_OF_MEMORY
        except (EOFError, ConnectionError):
            pass  # nobody waits for it any more
        except BaseException:
            logging.exception("bounded_child_failed %s", traceback.format_exc())  # noqa: LOG015
        finally:
            os._exit(status)


class ToWorker(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send(LOG, f"{record.name} {record.levelno} {record.getMessage()}".encode("utf-8", "replace"))


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    memory = _address_space() + memory_bytes
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _address_space() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123  (not a file on a disk)
        return int(file.read().split()[0]) * resource.getpagesize()


def main(folder: str, module: str) -> None:
    # Who stops a group of processes lets the workers finish; the host ends with its worker.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.path.insert(0, folder)
    Host(importlib.import_module(module).serve).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
