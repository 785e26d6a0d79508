"""When the last webhook of a platform came, how long the oldest has waited, and what is wrong with a subscription."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.health import notices
from platforms.models import PlatformState, WebhookEvent
from platforms.webhooks import arrivals, subscriptions
from tests.support.deliveries import deliver, new_event, platforms  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_arrived():
    arrivals.write_down(is_last=True)
    PlatformState.objects.all().delete()


def test_the_last_event_is_known_a_moment_after_it_came(client, platforms):  # noqa: F811
    before = timezone.now()
    assert deliver(client, "whereby", new_event("whereby")).status_code == 200
    assert not PlatformState.objects.exists()  # the request had nothing to do for it
    arrivals.write_down(is_last=False)
    assert before <= PlatformState.objects.get(pk="whereby").last_event_at <= timezone.now()


def test_one_that_is_refused_is_none(client, platforms):  # noqa: F811
    assert deliver(client, "whereby", new_event("whereby"), headers={}).status_code == 400
    arrivals.write_down(is_last=False)
    assert not PlatformState.objects.exists()


def test_what_another_process_took_later_counts():
    later = timezone.now() + timedelta(minutes=1)
    PlatformState.objects.create(pk="whereby", last_event_at=later)
    arrivals.note("whereby", timezone.now())
    arrivals.write_down(is_last=False)
    assert PlatformState.objects.get(pk="whereby").last_event_at == later


def test_the_oldest_event_that_waits_is_told_for_each_platform(client, platforms, django_assert_num_queries):  # noqa: F811
    for platform in ("whereby", "whereby", "daily", "mock"):
        deliver(client, platform, new_event(platform))
    WebhookEvent.objects.filter(platform="mock").update(state="done")
    with django_assert_num_queries(1):
        oldest = arrivals.oldest_unprocessed()
    first = WebhookEvent.objects.filter(platform="whereby").order_by("received_at")[0]
    assert set(oldest) == {"whereby", "daily"}
    assert oldest["whereby"] == first.received_at


def test_what_a_worker_has_seen_to_is_no_event_that_waits_for_one(client, platforms):  # noqa: F811
    deliver(client, "whereby", new_event("whereby"))
    for state, attempts, is_told in [("running", 1, True), ("waiting", 1, False), ("running", 2, False)]:
        WebhookEvent.objects.update(state=state, attempts=attempts)
        assert set(arrivals.oldest_unprocessed()) == ({"whereby"} if is_told else set())


def test_problems_of_subscriptions_are_those_that_staff_are_told_of():
    notices.report("webhook:daily", "Daily stopped sending webhooks.")
    notices.report("webhook-unchecked:whereby", "It could not be checked.", shown_after=3)
    notices.report("webhook-refused:mock:401", "Refused.")
    assert subscriptions.standing_problems() == {"daily": "Daily stopped sending webhooks."}
