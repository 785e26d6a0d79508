"""What people elsewhere hear of notices: once when one stands, once when it is over, by mail and in a channel."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.alerts import messages
from platforms.health import notices
from platforms.models import NoticeMessage, StaffNotice
from platforms.work import models
from tests.support.stub_mail import StubMail
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.django_db
SECRET_PATH = "/services/T0/B0/unspoken-hook"
DISK = "The disk is <nearly> full & slow."


@pytest.fixture
def server(settings):
    with StubMail() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 10
        settings.NOTICE_EMAILS = ["ada@example.com", "grace@example.com"]
        yield server


@pytest.fixture
def channel(settings):
    with StubProvider() as stub:
        stub.on("POST", "/*", Answer(200, body=b"ok"))
        settings.NOTICE_WEBHOOK_URL = stub.url + SECRET_PATH
        yield stub


def look():
    """As the scheduler has it done every minute, and what comes of it."""
    messages.announce()
    models.run_due(*models.models_of(NoticeMessage.LINE))


def subjects(server):
    return [delivered.message["Subject"] for delivered in server.delivered]


def told(channel):
    return [request.json["text"] for request in channel.requests]


def test_a_notice_is_told_once_and_its_end_once_in_both_places(server, channel):
    notices.report("disk", DISK)
    for _ in range(3):
        look()
    assert {delivered.recipient for delivered in server.delivered} <= {"ada@example.com", "grace@example.com"}
    assert len(server.delivered) == len(told(channel)) == 1
    [mail] = server.delivered
    assert DISK in mail.message["Subject"]
    assert DISK in mail.text
    assert "/admin/" in mail.text
    assert "The disk is &lt;nearly&gt; full &amp; slow." in told(channel)[0]  # as the channel's format wants it
    notices.resolve("disk")
    for _ in range(3):
        look()
    assert ["Over: " in subject for subject in subjects(server)] == [False, True]
    assert ["Over" in text for text in told(channel)] == [False, True]


def test_what_comes_back_is_told_again(channel):
    for _ in range(2):
        notices.report("disk", DISK)
        look()
        notices.resolve("disk")
        look()
    assert ["Over" in text for text in told(channel)] == [False, True, False, True]


def test_what_is_not_yet_shown_and_what_was_over_at_once_is_told_to_nobody(channel):
    notices.report("webhook-unchecked:daily", "Not yet worth a word.", shown_after=2)
    look()
    notices.report("disk", DISK)
    notices.resolve("disk")
    look()
    assert told(channel) == []
    notices.report("webhook-unchecked:daily", "Now it is.", shown_after=2)
    look()
    assert len(told(channel)) == 1


def test_an_end_is_not_told_to_who_never_heard_of_the_beginning(channel):
    notices.report("disk", DISK)
    messages.announce()
    notices.resolve("disk")
    look()
    assert told(channel) == []
    assert not NoticeMessage.objects.exists()


def test_the_silence_of_all_workers_is_told_and_its_end_when_they_are_back(channel):
    notices.note_watch()
    look()
    assert told(channel) == []
    StaffNotice.objects.update(last_seen_at=timezone.now() - notices.SILENT)
    look()
    look()
    [text] = told(channel)
    assert "Nothing is done in the background" in text
    notices.note_watch()
    look()
    assert len(told(channel)) == 2


def test_nothing_is_kept_where_nobody_wants_to_be_told():
    notices.report("disk", DISK)
    messages.announce()
    assert not NoticeMessage.objects.exists()


def test_a_place_that_is_away_hears_of_it_later_and_the_other_one_at_once(server, channel):
    channel.on("POST", "/*", Answer(503))
    notices.report("disk", DISK)
    look()
    assert len(server.delivered) == 1
    waiting = NoticeMessage.objects.get(state="waiting")
    assert "503" in waiting.last_error
    channel.on("POST", "/*", Answer(200))
    NoticeMessage.objects.filter(pk=waiting.pk).update(next_attempt_at=timezone.now())
    look()
    assert len(server.delivered) == 1
    assert len(told(channel)) == 2  # the attempt in vain, too


def test_a_mail_server_that_is_away_is_tried_again(server):
    server.refuse("MAIL", "451 busy")
    notices.report("disk", DISK)
    look()
    assert NoticeMessage.objects.get().state == "waiting"
    server.accept()
    NoticeMessage.objects.update(next_attempt_at=timezone.now())
    look()
    assert len(server.delivered) == 1


def test_a_place_that_refuses_is_a_notice_in_admin_and_no_further_message(channel, caplog):
    channel.on("POST", "/*", Answer(404))
    notices.report("disk", DISK)
    look()
    message = NoticeMessage.objects.get()
    assert (message.state, "404" in message.last_error) == ("failed", True)
    assert "unspoken" not in message.last_error + caplog.text
    tasks.watch()
    assert any("notice message" in notice.text for notice in notices.shown())
    assert NoticeMessage.objects.count() == 1


def test_old_messages_are_forgotten_but_not_those_of_what_still_stands(channel):
    notices.report("disk", DISK)
    notices.report("mail", "The mail server is away.")
    look()
    notices.resolve("mail")
    look()
    NoticeMessage.objects.update(created_at=timezone.now() - messages.KEPT - timedelta(hours=1))
    messages.forget_old()
    assert NoticeMessage.objects.get().key == "disk"
