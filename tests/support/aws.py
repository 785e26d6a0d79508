"""S3, SQS and SNS on loopback, in a process of their own: what boto3 calls when AWS_ENDPOINT_URL says so.

A test module that wants them does `from tests.support.aws import aws, aws_server  # noqa: F401` and takes the fixture
`aws`.
"""

import os
import subprocess
import sys
from contextlib import contextmanager

import boto3
import pytest
import requests
from botocore.config import Config

from tests.support.live import free_port, wait_until

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}
NEAR = Config(connect_timeout=2, read_timeout=30, retries={"max_attempts": 1})


class Aws:
    """The address of the server, and clients of it. Buckets and queues are gone with the test."""

    def __init__(self, url):
        self.url = url
        self.host = url.removeprefix("http://")  # host:port

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=NEAR,
        )

    def bucket(self, name):
        self.client("s3").create_bucket(Bucket=name)
        return name

    def reset(self):
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()


@contextmanager
def running_aws():
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **CREDENTIALS}
    )
    aws = Aws(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: _is_up(aws))
        yield aws
    finally:
        server.kill()
        server.wait()


def _is_up(aws):
    try:
        return requests.get(f"{aws.url}/moto-api/data.json", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="session")
def aws_server():
    with running_aws() as aws:
        yield aws


@pytest.fixture
def aws(aws_server, monkeypatch):
    """An empty AWS, which boto3 finds by the variables that it knows."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server.url)
    aws_server.reset()
    return aws_server
