"""A platform that is down is tried again by a worker, so that it is known to be back before anybody wants to meet."""

import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.handler import create_platform_client
from platforms.health import probing
from platforms.http.breaker import bring_together
from platforms.models import PlatformState
from tests.support.live import wait_until
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import whereby_stub

pytestmark = pytest.mark.django_db


@pytest.fixture
def stub(settings):
    with whereby_stub() as stub:
        platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
        platforms["whereby"]["OPTIONS"] |= {"api_url": stub.url, "api_key": "key"}
        settings.VIDEO_PLATFORMS = platforms
        yield stub


@pytest.fixture
def breaker(stub):
    """Of a client whose provider is down, and known to be."""
    breaker = create_platform_client("whereby").api.breaker
    for _ in range(5):
        breaker.record(available=False)
    wait_until(lambda: bring_together(breaker) or state().open_since)
    bring_together(breaker)
    return breaker


def state():
    return PlatformState.objects.get(pk="whereby")


def let_the_pause_be_over(breaker):
    PlatformState.objects.update(probe_at=timezone.now())
    bring_together(breaker)


def test_it_is_not_tried_before_the_pause_is_over(breaker, stub):
    PlatformState.objects.update(probe_at=timezone.now() + timedelta(minutes=1))
    probing.probe()
    assert stub.requests == []


def test_one_that_is_back_is_used_again(breaker, stub):
    let_the_pause_be_over(breaker)
    probing.probe()
    assert len(stub.requests) == 1
    assert (state().open_since, state().check_error) == (None, "")
    assert not breaker.is_open


def test_one_that_is_still_down_is_left_alone_for_another_pause(breaker, stub):
    stub.on("GET", "/meetings", Answer(503))
    let_the_pause_be_over(breaker)
    probing.probe()
    probing.probe()
    assert len(stub.requests) == 1
    assert state().probe_at > timezone.now()
    assert "answered 503" in state().check_error


def test_one_that_answers_with_a_refusal_is_there(breaker, stub):
    stub.on("GET", "/meetings", Answer(401))
    let_the_pause_be_over(breaker)
    probing.probe()
    assert state().open_since is None
    assert "401" in state().check_error
