"""Whether this process can do its work: what it needs is asked, each within some seconds."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from config.celery import app as celery
from platforms.health import heartbeats
from rooms.api.base import ApiView

ANSWER_SECONDS = 4  # for each check
KEPT_SECONDS = 3.0  # that the answer counts, so that nobody makes work by asking often

Check = Callable[[], str]


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


_is_migrated = False  # once it is so, it is so for this process's code


def migrations() -> str:
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "there are migrations to apply: manage.py migrate"
        _is_migrated = True
    return ""


def broker() -> str:
    with celery.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_max=0, timeout=ANSWER_SECONDS)
        broker.default_channel  # noqa: B018  (Redis is asked when it is opened)
    return ""


def storage() -> str:
    its = storages["recordings"]
    if isinstance(its, FileSystemStorage):
        its.exists("ready")
    else:
        its.connection.meta.client.head_bucket(Bucket=its.bucket_name)  # type: ignore[attr-defined]
    return ""


def scheduler() -> str:
    age = heartbeats.scheduler_age()
    if age is None:
        return "it has never run: celery -A config beat"
    return "" if age < heartbeats.ALIVE else f"it has said nothing for {age.total_seconds():.0f} s"


CHECKS: Mapping[str, Check] = {
    "database": database,
    "migrations": migrations,
    "broker": broker,
    "storage": storage,
    "scheduler": scheduler,
}


class Readiness:
    """What the checks found; each runs in a thread of its own, and none a second time while it hangs."""

    def __init__(self, checks: Mapping[str, Check] = CHECKS) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(len(checks), "ready")
        self._running: dict[str, Future[str]] = {}
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        self._found_at = -KEPT_SECONDS

    def problems(self) -> dict[str, str]:
        """By check, what is wrong; nothing of those that are well."""
        with self._lock:
            if time.monotonic() - self._found_at >= KEPT_SECONDS:
                self._found, self._found_at = self._look(), time.monotonic()
            return self._found

    def _look(self) -> dict[str, str]:
        for name, check in self._checks.items():
            if name not in self._running:
                self._running[name] = self._threads.submit(_run, check)
        deadline = time.monotonic() + ANSWER_SECONDS
        found = {name: self._result(name, deadline) for name in self._checks}
        return {name: problem for name, problem in found.items() if problem}

    def _result(self, name: str, deadline: float) -> str:
        try:
            problem = self._running[name].result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS:g} s"
        del self._running[name]
        return problem


def _run(check: Check) -> str:
    """What an error of a library says may hold addresses: its kind is told, and nothing else."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001  (each service's library has errors of its own)
        return f"it does not answer ({type(error).__name__})"
    finally:
        connection.close()


class ReadySerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ready", "not ready"])
    problems = serializers.DictField(child=serializers.CharField(), help_text="What is wrong, by what it concerns.")


readiness = Readiness()


class Ready(ApiView):
    authentication_classes = []

    @extend_schema(
        operation_id="ready",
        summary="Whether database, migrations, broker, storage and scheduler are there",
        responses={200: ReadySerializer, 503: ReadySerializer},
    )
    def get(self, request: Request) -> Response:
        problems = readiness.problems()
        told = {"status": "not ready" if problems else "ready", "problems": problems}
        return Response(told, status.HTTP_503_SERVICE_UNAVAILABLE if problems else status.HTTP_200_OK)
