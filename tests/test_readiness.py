"""/ready: what this process needs, each with what is wrong; and the heartbeats that it asks for."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from config import readiness
from config.readiness import CHECKS, Readiness
from platforms.health import heartbeats
from platforms.models import Heartbeat
from tests.conftest import api_for
from tests.support.live import free_port, running_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheduler():
    return Heartbeat.objects.create(name=heartbeats.SCHEDULER, at=timezone.now())


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize("name", CHECKS)
def test_each_is_well_where_all_is_there(name):
    assert CHECKS[name]() == ""


def test_a_scheduler_that_never_ran_or_says_nothing_any_more_is_named(db):
    assert "never run" in readiness.scheduler()
    Heartbeat.objects.create(name=heartbeats.SCHEDULER, at=timezone.now() - timedelta(seconds=61))
    assert readiness.scheduler() == "it has said nothing for 61 s"


def test_migrations_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(readiness, "_is_migrated", False)
    monkeypatch.setattr(readiness.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    assert "manage.py migrate" in readiness.migrations()


def test_a_bucket_that_is_not_there_is_a_problem_whose_text_gives_no_address_away(settings):
    where = f"http://127.0.0.1:{free_port()}"
    options = {"bucket_name": "recordings", "endpoint_url": where, "access_key": "a", "secret_key": "b"}
    bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": bucket}
    problems = Readiness({"storage": readiness.storage}).problems()
    assert problems.keys() == {"storage"}
    assert "127.0.0.1" not in problems["storage"]


def test_an_error_is_told_by_its_kind_alone():
    def database():
        raise OperationalError("host=db.internal user=secret")

    found = Readiness({"database": database}).problems()
    assert found == {"database": "it does not answer (OperationalError)"}


def test_what_hangs_is_named_and_not_asked_again_meanwhile(monkeypatch):
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)
    asked, go_on = [], threading.Event()

    def hang():
        asked.append(1)
        go_on.wait(30)
        return ""

    looked_at = Readiness({"broker": hang, "storage": lambda: ""})
    assert looked_at.problems().keys() == looked_at.problems().keys() == {"broker"}
    assert len(asked) == 1
    go_on.set()
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 10)
    assert looked_at.problems() == {}


def test_it_is_not_worked_out_for_everybody_who_asks():
    asked = []
    looked_at = Readiness({"database": lambda: asked.append(1) or ""})
    for _ in range(5):
        looked_at.problems()
    assert len(asked) == 1


def test_the_address_answers_503_with_what_is_wrong(monkeypatch):
    monkeypatch.setattr(readiness, "readiness", Readiness({"storage": lambda: "away"}))
    answer = api_for().get("/ready", HTTP_HOST="10.1.2.3", HTTP_AUTHORIZATION="Bearer stale")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "problems": {"storage": "away"}})
    monkeypatch.setattr(readiness, "readiness", Readiness({"storage": lambda: ""}))
    answer = api_for().get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "problems": {}})
    assert api_for().post("/ready").status_code == 405


def test_a_server_without_a_scheduler_is_not_ready_and_says_so(tmp_path):
    with running_product(tmp_path) as product:
        answer = product.api("GET", "/ready")
        assert answer.status_code == 503
        assert answer.json()["problems"].keys() == {"scheduler"}
        assert product.api("GET", "/health").ok


class TestHeartbeats:
    @pytest.fixture(autouse=True)
    def unheard(self, monkeypatch):
        monkeypatch.setattr(heartbeats, "_told_at", {})
        monkeypatch.setattr(heartbeats.connection, "close", lambda: None)  # the test is in a transaction

    def test_a_worker_that_says_so_works_its_queues(self, monkeypatch):
        heartbeats.note("quick@here", "quick,outbound")
        assert heartbeats.queues_worked() == {"quick", "outbound"}
        Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=2))
        assert heartbeats.queues_worked() == set()
        heartbeats.note("quick@here", "quick,outbound")  # too soon to be written again
        assert heartbeats.queues_worked() == set()
        monkeypatch.setattr(heartbeats, "EVERY_SECONDS", 0)
        heartbeats.note("quick@here", "quick,outbound")
        assert heartbeats.queues_worked() == {"quick", "outbound"}

    def test_those_of_long_ago_are_forgotten(self):
        heartbeats.note("old@there", "quick")
        Heartbeat.objects.update(at=timezone.now() - timedelta(days=2))
        heartbeats.forget_old()
        assert not Heartbeat.objects.exists()
