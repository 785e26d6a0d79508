"""Where the sandbox sends its webhooks: an address that keeps what arrives and answers as scripted."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.datastructures import CaseInsensitiveMapping

from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider


@dataclass(frozen=True)
class Received:
    path: str
    body: bytes
    headers: Any  # whose names ignore case

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return str(self.json.get("type", "probe"))


class Product(StubProvider):
    def __init__(self):
        super().__init__()
        self.answers(Answer(200))

    def answers(self, *answers):
        """In turn, the last one for ever."""
        self.on("POST", "/v1/*", *answers)

    @property
    def received(self):
        return [
            Received(request.path, request.body, CaseInsensitiveMapping(request.headers)) for request in self.requests
        ]

    def kinds(self):
        return [sent.kind for sent in self.received]

    def wait_for(self, kind):
        """The first delivery of that kind, once it has come."""
        return wait_until(lambda: next((sent for sent in self.received if sent.kind == kind), None))

    def wait_for_all(self, count):
        wait_until(lambda: len(self.received) >= count)
        return self.received
