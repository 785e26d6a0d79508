"""Rooms' webhooks in Admin."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils.html import escape

from rooms.models import Room, WebhookDelivery
from rooms.webhooks.events import emit
from tests.conftest import make_user
from tests.support.admin_forms import fields_of
from tests.support.receivers import HOOK, SECRET, job
from tests.support.stub_provider import Answer

LIST = "/admin/rooms/webhookdelivery/"


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(staff):
    return logged_in(staff)


@pytest.fixture
def viewer(db):
    user = make_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_room"))
    return logged_in(user)


def address(room):
    return f"/admin/rooms/room/{room.pk}/change/"


def page(api, path):
    answer = api.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def save(api, room, **changes):
    answer = api.post(address(room), fields_of(api, address(room)) | changes)
    assert answer.status_code == 302, answer.context["errors"]
    room.refresh_from_db()
    return page(api, answer["Location"])


def test_a_stored_secret_is_kept_when_the_field_is_left_empty(admin, hooked):
    markup = page(admin, address(hooked))
    assert "A secret is stored and not shown." in markup
    assert SECRET not in markup
    save(admin, hooked, webhook_url="https://example.com/other")
    assert (hooked.webhook_url, hooked.webhook_secret) == ("https://example.com/other", SECRET)


def test_a_secret_can_be_replaced(admin, hooked):
    save(admin, hooked, webhook_secret="another")
    assert hooked.webhook_secret == "another"


def test_a_secret_that_is_made_is_shown_once(admin, room):
    shown = save(admin, room, webhook_url="https://example.com/hook")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", room.webhook_secret)
    assert escape(room.webhook_secret) in shown
    assert escape(room.webhook_secret) not in page(admin, address(room))


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://127.0.0.1:6379/", "ftp://example.com/"])
def test_an_address_that_is_not_public_is_refused(admin, hooked, url):
    answer = admin.post(address(hooked), fields_of(admin, address(hooked)) | {"webhook_url": url})
    assert list(answer.context["adminform"].form.errors) == ["webhook_url"]
    assert Room.objects.get().webhook_url == hooked.webhook_url


def test_onlookers_see_neither_address_nor_secret_and_no_button(viewer, hooked):
    markup = page(viewer, address(hooked))
    assert HOOK not in markup
    assert SECRET not in markup
    assert "Test the webhook" not in markup


def test_the_room_is_tested_from_its_page(admin, hooked, server):
    assert "Test the webhook" in page(admin, address(hooked))
    answer = admin.post(f"/admin/rooms/room/{hooked.pk}/webhook-test/", follow=True)
    assert "Webhook test successful 200" in answer.content.decode()
    assert len(server.requests) == 1


def test_the_rooms_page_says_what_is_wrong_and_leads_to_the_log(admin, hooked, server):
    server.on("POST", HOOK, Answer(410))
    emit(hooked, "meeting.started", dict)
    job()
    markup = page(admin, address(hooked))
    assert "The receiver answered 410: it wants no more." in markup
    assert f"{LIST}?room__id__exact={hooked.pk}" in markup


def test_the_log_shows_each_attempt_and_sends_again(admin, hooked, server):
    server.on("POST", HOOK, Answer(500, body=b"<b>broken</b>"))
    delivery = emit(hooked, "meeting.started", lambda: {"unspoken": "words"})
    job()
    assert "meeting.started" in page(admin, f"{LIST}?room__id__exact={hooked.pk}")
    markup = page(admin, f"{LIST}{delivery.pk}/change/")
    assert "&lt;b&gt;broken&lt;/b&gt;" in markup
    assert "unspoken" not in markup
    server.on("POST", HOOK, Answer())
    admin.post(f"{LIST}{delivery.pk}/run-again/")
    assert job() == 1
    assert WebhookDelivery.objects.get().state == "done"


def test_events_can_be_left_out(admin, hooked):
    save(admin, hooked, webhook_muted=["meeting.started"])
    assert hooked.webhook_muted == ["meeting.started"]
    assert emit(hooked, "meeting.started", dict) is None
    save(admin, hooked, webhook_muted=[])
    assert emit(hooked, "meeting.started", dict) is not None
