"""Several workers, some of which die, and receivers that fail at random: nothing is lost, and ids stay."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from rooms.models import Room, Webhook, WebhookDelivery
from rooms.webhooks.events import emit
from tests.support.receivers import SECRET, job
from tests.support.stub_provider import Answer

EVENTS, RECEIVERS, WORKERS, ROUNDS = 24, 3, 3, 60

pytestmark = pytest.mark.django_db(transaction=True)


def die_at_work():
    """As a worker that is killed when it has claimed a row; its lease runs out."""
    for delivery in WebhookDelivery.claim_next():
        WebhookDelivery.objects.filter(pk=delivery.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def round_of_work():
    def one(dies):
        try:
            die_at_work() if dies else job()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number == 0,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    waiting = WebhookDelivery.objects.filter(state="waiting")
    waiting.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    Webhook.objects.update(resting_until=None)


def test_each_receiver_gets_each_event_at_least_once_and_under_one_id(owner, server):
    chance = random.Random(12)
    rooms = [
        Room.objects.create(name=f"room-{n}", owner=owner, webhook_url=f"{server.url}/{n}", webhook_secret=SECRET)
        for n in range(RECEIVERS)
    ]
    taken: Counter[tuple[str, str]] = Counter()

    def answer(request):
        if chance.random() < 0.3:
            return Answer(chance.choice([429, 500, 503]))
        taken[request.path, request.headers["webhook-id"]] += 1
        return Answer()

    server.on("POST", "/*", answer)
    told = {(f"/{n % RECEIVERS}", str(tell(rooms[n % RECEIVERS]).event_id)) for n in range(EVENTS)}
    for _ in range(ROUNDS):
        if not WebhookDelivery.objects.exclude(state="done").exists():
            break
        round_of_work()
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"done"}
    assert set(taken) == told
    assert {(request.path, request.headers["webhook-id"]) for request in server.requests} == told


def tell(room):
    return emit(room, "meeting.started", lambda: {"meeting": {}})
