"""The promises that all clients keep, kept against the sandbox."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms.abilities import RecordingStart
from platforms.backends.daily import DailyClient
from platforms.backends.jaas import JaasClient
from platforms.backends.mock import SandboxMockClient
from platforms.backends.whereby import WherebyClient
from platforms.sandbox.jaas import tokens
from platforms.sandbox.server import running_sandbox
from platforms.sandbox.wire.deliveries import Delivery
from platforms.testing import ExampleRoom, PlatformContract, SignedWebhook, WebhookContract
from tests.sandbox.calls import BUCKET, KEY
from tests.support import daily, whereby_provider
from tests.support.contracts import DailyContract, SandboxMockContract, WherebyContract
from tests.support.live import ROOT

PAYLOADS = ROOT / "tests" / "payloads"


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
        for window in sandbox.providers["daily"].state.windows.values():
            window._spent.clear()
        return sandbox

    def effect(self, client, sandbox, **settings):
        """What the provider makes of a room's settings: its rules, and what people's addresses let them do."""
        meeting = self.open(client, **settings)
        request = replace(self.request_to_join(meeting), settings=ExampleRoom(**settings), is_owner=True)
        link = client.join_link(request)
        query = dict(parse_qsl(urlsplit(link.url).query))
        admission = sandbox.providers[self.path.split("/")[0]].admit(meeting.room_name.strip("/"), query)
        rules = vars(admission.room.rules) | {"opens_at": None, "ends_at": None}
        by_call = isinstance(client, RecordingStart) and client.needs_recording_start(ExampleRoom(**settings))
        return str((rules, vars(admission) | {"room": None}, by_call, wishes_of(link)))

    @pytest.mark.parametrize("setting", ["room_mode", "recording_type", "recording_trigger"])
    def test_each_setting_that_it_offers_makes_a_difference(self, client, sandbox, setting):
        offered = sorted(getattr(client, f"{setting}s"))
        effects = [
            self.effect(client, sandbox, **{"recording_type": "cloud", "skip_consent": True, setting: value})
            for value in offered
        ]
        assert len(set(effects)) == len(offered), dict(zip(offered, effects, strict=True))

    def test_a_recording_that_was_to_wait_for_the_second_person_begins_all_the_same(self, client, sandbox):
        room = {"recording_type": "cloud", "skip_consent": True}
        by_hand = self.effect(client, sandbox, recording_trigger="none", **room)
        assert self.effect(client, sandbox, recording_trigger="automatic-2nd-participant", **room) != by_hand


def wishes_of(link):
    """What the page's script is asked to do, beside what is another one for each person."""
    return {name: value for name, value in link.parameters.items() if len(value) < 32}


class TestDaily(OnSandbox, DailyContract):
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


class TestWhereby(OnSandbox, WherebyContract):
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


class TestJaas(OnSandbox, WebhookContract):
    client_class = JaasClient
    options = {"app_id": tokens.APP_ID, "key_id": tokens.KEY_ID, "private_key": tokens.KEY_FILE.read_text()}
    path = "jaas"
    payloads = PAYLOADS / "jaas"

    @pytest.fixture(autouse=True)
    def provider(self, sandbox):
        """Its rooms are at the deployment's own address; it has no other."""
        self.options = {**self.options, "api_url": sandbox.url}
        return sandbox

    def sign_webhook(self, body, secret):
        headers = Delivery("jaas", body).headers(secret)
        return SignedWebhook(headers, headers["X-Jaas-Signature"])


class TestMock(OnSandbox, SandboxMockContract):
    client_class = SandboxMockClient
    path = "mock"

    def sign_webhook(self, body, secret):
        headers = Delivery("mock", body).headers(secret)
        return SignedWebhook(headers, headers["X-Mock-Signature"])
