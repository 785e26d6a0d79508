"""What a web process sees when the scheduler and all workers are gone, and whom it tells."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.web import guard
from platforms.health import notices
from platforms.models import StaffNotice
from tests.support.live import running_product, wait_until
from tests.support.stub_provider import Answer, StubProvider

HOOK = "/services/unspoken-hook"


@pytest.fixture
def channel(settings):
    with StubProvider() as stub:
        stub.on("POST", "/*", Answer(200))
        settings.NOTICE_WEBHOOK_URL = stub.url + HOOK
        yield stub


def silent_for(**time):
    StaffNotice.objects.filter(key=notices.WATCH).update(last_seen_at=timezone.now() - timedelta(**time))


@pytest.mark.django_db
def test_it_tells_of_workers_that_are_gone_by_itself(channel, settings):
    settings.RECORDINGS_KEEP_FREE = 0
    guard.look()  # nothing ever ran: it is given its time
    assert channel.requests == []
    silent_for(minutes=4)
    guard.look()
    guard.look()
    [request] = channel.requests
    assert "celery beat" in request.json["text"]


@pytest.mark.django_db
def test_while_they_live_messages_are_for_them_to_send(channel, settings):
    settings.RECORDINGS_KEEP_FREE = 0
    notices.note_watch()
    notices.report("mail", "The mail server is away.")
    guard.look()
    assert channel.requests == []


def test_a_web_server_has_one(tmp_path):
    """Real processes: nobody but the web server runs, and it looks twice in a minute."""
    with StubProvider() as stub:
        stub.on("POST", "/*", Answer(200))
        with running_product(tmp_path, servers=1, NOTICE_WEBHOOK_URL=stub.url + HOOK) as product:
            silence = "from platforms.models import StaffNotice as N; from django.utils import timezone as t; "
            silence += "from datetime import timedelta as d; from platforms.health import notices; "
            silence += "notices.note_watch(); N.objects.update(last_seen_at=t.now() - d(hours=1))"
            product.manage("shell", "--no-imports", "-c", silence)
            wait_until(lambda: stub.requests, seconds=120)
            assert "Nothing is done in the background" in stub.requests[0].json["text"]
        assert "unspoken" not in (tmp_path / "product.log").read_text()
