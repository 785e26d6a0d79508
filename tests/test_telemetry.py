"""Errors and traces as they leave the product: what is to be told is there, and no secret, address or argument."""

import gzip
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests
from django.core.checks import run_checks
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config import doctor, telemetry
from config.telemetry.cleaning import cleaned
from tests.support.live import ROOT, running_product, wait_until
from tests.support.stub_provider import Answer, StubProvider
from tests.test_canaries import secrets

WORDS = "canary"  # of each secret here, unless its form is given; see `secrets`
SENDER = {"Authorization": "Bearer canary-of-a-bearer", "Cookie": "sessionid=canary-of-a-cookie", "X-Key": "canary-x"}


@pytest.fixture
def collector():
    """Takes what is sent to Sentry and by OTLP."""
    with StubProvider() as stub:
        stub.on("POST", "/*", Answer(200, {"id": "0" * 32}))
        yield stub


def bodies(stub, ending):
    sent = [request for request in stub.requests if request.path.partition("?")[0].endswith(ending)]
    zipped = [(request.body, request.headers.get("content-encoding")) for request in sent]
    return [gzip.decompress(body) if encoding == "gzip" else body for body, encoding in zipped]


def events(stub):
    lines = [line for body in bodies(stub, "/envelope/") for line in body.split(b"\n") if line.startswith(b"{")]
    found = [json.loads(line) for line in lines]
    return [event for event in found if "exception" in event or "logentry" in event]


def spans(stub):
    for body in bodies(stub, "/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                yield from scope.spans


def types(stub):
    return {value["type"] for event in events(stub) for value in event.get("exception", {}).get("values", [])}


def names(stub):
    return {span.name for span in spans(stub)}


@contextmanager
def worker(product):
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "quick", "-c", "1", "-l", "ERROR"]
    with subprocess.Popen(
        command, cwd=ROOT, env=product.environment, stdout=product.log, stderr=product.log
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def test_errors_and_traces_are_told_without_what_is_secret_in_them(collector, tmp_path):
    hidden = secrets(collector.url)
    variables = {
        **{name: value for name, (value, _) in hidden.items()},
        "SENTRY_DSN": f"{collector.url.replace('://', '://publickey@')}/1",
        "SENTRY_ENVIRONMENT": "staging",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=canary-of-a-collector",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "DJANGO_SETTINGS_MODULE": "tests.support.telemetry_settings",
        "JAAS_APP_ID": "app",
        "JAAS_KEY_ID": "key",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_FORMAT": "json",
    }
    with running_product(tmp_path, **variables) as product, worker(product):
        server = product.servers[0][0]
        query = {"token": "canary-of-a-query"}
        for path in ("fail", "ask"):
            address = f"{server}/{path}/canary-of-an-address"
            requests.post(address, params=query, json={"body": "canary-of-a-body"}, headers=SENDER, timeout=60)
        wait_until(lambda: {"RuntimeError", "LookupError"} <= types(collector), seconds=120)
        wait_until(lambda: {"POST fail/<str:secret>", "tests.fail_later"} <= names(collector), seconds=120)
    sent = [body for ending in ("/envelope/", "/v1/traces") for body in bodies(collector, ending)]
    told = b"\n".join(sent).decode("utf-8", "replace")
    assert {name for name, (_, value) in hidden.items() if value in told} == set()
    assert re.findall(f".{{0,80}}{WORDS}.{{0,80}}", told) == []
    assert {request.headers.get("x-api-key") for request in collector.requests} == {None, "canary-of-a-collector"}
    assert_told_what_helps(collector)


def assert_told_what_helps(collector):
    failed = next(event for event in events(collector) if "RuntimeError" in str(event.get("exception")))
    assert failed["environment"] == "staging"
    assert failed["transaction"] == "/fail/{secret}"
    assert len(failed["tags"]["request"]) == 32
    value = failed["exception"]["values"][-1]
    assert value["value"].startswith("It failed with")
    frame = value["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["module"]) == ("fail", "tests.support.telemetry_urls")
    assert "vars" not in frame
    by_task = next(event for event in events(collector) if "LookupError" in str(event.get("exception")))
    assert by_task["tags"]["task"] == "tests.fail_later"
    line = next(event for event in events(collector) if "before_it_failed" in str(event.get("logentry")))
    assert line["logger"] == "meetings.tests"
    found = list(spans(collector))
    asked = next(span for span in found if span.name == "POST ask/<str:secret>")
    task = next(span for span in found if span.name == "tests.fail_later")
    assert (task.trace_id, task.parent_span_id) == (asked.trace_id, asked.span_id)
    attributes = {item.key: item.value.string_value for item in task.attributes}
    assert attributes["error.type"] == "LookupError"
    assert len(attributes["rooms.request"]) == 32


def test_the_scheduler_tells_its_errors_too(collector, tmp_path):
    """One whose schedule cannot be written ends with an error."""
    variables = {"SENTRY_DSN": f"{collector.url.replace('://', '://publickey@')}/1"}
    with running_product(tmp_path, servers=0, **variables) as product:
        command = [sys.executable, "-m", "celery", "-A", "config", "beat", "-s", "/nowhere/schedule", "-l", "ERROR"]
        beat = {"cwd": ROOT, "env": product.environment, "stdout": product.log, "stderr": product.log}
        subprocess.run(command, **beat, timeout=180, check=False)
    assert events(collector)


def test_nothing_of_it_is_imported_where_it_is_not_set():
    code = "import django, sys; django.setup(); import config.celery, config.urls; "
    code += "print([name for name in sys.modules if name.startswith(('sentry_sdk', 'opentelemetry.exporter'))])"
    environment = {**os.environ, "ENV_FILE": "", "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment = {name: value for name, value in environment.items() if name not in telemetry.PACKAGES}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


@pytest.mark.parametrize("variable", telemetry.PACKAGES)
def test_a_package_that_is_missing_is_an_error_of_the_check_and_of_the_doctor(settings, monkeypatch, variable):
    setattr(settings, variable, "http://key@127.0.0.1:9/1")
    assert not [message for message in run_checks() if message.id == "config.E001"]
    monkeypatch.setattr(telemetry, "is_installed", lambda package: False)
    (found,) = [message for message in run_checks() if message.id == "config.E001"]
    assert found.msg.startswith(f"{variable} is set, and ")
    assert "requirements-watch.lock" in found.hint
    assert found.msg in {problem for problem, _ in doctor.settings_()}
    assert not telemetry.is_on(variable)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("room=daily-1 state=failed error=Timeout", "room=daily-1 state=failed error=Timeout"),
        ("GET https://a.example.com/x/y?s=1 failed", "GET https://a.example.com/… failed"),
        ("postgres://rooms:pw@db:5432/rooms is away", "postgres://db:5432/… is away"),
        ("with url: /hooks/1?token=abc", "with url: /hooks/1?…"),
        ("Authorization: Bearer abcdefghij", "Authorization: [hidden]"),
        ("from ada@example.com", "from [hidden]"),
        ("key " + "a1" * 20, "key [hidden]"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_and_the_rest_stays(text, expected):
    assert cleaned(text) == expected
