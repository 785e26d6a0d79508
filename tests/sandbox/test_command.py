"""The sandbox as a process of its own: what it prints, how it ends, and what it says when it cannot begin."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import boto3
import pytest
import requests

from tests.sandbox.product import Product
from tests.support.daily import SECRET
from tests.support.live import ROOT, wait_until

# Nothing of the product's: no settings, no database.
BARE = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
COMMAND = [sys.executable, "-W", "error", "-m", "platforms.sandbox"]


@contextmanager
def started(*arguments, **environment):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--storage-port", "0", *arguments],
        cwd=ROOT,
        env={**BARE, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, printed(process)
    finally:
        process.kill()
        process.communicate()


def printed(process):
    """What it prints when it is ready."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  S3, SQS"):
            return "".join(lines)
    raise AssertionError(process.stderr.read())


def address(text, before):
    return re.search(rf"{before}\s+(http://\S+)", text)[1]


def test_it_prints_its_addresses_and_answers_there():
    with started() as (_, text):
        base = address(text, "Sandbox on")
        assert requests.get(address(text, "Controls"), timeout=10).status_code == 200
        assert f"{base}/daily/v1" in text
        assert f"{base}/whereby/v1" in text
        storage = address(text, "S3, SQS")
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "region_name": "us-east-1"}
        buckets = boto3.client("s3", endpoint_url=storage, **keys).list_buckets()["Buckets"]
        assert {bucket["Name"] for bucket in buckets} >= {"sandbox-whereby", "sandbox-daily"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_and_in_peace(number):
    with started() as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_webhooks_go_to_the_product():
    with Product() as product, started("--product", product.url, SANDBOX_WEBHOOK_SECRET=SECRET) as (_, text):
        base = address(text, "Sandbox on")
        key = {"Authorization": "Bearer sandbox"}
        [webhook] = requests.get(f"{base}/daily/v1/webhooks", headers=key, timeout=10).json()
        assert (webhook["url"], webhook["hmac"]) == (f"{product.url}/v1/daily/webhook", SECRET)
        assert webhook["state"] == "ACTIVE"
        assert product.requests == []  # it is not tried out, as the product may start later
        wait_until(lambda: requests.get(f"{base}/controls.json", timeout=10).ok)


def refused(*arguments, command=COMMAND, **environment):
    ended = subprocess.run(
        [*command, *arguments], cwd=ROOT, env={**BARE, **environment}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1, ended
    assert len(ended.stderr.splitlines()) == 1
    return ended.stderr


@pytest.mark.parametrize("option", ["--port", "--storage-port"])
def test_a_port_that_is_taken_is_named(option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        others = {"--port": "--storage-port", "--storage-port": "--port"}
        assert f"Port {port} " in refused(option, str(port), others[option], "0")


@pytest.mark.parametrize("module", ["flask", "moto"])
def test_a_package_that_is_missing_is_named(module):
    script = (
        f"import sys, runpy; sys.modules['{module}'] = None; runpy.run_module('platforms.sandbox', None, '__main__')"
    )
    said = refused("--port", "0", "--storage-port", "0", command=[sys.executable, "-c", script])
    assert f"{module} is not installed" in said
    assert "requirements-dev.lock" in said


@pytest.mark.parametrize("secret", ["", "no base64"])
def test_a_secret_that_cannot_sign_is_refused(secret):
    arguments = ("--port", "0", "--storage-port", "0", "--product", "http://127.0.0.1:9")
    assert "SANDBOX_WEBHOOK_SECRET" in refused(*arguments, SANDBOX_WEBHOOK_SECRET=secret)
