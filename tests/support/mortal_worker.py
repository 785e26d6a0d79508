"""A worker to be killed: `python -m tests.support.mortal_worker fill <count>` or `... work`.

Each event's effect is a row that says its word, and no constraint keeps it from being there twice.
"""

import sys
import time
import uuid
from datetime import timedelta

import django

django.setup()

from django.db import connection  # noqa: E402

from platforms.handler import register_platform  # noqa: E402
from platforms.models import WebhookEvent  # noqa: E402
from platforms.work.models import run_due  # noqa: E402
from tests.support.paper import PaperClient, hearing, saying  # noqa: E402


def fill(count):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE effect (word varchar(20))")
    events = [WebhookEvent(id=uuid.uuid4(), platform="paper", body=saying(str(word))) for word in range(count)]
    WebhookEvent.objects.bulk_create(events)


def job():
    WebhookEvent.LEASE = timedelta(seconds=2)
    with hearing(take_effect):
        print("ready", flush=True)  # noqa: T201
        while True:
            run_due(WebhookEvent)
            time.sleep(0.05)


def take_effect(word):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effect (word) VALUES (%s)", [word])
    time.sleep(0.005)
    return True


if __name__ == "__main__":
    register_platform("paper", PaperClient)
    fill(int(sys.argv[2])) if sys.argv[1] == "fill" else job()
