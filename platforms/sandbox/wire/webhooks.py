"""Webhooks on their way to whoever registered: signed, tried again as each provider does, and astray when asked to."""

import itertools
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests

from platforms.sandbox.wire.faults import Faults

logger = logging.getLogger(__name__)

LOGGED = 100  # deliveries that are remembered
HOLD_SECONDS = 5.0  # that an event waits for one that may overtake it


@dataclass
class Endpoint:
    """An address to which a provider sends events, and how it does that.

    `sign` makes the headers of a body with the secret, anew each time that it is sent; see `Provider.sign`. `pauses`
    are the seconds before each further attempt. With `trips` so many failures in a row stop everything.
    """

    platform: str
    url: str
    secret: str
    sign: Callable[[str, bytes], Mapping[str, str]]
    pauses: tuple[float, ...] = ()
    trips: int = 0
    timeout: float = 8.0  # seconds for an answer
    retries_refusals: bool = True  # or only what came to no answer, or to one from 500 on
    kinds: tuple[str, ...] | None = None  # None: all
    headers: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    failures: int = 0  # in a row
    pushed_at: datetime | None = None

    PROBE: ClassVar[bytes] = b'{"test":"test"}'

    def wants(self, kind: str) -> bool:
        return self.active and (self.kinds is None or kind in self.kinds)


@dataclass
class Sending:
    endpoint: Endpoint
    kind: str
    body: bytes
    due: float  # by the monotonic clock
    number: int
    attempt: int = 0


@dataclass(frozen=True)
class Logged:
    """One attempt; `status` is None when no answer came."""

    platform: str
    kind: str
    status: int | None
    attempt: int
    at: datetime

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(timespec="milliseconds")}


class Courier:
    """Sends one platform's webhooks, one after the other, from a thread of its own."""

    def __init__(self, faults: Faults, time_scale: float = 1.0, reach: Mapping[str, str] | None = None) -> None:
        self.faults = faults
        self.time_scale = time_scale
        self.reach = reach or {}  # public addresses that lead to this machine
        self.log: deque[Logged] = deque(maxlen=LOGGED)
        self._numbers = itertools.count()
        self._waiting: list[Sending] = []
        self._held: Sending | None = None
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way any more."""
        with self._changed:
            return not self._waiting

    def send(self, endpoint: Endpoint, kind: str, event: Mapping[str, Any]) -> None:
        """Put an event on its way, unless it gets lost. Does not block."""
        faults = self.faults
        if not endpoint.wants(kind) or faults.stop_webhooks or faults.lose_webhooks:
            return
        with self._changed:
            for _ in range(2 if faults.duplicate_webhooks else 1):
                due = time.monotonic() + faults.webhook_delay
                self._add(Sending(endpoint, kind, as_body(event), due, next(self._numbers)))
            self._changed.notify_all()

    def _add(self, sending: Sending) -> None:
        """With the fault of order, an event waits until the next one has overtaken it."""
        self._waiting.append(sending)
        held, self._held = self._held, None
        if held in self._waiting and held is not None:
            held.due, held.number = sending.due, next(self._numbers)
        elif self.faults.reorder_webhooks:
            sending.due += HOLD_SECONDS
            self._held = sending

    def probe(self, endpoint: Endpoint) -> int | None:
        """Try the address out, signed like any event; the status of the answer, None when there is none."""
        return self._post(endpoint, endpoint.PROBE)

    def _run(self) -> None:
        while (sending := self._next()) is not None:
            sending.attempt += 1
            status = self._post(sending.endpoint, sending.body) if sending.endpoint.active else None
            self.log.append(Logged(sending.endpoint.platform, sending.kind, status, sending.attempt, datetime.now(UTC)))
            with self._changed:
                self._settle(sending, status)
                self._changed.notify_all()

    def _next(self) -> Sending | None:
        with self._changed:
            while not self._stopped:
                first = min(self._waiting, key=lambda one: (one.due, one.number), default=None)
                if first and first.due <= time.monotonic():
                    return first
                self._changed.wait(first.due - time.monotonic() if first else None)
            return None

    def _settle(self, sending: Sending, status: int | None) -> None:
        """Done, to be tried again, or given up."""
        endpoint = sending.endpoint
        endpoint.pushed_at = datetime.now(UTC)
        if status == 200 or (status and not endpoint.retries_refusals and status < 500):
            endpoint.failures = 0
            self._waiting.remove(sending)
            return
        endpoint.failures += 1
        if endpoint.trips and endpoint.failures >= endpoint.trips:
            endpoint.active = False
        if not endpoint.active or sending.attempt > len(endpoint.pauses):
            logger.warning("webhook_dropped platform=%s kind=%s status=%s", endpoint.platform, sending.kind, status)
            self._waiting.remove(sending)
            return
        sending.due = time.monotonic() + endpoint.pauses[sending.attempt - 1] * self.time_scale

    def _post(self, endpoint: Endpoint, body: bytes) -> int | None:
        signature = endpoint.sign(endpoint.secret, body)
        headers = {"Content-Type": "application/json", **endpoint.headers, **signature}
        try:
            answer = requests.post(
                self._reached(endpoint.url),
                data=body,
                headers=headers,
                timeout=endpoint.timeout,
                allow_redirects=False,
            )
        except requests.RequestException:
            return None
        return answer.status_code

    def _reached(self, url: str) -> str:
        parts = urlsplit(url)
        base = self.reach.get(f"{parts.scheme}://{parts.netloc}")
        return f"{base}{parts.path}" if base else url


def as_body(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
