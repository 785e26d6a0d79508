"""/metrics: who may read it, and what stands there after things have happened."""

import ipaddress
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from meetings.opening import open_meeting
from platforms.models import Heartbeat, PlatformState, WebhookEvent
from platforms.work.models import models_of, run_due
from recordings.models import Recording
from tests.conftest import api_for
from tests.support import live_inbox
from tests.support.deliveries import deliver, new_event, platforms  # noqa: F401  (a fixture)
from tests.support.live import running_product, wait_until

pytestmark = pytest.mark.django_db
TOKEN = "token-of-this-test"


@pytest.fixture
def read(settings):
    """The samples: name and labels -> value."""
    settings.METRICS_TOKEN = TOKEN

    def read():
        answer = api_for().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        assert answer.status_code == 200
        return samples(answer.content.decode())

    return read


def samples(text):
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[(sample.name, *sorted(sample.labels.items()))] = sample.value
    return found


def test_it_is_not_there_unless_it_is_set_up():
    assert api_for().get("/metrics").status_code == 404


def test_it_is_for_who_has_the_token_or_calls_from_a_network_that_may(settings):
    settings.METRICS_TOKEN = TOKEN
    for headers in ({}, {"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_AUTHORIZATION": TOKEN}):
        answer = api_for().get("/metrics", **headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert api_for().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 200
    settings.METRICS_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    assert api_for().get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert api_for().get("/metrics", REMOTE_ADDR="11.1.2.3").status_code == 401
    assert api_for().get("/metrics", REMOTE_ADDR="11.1.2.3", HTTP_X_FORWARDED_FOR="10.1.2.3").status_code == 401
    assert api_for().post("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 405


@pytest.mark.usefixtures("platforms")
def test_a_webhook_is_counted_when_it_is_answered_and_when_it_is_processed(client, read):
    before = read()

    def grown(name, **labels):
        key = (name, *sorted(labels.items()))
        return read().get(key, 0) - before.get(key, 0)

    deliver(client, "daily", new_event("daily"))
    deliver(client, "daily", new_event("daily"), headers={"X-Other": "1"})
    assert grown("reflector_webhooks_received_total", platform="daily", answer="200") == 1
    assert grown("reflector_webhooks_received_total", platform="daily", answer="400") == 1
    assert grown("reflector_webhook_seconds_count", platform="daily") == 2
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    assert read()["reflector_oldest_event_seconds", ("platform", "daily")] == pytest.approx(60, abs=5)
    waiting = ("reflector_jobs", ("job", "webhookevent"), ("queue", "quick"), ("state", "waiting"))
    assert read()[waiting] == 1
    run_due(*models_of("events"))
    assert grown("reflector_job_seconds_count", job="webhookevent", outcome="ended") == 1


def test_meetings_that_open_are_counted(room, read):
    key = ("reflector_meetings_opened_total", ("outcome", "opened"), ("platform", "mock"))
    before = read().get(key, 0)
    open_meeting(room)
    assert read()[key] == before + 1


def test_what_the_database_knows_is_there(read):
    Recording.objects.create(platform="mock", state="failed")
    Heartbeat.objects.create(name="scheduler", at=timezone.now() - timedelta(seconds=30))
    Heartbeat.objects.create(name="quick@here", queues="quick", at=timezone.now())
    PlatformState.objects.create(platform="mock", open_since=timezone.now(), last_event_at=timezone.now())
    found = read()
    assert found["reflector_recordings", ("state", "failed")] == 1
    assert found["reflector_recordings", ("state", "fetching")] == 0
    assert found["reflector_scheduler_age_seconds",] == pytest.approx(30, abs=5)
    assert found["reflector_queue_worked", ("queue", "quick")] == 1
    assert found["reflector_queue_worked", ("queue", "long")] == 0
    assert found["reflector_breaker_open", ("platform", "mock")] == 1
    assert found["reflector_last_event_seconds", ("platform", "mock")] < 10


def test_processes_of_one_machine_are_added_up(tmp_path):
    with running_product(tmp_path, servers=2, METRICS_TOKEN=TOKEN) as product:
        for server in (0, 1):
            product.api("POST", "/v1/mock/webhook", json={}, server=server)
        text = product.api("GET", "/metrics", token=TOKEN).text
    received = {key: value for key, value in samples(text).items() if key[0] == "reflector_webhooks_received_total"}
    assert sum(received.values()) == 2


def test_so_is_a_worker_that_runs_by_itself(tmp_path):
    """As a Procfile or systemd starts it: no process before it has prepared the way for it."""
    worked = ("reflector_job_seconds_count", ("job", "webhookevent"), ("outcome", "ended"))
    with running_product(tmp_path, METRICS_TOKEN=TOKEN) as product, live_inbox.celery(product, "worker"):
        live_inbox.deliver(product)
        wait_until(lambda: worked in samples(product.api("GET", "/metrics", token=TOKEN).text))
