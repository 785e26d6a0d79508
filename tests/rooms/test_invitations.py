"""Inviting people: what staff do in Admin, and what whoever has the link can do with it."""

import re
from datetime import timedelta
from smtplib import SMTPException
from unittest.mock import Mock

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from platforms.models import AuditEntry
from rooms import co_owners, invitations
from rooms.models import Invitation, Room
from rooms.services import IN_LOG
from tests.conftest import make_user

pytestmark = pytest.mark.django_db

ADD = "/admin/rooms/invitation/add/"
LIST = "/admin/rooms/invitation/"
PASSWORD = "staple of the horse"
ACCOUNT = {"first_name": "Grace", "last_name": "Hopper", "new_password1": PASSWORD, "new_password2": PASSWORD}
DEAD = "This invitation does not count"


@pytest.fixture
def admin(staff):
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def guest():
    return Client()


def text(client, path, status=200):
    answer = client.get(path, follow=True)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.fixture
def invite(admin, settings):
    """What the page says after somebody was invited, and the path of the link that it shows."""

    def invite(email="grace@example.com", client=admin, **fields):
        answer = client.post(ADD, {"email": email, "mail_it": "on", **fields})
        assert answer.status_code == 302, answer.content.decode()
        page = text(client, LIST)
        return page, re.search(rf"<code[^>]*>{re.escape(settings.PUBLIC_URL)}([^<]+)</code>", page)[1]

    return invite


@pytest.fixture
def link(invite):
    return invite()[1]


def test_a_link_is_mailed_and_shown_once(admin, staff, invite, settings):
    page, link = invite(first_name="Grace")
    assert "The link was mailed to grace@example.com." in page
    assert link not in text(admin, LIST)
    [message] = mail.outbox
    assert message.to == ["grace@example.com"]
    assert f"{settings.PUBLIC_URL}{link}\n" in message.body
    assert "staff invites you" in message.body
    invitation = Invitation.objects.get()
    assert (invitation.invited_by, invitation.state) == (staff, "open")
    assert 6.9 < (invitation.expires_at - timezone.now()) / timedelta(days=1) < 7
    assert link not in text(admin, f"{LIST}{invitation.pk}/change/")


def test_whoever_opens_it_chooses_a_password_and_is_signed_in(guest, invite, room):
    _, link = invite(first_name="Grace", room=room.pk)
    assert guest.get(link)["Location"] == "/account/invitation"
    page = text(guest, link)
    assert "grace@example.com" in page
    assert "together with its owner" in page
    assert 'value="Grace"' in page
    assert guest.post("/account/invitation", ACCOUNT)["Location"] == "/"
    assert "The account is yours." in text(guest, "/")
    user = get_user_model().objects.get(username="grace@example.com")
    made = AuditEntry.objects.filter(action="created").order_by("pk")
    assert [entry.object_id for entry in made] == [str(Invitation.objects.get().pk), str(user.pk)]
    assert (user.email, user.get_full_name(), user.check_password(PASSWORD)) == (
        "grace@example.com",
        "Grace Hopper",
        True,
    )
    assert not user.is_staff
    assert room.is_run_by(user)
    assert guest.get("/account").status_code == 200
    assert Client().post("/login", {"username": "grace@example.com", "password": PASSWORD}).status_code == 302
    invitation = Invitation.objects.get()
    assert (invitation.state, invitation.accepted_by) == ("accepted", user)


def test_it_counts_once(guest, link):
    late = Client()
    text(late, link)
    guest.get(link)
    guest.post("/account/invitation", ACCOUNT)
    assert late.post("/account/invitation", {**ACCOUNT, "new_password1": "x", "new_password2": "y"}).status_code == 410
    assert DEAD in text(late, link, 410)
    assert get_user_model().objects.filter(email="grace@example.com").count() == 1


def revoked(admin):
    admin.post(LIST, {"action": "revoke", "_selected_action": [Invitation.objects.get().pk]})


def too_old(admin):
    Invitation.objects.update(expires_at=timezone.now())


def deleted(admin):
    Invitation.objects.all().delete()


def has_an_account(admin):
    get_user_model().objects.create_user("somebody", "Grace@example.com", PASSWORD)


@pytest.mark.parametrize("happens", [revoked, too_old, deleted, has_an_account])
@pytest.mark.parametrize("is_open", [True, False], ids=["page is open", "page is not open"])
def test_what_ended_it_is_told_to_nobody(admin, guest, link, happens, is_open):
    if is_open:
        text(guest, link)
    happens(admin)
    page = guest.post("/account/invitation", ACCOUNT).content.decode() if is_open else text(guest, link, 410)
    assert DEAD in page
    assert "grace" not in page.lower()
    assert get_user_model().objects.filter(username="grace@example.com").count() == 0


@pytest.mark.parametrize("token", ["x", "IjEi:x:y", ""])
def test_a_link_that_is_not_from_here_opens_nothing(guest, link, token):
    guest.get(link)
    path = f"/account/invitation/{token}" if token else f"{link}x"
    assert DEAD in text(guest, path, 410)
    assert DEAD in text(guest, "/account/invitation", 410)


