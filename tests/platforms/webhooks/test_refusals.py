"""Refused deliveries leave a trace: one notice for each platform, which clears when all is well again."""

from datetime import timedelta
from functools import partial

import pytest
import requests
from django.utils import timezone

from config.celery import app as celery_app
from platforms.health import notices
from platforms.models import StaffNotice, WebhookEvent
from platforms.tasks import note_refusals
from platforms.webhooks import refusals
from tests.support.deliveries import OTHER_SECRETS, PLATFORMS, deliver, new_event, platforms, signed  # noqa: F401
from tests.support.live import running_product, wait_until
from tests.support.live_inbox import celery, reading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker(monkeypatch):
    """What workers would take."""
    monkeypatch.setattr(refusals, "PAUSE_SECONDS", 0.05)
    with celery_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("quick")
        queue.clear()
        yield queue
        queue.close()


@pytest.fixture
def refuse(client, broker):
    """Deliver with a secret that is not known here, and do what a worker does that hears of it."""
    return partial(_refuse, client, broker)


def _refuse(client, broker, platform, times=refusals.TOLD_FROM, **headers):
    for _ in range(times):
        body = new_event(platform)
        answer = deliver(client, platform, body, headers=headers or signed(platform, body, OTHER_SECRETS[platform]))
        assert answer.status_code in {400, 401}
    told = 0
    while told < times:
        message = broker.get(timeout=10)
        message.ack()
        if message.headers["task"] == note_refusals.name:
            note_refusals(*message.payload[0])
            told += message.payload[0][1]


@pytest.mark.usefixtures("platforms")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_staff_are_told_what_to_compare(refuse, platform):
    refuse(platform)
    [notice] = notices.shown()
    assert "does not match" in notice.text
    assert f"{platform.upper()}_WEBHOOK_SECRET" in notice.text


@pytest.mark.usefixtures("platforms")
def test_deliveries_without_a_signature_are_told_of_as_well(refuse):
    refuse("daily", X_Other="1")
    [notice] = notices.shown()
    assert "is missing" in notice.text


@pytest.mark.usefixtures("platforms")
def test_a_few_are_nothing_to_be_told_of(refuse):
    refuse("daily", times=refusals.TOLD_FROM - 1)
    assert not notices.shown()
    refuse("daily", times=1)
    assert notices.shown()


@pytest.mark.usefixtures("platforms")
def test_the_notice_goes_when_one_is_taken_in_and_no_more_were_refused(client, refuse):
    refuse("daily")
    assert deliver(client, "daily", new_event("daily")).status_code == 200
    refusals.forget_mended()
    assert notices.shown()  # it may be one of two webhooks, of which the other is refused
    StaffNotice.objects.update(last_seen_at=timezone.now() - 2 * refusals.QUIET)
    refusals.forget_mended()
    assert not notices.shown()


@pytest.mark.usefixtures("platforms")
def test_the_notice_stays_while_nothing_comes_but_not_for_ever(refuse):
    refuse("daily")
    WebhookEvent.objects.all().delete()
    for age, count in [(timedelta(days=6), 1), (timedelta(days=8), 0)]:
        StaffNotice.objects.update(last_seen_at=timezone.now() - age)
        refusals.forget_mended()
        assert len(notices.shown()) == count


@pytest.mark.django_db(transaction=True)
def test_a_running_product_tells_staff_of_them(tmp_path):
    with (
        running_product(tmp_path) as product,
        reading(product.environment["DATABASE_URL"]) as ask,
        celery(product, "worker"),
    ):
        for _ in range(refusals.TOLD_FROM):
            answer = requests.post(
                f"{product.servers[0][0]}/v1/mock/webhook", b"{}", headers={"X-Mock-Signature": "no"}, timeout=20
            )
            assert answer.status_code == 401
        query = f"SELECT text FROM platforms_staffnotice WHERE sightings >= {refusals.TOLD_FROM}"  # noqa: S608
        [[text]] = wait_until(lambda: ask(query), seconds=60)
    assert "MOCK_WEBHOOK_SECRET" in text
