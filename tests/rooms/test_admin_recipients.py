"""Who is sent a room's transcripts, in Admin."""

import pytest
from django.test import Client

from rooms.models import Room
from tests.rooms.test_admin_webhooks import address, page, save


@pytest.fixture
def admin(staff):
    client = Client()
    client.force_login(staff)
    return client


def test_a_list_is_stored(admin, room):
    save(admin, room, email_transcript_to="ada@example.com")
    assert room.email_transcript_to == "ada@example.com"
    save(admin, room, email_transcript_to="")
    assert room.email_transcript_to is None


def test_what_is_no_address_is_refused(admin, room):
    answer = admin.post(address(room), {"name": "standup", "email_transcript_to": "nobody"})
    assert "“nobody” is not an e-mail address." in answer.content.decode()


def test_without_a_mail_server_it_says_so_and_what_is_stored_keeps_nobody_from_saving(admin, room, settings):
    Room.objects.update(email_transcript_to="not checked then")
    settings.EMAIL_IS_SENT = False
    assert "This server sends no e-mail" in page(admin, address(room))
    save(admin, room, is_locked="on")
    assert room.email_transcript_to == "not checked then"
    answer = admin.post(address(room), {"name": "standup", "email_transcript_to": "ada@example.com"})
    assert answer.status_code == 200
    assert "This server sends no e-mail" in answer.content.decode()


def test_zulip_is_set_where_there_is_one(admin, room, settings):
    assert "This server posts nothing to Zulip" in page(admin, address(room))
    wanted = {"zulip_auto_post": "on", "zulip_stream": "Rooms", "zulip_topic": "standup"}
    answer = admin.post(address(room), {"name": "standup", **wanted})
    assert "This server posts nothing to Zulip" in answer.content.decode()
    settings.ZULIP_REALM, settings.ZULIP_BOT_EMAIL, settings.ZULIP_API_KEY = "https://chat.example.com", "bot", "key"
    assert "This server posts nothing to Zulip" not in page(admin, address(room))
    save(admin, room, **wanted)
    assert room.posts_to_zulip
