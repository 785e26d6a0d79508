"""A platform of the tests' own, whose events say one word: what a receiver then does is up to each test."""

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.utils import timezone

from platforms.abilities import Webhooks
from platforms.events import Event
from platforms.handler import register_platform, unregister_platform
from platforms.models import WebhookEvent
from platforms.payloads import key_of, load, text
from platforms.signals import event_received
from platforms.types import WebhookSummary


@dataclass(frozen=True, kw_only=True)
class Said(Event):
    word: str


class PaperClient(Webhooks):
    label = "Paper"
    webhook_paths = ("paper/older",)
    signature_header = "X-Paper"

    def is_signed(self, body, signature, timestamp):
        return signature in self.config.webhook_secrets

    def summarize_webhook(self, body):
        event = load(body)
        return WebhookSummary(key=key_of(text(event, "id")), event_id=text(event, "id"), type="said")

    def parse_webhook(self, body):
        event = load(body)
        return [self._said(event, word) for word in event["words"]]

    def _said(self, event, word):
        return Said(platform=self.name, occurred_at=timezone.now(), room_name=text(event, "room"), raw=event, word=word)


@pytest.fixture
def paper():
    register_platform("paper", PaperClient, {"webhook_secrets": ["ink"]})
    yield "paper"
    unregister_platform("paper")


def saying(*words, **fields):
    return json.dumps({"id": uuid.uuid4().hex, "words": words, **fields}).encode()


def event_saying(*words, **fields):
    """An event in the inbox, to be processed at once unless `fields` say otherwise."""
    return WebhookEvent.objects.create(
        **{"id": uuid.uuid4(), "platform": "paper", "type": "said", "body": saying(*words, room="r-1"), **fields}
    )


@contextmanager
def hearing(receiver):
    """Have `receiver(word)` called for every word; what it returns or raises is the receiver's answer."""

    def hear(*, event, **kwargs):
        return receiver(event.word)

    event_received.connect(hear, sender=Said)
    try:
        yield
    finally:
        event_received.disconnect(hear, sender=Said)
