"""Many HTTP requests at once over kept connections, at as little cost to the machine as Python can do it."""

import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of it: statuses and their number, and the time each answer took, in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self):
        return len(self.latencies) / self.seconds

    def percentile(self, share):
        return sorted(self.latencies)[int(len(self.latencies) * share)]


def fire(port, requests, connections=16):
    """Send all requests, each connection one at a time; answers must be short and carry Content-Length."""
    load, waiting = Load(), iter(requests)
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        channel = socket.create_connection(("127.0.0.1", port))
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(channel, selectors.EVENT_READ, [0.0])
    started = time.perf_counter()
    for key in list(selector.get_map().values()):
        _send_next(selector, key, waiting)
    while selector.get_map():
        for key, _ in selector.select():
            answer = _answer(key.fileobj)
            load.latencies.append(time.perf_counter() - key.data[0])
            load.statuses[int(answer[9:12])] += 1
            _send_next(selector, key, waiting)
    load.seconds = time.perf_counter() - started
    return load


def _answer(channel):
    answer = channel.recv(65536)
    while True:
        head, end, body = answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if end and len(body) >= int(length):
            return answer
        if not (more := channel.recv(65536)):
            raise ConnectionError(f"cut off after {answer!r}")
        answer += more


def _send_next(selector, key, waiting):
    request = next(waiting, None)
    if request is None:
        selector.unregister(key.fileobj)
        key.fileobj.close()
        return
    key.data[0] = time.perf_counter()
    key.fileobj.sendall(request)
