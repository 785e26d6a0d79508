"""What is written into the log at its most talkative."""

import json
import logging
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests

from platforms import logs
from tests.support.deliveries import signed
from tests.support.live import free_port, running_product, wait_until
from tests.support.live_inbox import reading
from tests.support.stub_provider import Answer, StubProvider
from tests.test_settings import PRODUCTION, manage

# A signed link as requests fetches it, an object as boto3 does, a statement with its parameters, and a line of our own.
TALK = """
import logging
import boto3, requests
from django.conf import settings
from django.db import connection
{before}
requests.get("{url}/file?X-Amz-Signature=hidden-1")
keys = dict(aws_access_key_id="id", aws_secret_access_key="hidden-2", region_name="us-east-1")
s3 = boto3.client("s3", endpoint_url="{url}", **keys)
requests.get(s3.generate_presigned_url("get_object", dict(Bucket="hidden-3", Key="key")))
s3.get_object(Bucket="hidden-3", Key="key")
with connection.cursor() as cursor:
    cursor.execute("SELECT %s", ["hidden-4"])
logging.getLogger("recordings.fetching.download").debug("our own line")
"""
CLERK = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("clerk", password="horse-battery-1", is_staff=True)
"""
ERROR = (ValueError, ValueError("said"), None)
AS_A_WORKER = "from config.celery import app; app.log.setup_logging_subsystem(loglevel='DEBUG')"


@pytest.mark.parametrize("before", ["", AS_A_WORKER], ids=["web", "worker"])
def test_nothing_signed_or_secret_is_in_it(tmp_path, before):
    variables = {**PRODUCTION, "LOG_LEVEL": "DEBUG", "DEBUG": "true", "SANDBOX_ENABLED": "false", "DATABASE_URL": ""}
    with StubProvider() as stub:
        stub.on("GET", "/*", Answer(200, {"some": "content"}))
        script = TALK.format(url=stub.url, before=before)
        done = manage("shell", "--no-imports", "-c", script, folder=tmp_path, **variables)
        assert len(stub.requests) == 3
    assert done.returncode == 0, done.stderr
    assert "DEBUG recordings.fetching.download our own line" in done.stderr
    for hidden in ("hidden", "Signature", "?"):
        assert hidden not in done.stderr


# As JSON


@contextmanager
def worker(product):
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "-Q", "quick,long", "-c", "1"]
    process = subprocess.Popen([*command, "--without-mingle", "--without-gossip"], **product._where)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def lines_of(folder):
    """What servers and workers wrote, of which each line is an object; before it stands what commands printed."""
    _, _, text = (folder / "product.log").read_text().partition("Admin login:")
    whole, _, _ = text.rpartition("\n")  # the last one may still be under way
    return [json.loads(line) for line in whole.splitlines()[1:]]


def test_a_json_log_follows_the_work_from_the_request_to_the_tasks(tmp_path):
    """Real processes: a meeting opens, its platform tells of a recording, and workers fetch it in vain."""
    with running_product(tmp_path, LOG_FORMAT="json") as product:
        token = product.sign_in()
        assert product.api("POST", "/v1/rooms", token=token, json={"name": "standup", "platform": "mock"}).ok
        opening = {"Authorization": f"Bearer {token}", "X-Request-ID": "trace-of-the-opening"}
        opened = requests.post(
            f"{product.servers[0][0]}/v1/rooms/standup/meeting", json={}, headers=opening, timeout=60
        )
        assert opened.headers["X-Request-ID"] == "trace-of-the-opening"
        meeting = opened.json()["id"]
        with reading(product.environment["DATABASE_URL"]) as ask:
            [(name,)] = ask("SELECT room_name FROM meetings_meeting")
        ready = {"id": "e-1", "type": "recording.ready", "recording_id": "r-1", "room_name": name}
        ready |= {"download_url": f"http://127.0.0.1:{free_port()}/file?signature=hidden"}
        body = json.dumps(ready).encode()
        told = requests.post(f"{product.servers[0][0]}/v1/mock/webhook", body, headers=signed("mock", body), timeout=60)
        assert told.ok
        with worker(product):
            wait_until(lambda: [line for line in lines_of(tmp_path) if line.get("job") == "ingest"], seconds=240)
            lines = lines_of(tmp_path)
    assert all({"time", "level", "logger", "message", "pid"} <= line.keys() for line in lines)

    def about(**ids):
        return [line["message"].split()[0] for line in lines if ids.items() <= line.items()]

    assert {"meeting_opened", "request_done"} <= set(about(request="trace-of-the-opening", meeting=meeting))
    [arrival] = [line for line in lines if line.get("request") == told.headers["X-Request-ID"]]
    assert (arrival["platform"], arrival["message"].split()[0]) == ("mock", "request_done")
    [reported] = [line for line in lines if line["message"].startswith("recording_reported")]
    assert (reported["event"], reported["meeting"]) == (arrival["event"], meeting)
    assert reported["task"] == "platforms.tasks.run_due"
    assert about(job="ingest", recording=reported["recording"])
    assert "hidden" not in str(lines)
    assert "standup" not in str([line for line in lines if "route" in line["message"]])  # addresses may hold secrets


def test_an_error_is_one_line_with_where_it_was_raised():
    formatter = logs.JSONFormatter()
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("rooms", logging.ERROR, __file__, 1, "failed room=r-1 %s", ("now",), sys.exc_info())
    with logs.about(request="q-1", meeting=None):
        logs.add(recording="c-1")
        text = formatter.format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["request"], line["recording"], line["room"], "meeting" in line) == ("q-1", "c-1", "r-1", False)
    assert "ValueError: two" in line["exception"]
    assert logs.current() == {}


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65, "a" * 8 + "\x7f"])
@pytest.mark.django_db
def test_a_callers_id_that_is_not_fit_for_a_log_is_not_taken(client, given):
    assert client.get("/health", headers={"X-Request-ID": given})["X-Request-ID"] != given
    assert client.get("/health", headers={"X-Request-ID": "good-enough-1"})["X-Request-ID"] == "good-enough-1"


# Refusals


def test_a_refusal_is_one_line(tmp_path):
    """Of a page that is for others, of a form without its token, and of what is not there."""
    with running_product(tmp_path) as product, requests.Session() as browser:
        product.manage("shell", "--verbosity=0", "-c", CLERK)
        url = product.servers[0][0]
        browser.get(f"{url}/login", timeout=60)
        form = {"username": "clerk", "password": "horse-battery-1", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post(f"{url}/login", form, timeout=60).ok
        assert browser.get(f"{url}/admin/rooms/room/", timeout=60).status_code == 403
        assert browser.post(f"{url}/account/profile", {"first_name": "Ada"}, timeout=60).status_code == 403
        assert browser.get(f"{url}/rooms/nowhere", timeout=60).status_code == 404
    text = (tmp_path / "product.log").read_text()
    assert "Traceback" not in text
    assert text.count("Forbidden") == 2


def test_a_fault_keeps_its_traceback():
    keeps = logs.RefusalsInALine()
    for status, kept in ((403, False), (400, False), (500, True), (None, True)):
        record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "said", (), ERROR)
        if status:
            record.status_code = status
        assert keeps.filter(record)
        assert bool(record.exc_info) is kept
