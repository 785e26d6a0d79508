"""The promises that all clients keep, kept against the sandbox."""

import pytest

from platforms.backends.daily import DailyClient
from platforms.backends.mock import SandboxMockClient
from platforms.backends.whereby import WherebyClient
from platforms.sandbox.deliveries import Delivery
from platforms.sandbox.server import running_sandbox
from platforms.testing import PlatformContract, SignedWebhook
from tests.platforms import daily, whereby_provider
from tests.sandbox.calls import BUCKET, KEY


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(time_scale=0.01) as sandbox:
        yield sandbox


class OnSandbox(PlatformContract):
    path = ""

    @pytest.fixture(autouse=True)
    def provider(self, sandbox):
        self.options = {**self.options, "api_url": f"{sandbox.url}/{self.path}"}
        # Far more is asked for in these tests than in so many seconds of a day.
        for window in sandbox.providers["daily"].windows.values():
            window._spent.clear()
        return sandbox


class TestDaily(OnSandbox):
    client_class = DailyClient
    options = {"api_key": KEY}
    path = "daily/v1"
    payloads = daily.PAYLOADS

    def sign_webhook(self, body, secret):
        if not secret:
            return SignedWebhook({"X-Webhook-Signature": "x", "X-Webhook-Timestamp": "1"}, "x", "1")
        headers = Delivery("daily", body).headers(secret)
        return SignedWebhook(headers, headers["X-Webhook-Signature"], headers["X-Webhook-Timestamp"])


class TestDailyWithTracks(TestDaily):
    options = {
        "api_key": KEY,
        "recording_mode": "raw-tracks",
        "s3_bucket": BUCKET["bucket_name"],
        "s3_region": BUCKET["bucket_region"],
        "aws_role_arn": BUCKET["assume_role_arn"],
    }


class TestWhereby(OnSandbox):
    client_class = WherebyClient
    options = {
        "api_key": KEY,
        "s3_bucket": "sandbox-whereby",
        "aws_access_key_id": "sandbox",
        "aws_access_key_secret": "sandbox",
    }
    path = "whereby/v1"
    payloads = whereby_provider.PAYLOADS

    def sign_webhook(self, body, secret):
        headers = Delivery("whereby", body).headers(secret)
        return SignedWebhook(headers, headers["Whereby-Signature"])


class TestMock(OnSandbox):
    client_class = SandboxMockClient
    path = "mock"

    def sign_webhook(self, body, secret):
        headers = Delivery("mock", body).headers(secret)
        return SignedWebhook(headers, headers["X-Mock-Signature"])