def test_its_secret_stands_in_no_address_that_is_logged(guest, link, caplog):
    guest.get(link)
    guest.post("/account/invitation", {})
    Invitation.objects.update(expires_at=timezone.now())
    guest.get(link, follow=True)
    assert link.rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"new_password1": "short", "new_password2": "short"}, "too short"),
        ({"new_password2": "another"}, "match"),
        ({"new_password1": "", "new_password2": ""}, "This field is required."),
        ({"first_name": "x" * 151}, "at most 150 characters"),
        ({"first_name": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said(guest, link, fields, words):
    guest.get(link)
    answer = guest.post("/account/invitation", {**ACCOUNT, **fields})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Invitation.objects.get().state == "open"


def test_a_user_name_that_somebody_has_is_not_taken(guest, link):
    get_user_model().objects.create_user("Grace@example.com", "another@example.com", PASSWORD)
    guest.get(link)
    guest.post("/account/invitation", ACCOUNT)
    user = get_user_model().objects.get(email="grace@example.com")
    assert user.username.startswith("invited-")
    assert Client().post("/login", {"username": user.email, "password": PASSWORD}).status_code == 302


def test_who_is_signed_in_is_told_that_this_is_another_account(owner, link):
    client = Client()
    client.force_login(owner)
    assert "This makes another account" in text(client, link)
    client.post("/account/invitation", ACCOUNT)
    assert "grace@example.com" in text(client, "/account")


def test_of_several_for_one_address_the_latest_counts(guest, invite, link):
    _, newer = invite("GRACE@example.com")
    assert sorted(invitation.state for invitation in Invitation.objects.all()) == ["open", "revoked"]
    assert DEAD in text(guest, link, 410)
    assert "Welcome" in text(guest, newer)


def test_staff_are_told_of_an_account_that_is_there(admin, owner):
    answer = admin.post(ADD, {"email": "OWNER@example.com"})
    assert "There is an account of this address already." in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("email", ["", "nobody", "a\x00@example.com"])
def test_what_is_no_address_is_not_invited(admin, email):
    assert admin.post(ADD, {"email": email}).status_code == 200
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_without_a_mail_server_the_link_is_shown_all_the_same(invite, settings):
    settings.EMAIL_IS_SENT = False
    page, link = invite()
    assert "was mailed" not in page
    assert link
    assert mail.outbox == []


def test_a_mail_that_goes_to_the_log_is_said_to(admin, invite, settings, capsys):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert IN_LOG in text(admin, ADD)
    page, link = invite()
    assert "The link was mailed" not in page
    assert "The mail to grace@example.com was written to this server&#x27;s log: none is sent from here." in page
    assert link in capsys.readouterr().out


def test_nothing_is_mailed_where_nobody_asks_for_it(invite):
    page, _ = invite(mail_it="")
    assert "mailed" not in page
    assert mail.outbox == []


def test_a_mail_server_that_fails_keeps_nobody_from_inviting(invite, monkeypatch):
    monkeypatch.setattr(invitations, "send", Mock(side_effect=SMTPException))
    page, link = invite()
    assert "It could not be mailed: send the link yourself." in page
    assert link


def test_it_is_where_staff_look_for_it(admin, link):
    assert f'href="{ADD}"' in text(admin, "/admin/auth/user/")
    page = text(admin, LIST)
    assert "grace@example.com" in page
    assert "Open" in page
    revoked(admin)
    assert "Revoked: 1. What was accepted stays." in text(admin, LIST)


def test_a_room_that_has_as_many_as_it_may_is_not_offered_to_more(admin, invite, room, colleague, monkeypatch):
    """Those who are invited count until they answer, or their invitation is revoked."""
    monkeypatch.setattr(co_owners, "MOST", 2)
    room.co_owners.add(colleague)
    invite("grace@example.com", room=room.pk)
    answer = admin.post(ADD, {"email": "heidi@example.com", "room": room.pk})
    assert "Those who are invited count as well." in answer.content.decode()
    assert Invitation.objects.count() == 1
    invitations.revoke(Invitation.objects.all())
    invite("heidi@example.com", room=room.pk)
    assert Invitation.objects.get(email="heidi@example.com").room == room


def test_who_comes_when_the_room_is_full_has_the_account_without_it(guest, invite, room, colleague, monkeypatch):
    _, link = invite(room=room.pk)
    monkeypatch.setattr(co_owners, "MOST", 1)
    room.co_owners.add(colleague)
    guest.get(link)
    assert guest.post("/account/invitation", ACCOUNT)["Location"] == "/"
    page = text(guest, "/")
    assert "The account is yours." in page
    assert "You do not run the room standup." in page
    assert set(Room.objects.get().co_owners.all()) == {colleague}


def test_staff_give_a_room_only_where_they_may_change_rooms(invite, room):
    user = make_user("inviter", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_invitation", "view_invitation"]))
    client = Client()
    client.force_login(user)
    invite(client=client, room=room.pk)
    assert Invitation.objects.get().room is None
    assert 'name="room"' not in text(client, ADD)


def test_it_outlives_its_room_and_goes_with_its_account(guest, invite, owner):
    room = Room.objects.create(name="short-lived", owner=owner, platform="mock")
    _, link = invite(room=room.pk)
    room.delete()
    guest.get(link)
    guest.post("/account/invitation", ACCOUNT)
    user = get_user_model().objects.get(email="grace@example.com")
    user.delete()
    assert not Invitation.objects.exists()
