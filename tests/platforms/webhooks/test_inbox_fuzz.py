"""Ten thousand odd deliveries: no error of the server's, and nothing is kept of what is not signed."""

import json
import random

import pytest
from django.test import Client

from platforms.models import WebhookEvent
from platforms.testing.malformed import MALFORMED_BODIES, damaged
from platforms.work.models import run_due
from tests.support.deliveries import PLATFORMS, deliver, new_event, platforms, signed  # noqa: F401

pytestmark = pytest.mark.usefixtures("db", "platforms")

EACH = 1_667  # deliveries for each platform, signed and unsigned: 10,000 in all
HEADERS = [
    *("X-Webhook-Signature", "X-Webhook-Timestamp", "X-Daily-Signature", "Whereby-Signature", "X-Mock-Signature"),
    *("Content-Encoding", "Content-Type", "Authorization", "Cookie", "X-Forwarded-For"),
]
ODD_VALUES = [
    *("", " ", ",", "=", "t=", "t=,v1=", "v1=aa", "t=1,v1=aa", "t=1,v1=aa,v2=bb,t=2", "t=" + "9" * 5_000 + ",v1=aa"),
    *("t=nan,v1=aa", "t=-1,v1=aa", "t=1e400,v1=", "," * 10_000, "t=1," * 5_000, "\x00", "\x7f", "ÿ" * 64),
    *("A" * 44, "=" * 44, "0" * 64, "g" * 64, "null", "[]", "1767225600123", "9" * 400, "-5", "1.5", "inf", "\xd9\xa3"),
]


@pytest.fixture
def chance():
    return random.Random(20260101)


@pytest.fixture
def browser():
    """Any exception of the server's ends the test."""
    return Client(raise_request_exception=True)


def odd_bodies(chance, platform):
    """Hostile bodies as they are, and real events with a value or some bytes of them exchanged."""
    prepared = list(damaged(json.loads(new_event(platform))))
    for _ in range(EACH):
        match chance.randrange(4):
            case 0:
                yield chance.choice(MALFORMED_BODIES)
            case 1:
                yield chance.randbytes(chance.randrange(200))
            case 2:
                yield chance.choice(prepared)
            case 3:
                body = new_event(platform)
                start, length = chance.randrange(len(body)), chance.randrange(8)
                yield body[:start] + chance.randbytes(chance.randrange(8)) + body[start + length :]


def odd_headers(chance, platform, body):
    """No signature that holds: real names with odd values, or real values that were changed."""
    headers = {name: chance.choice(ODD_VALUES) for name in chance.sample(HEADERS, chance.randrange(4))}
    if chance.random() < 0.5:
        real = signed(platform, body, secret=None)
        name = chance.choice(list(real))
        headers |= real
        headers[name] = chance.choice([*ODD_VALUES, real[name][:-1], real[name][::-1]])
    return headers


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_unsigned_is_kept_and_nothing_ends_in_an_error(browser, chance, platform):
    for body in odd_bodies(chance, platform):
        answer = deliver(browser, platform, body, headers=odd_headers(chance, platform, body))
        assert answer.status_code in {400, 401}, (body, answer.content)
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_whatever_is_signed_is_kept_as_it_came_and_processed_without_an_error(browser, chance, platform):
    bodies = set(odd_bodies(chance, platform))
    for body in bodies:
        answer = deliver(browser, platform, body)
        assert answer.status_code == 200, (body, answer.content)
    kept = {bytes(body) for body in WebhookEvent.objects.values_list("body", flat=True)}
    assert kept <= bodies
    assert len(kept) > len(bodies) / 2  # those of one id are one event
    run_due(WebhookEvent)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) <= {"done", "waiting", "unmatched"}
    errors = WebhookEvent.objects.values_list("last_error", flat=True)
    assert {error.partition(":")[0] for error in errors} <= {"", "UnknownMeeting"}
