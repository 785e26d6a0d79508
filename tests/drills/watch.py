"""Somebody who goes on using the product while it is being spoiled, and writes down what became of it."""

import hashlib
import hmac
import json
import os
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass

import requests

from tests.drills.machine import SECRET

KINDS = ("webhook", "health", "page", "opening")
SLOW = 1.0  # seconds from which on an answer is none of a product that is well
WELL_WITHIN = 90  # seconds after which the drill waits no longer


@dataclass
class Answer:
    kind: str
    status: int | str
    seconds: float

    @property
    def is_good(self):
        return self.status in {200, 201} and self.seconds < SLOW


class Watch:
    """Delivers webhooks, looks at /health and pages and opens meetings, all the time."""

    def __init__(self, machine):
        self._machine = machine
        self._is_over = threading.Event()
        self._threads = []
        self.answers = []
        self.accepted = set()

    def __enter__(self):
        for kind, pause in [("webhook", 0.05), ("webhook", 0.05), ("health", 0.1), ("page", 0.5), ("opening", 0.5)]:
            thread = threading.Thread(target=self._go_on, args=(kind, pause), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def ask(self, kind):
        started = time.monotonic()
        try:
            status = getattr(self, f"_{kind}")()
        except requests.RequestException as error:
            status = type(error).__name__
        return Answer(kind, status, time.monotonic() - started)

    def seconds_until_well(self):
        """Until everything is answered as it should be, three times in a row; None if that does not come."""
        started, row = time.monotonic(), 0
        while time.monotonic() - started < WELL_WITHIN:
            is_well = all(self.ask(kind).is_good for kind in KINDS)
            row = row + 1 if is_well else 0
            if row == 3:
                return time.monotonic() - started
            time.sleep(0.1)
        return None

    def lost(self):
        """How many events were accepted that are not there."""
        stored = {event for (event,) in self._machine.rows("SELECT event_id FROM platforms_webhookevent")}
        return len(self.accepted - stored)

    def statuses(self, kind):
        return Counter(answer.status for answer in self.answers if answer.kind == kind)

    def p99(self, kind):
        times = sorted(answer.seconds for answer in self.answers if answer.kind == kind)
        return times[int(len(times) * 0.99)] if times else None

    def _go_on(self, kind, pause):
        while not self._is_over.wait(pause):
            self.answers.append(self.ask(kind))

    def _webhook(self):
        key, body = event()
        answer = requests.post(self._machine.url + PATH, body, headers=signed(body), timeout=15)
        if answer.status_code == 200:
            self.accepted.add(key)
        return answer.status_code

    def _health(self):
        return requests.get(f"{self._machine.url}/health", timeout=15).status_code

    def _page(self):
        return requests.get(f"{self._machine.url}/login", timeout=15).status_code

    def _opening(self):
        name = f"drill-{uuid.uuid4().hex[:12]}"
        made = self._machine.call("POST", "/v1/rooms", json={"name": name})
        if not made.ok:
            return made.status_code
        return self._machine.call("POST", f"/v1/rooms/{name}/meeting", json={}).status_code


PATH = "/v1/whereby/webhook"


def event():
    key = os.urandom(32).hex()
    data = {"meetingId": "1", "roomName": "/nobody-knows-it", "participantId": key[:12], "numClients": 1}
    told = {"id": key, "apiVersion": "1.0", "createdAt": "2026-01-02T03:04:05.678Z", "type": "room.client.joined"}
    return key, json.dumps(told | {"data": data}).encode()


def signed(body, shift=0):
    stamp = str(int(time.time()) + shift)
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Whereby-Signature": f"t={stamp},v1={digest}"}
