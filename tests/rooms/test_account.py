"""One's own account by its page: profile, API keys, and a forgotten password."""

import html
import re
from datetime import timedelta
from smtplib import SMTPException
from threading import Event
from unittest.mock import Mock

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from platforms.limits.counters import counter
from platforms.models import AuditEntry
from rooms.logins import PER_ADDRESS
from rooms.models import ApiKey
from rooms.pages import email_change
from rooms.pages.password_reset import mailing
from rooms.services import IN_LOG
from tests.conftest import api_for

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW = "staple of the horse"


@pytest.fixture
def client(owner):
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def counted(settings, tmp_path):
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""
    counter.cache_clear()
    yield settings
    counter.cache_clear()


def text(client, path="/account"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["", "/profile", "/keys", "/keys/6a7f8e9d-0000-4000-8000-000000000000/revoke"])
def test_guests_log_in_first(path):
    method = Client().post if path else Client().get
    assert method(f"/account{path}")["Location"] == f"/login?next=/account{path}"


@pytest.mark.parametrize("path", ["profile", "keys", "keys/6a7f8e9d-0000-4000-8000-000000000000/revoke"])
def test_a_button_is_no_link(client, path):
    assert client.get(f"/account/{path}").status_code == 405


def test_it_is_in_the_menu_and_found_with_a_slash(client):
    assert 'href="/account"' in text(client, "/")
    assert client.get("/account/")["Location"] == "/account"


# Profile


def test_a_profile_is_saved(client, owner):
    client.post("/account/profile", {"first_name": "Ada\u202e", "last_name": "L.", "email": "owner@example.com"})
    owner.refresh_from_db()
    assert (owner.first_name, owner.last_name, owner.email) == ("Ada", "L.", "owner@example.com")
    assert "Saved." in text(client)
    assert mail.outbox == []


def ask_for(client, email, password=PASSWORD):
    return client.post("/account/profile", {"email": email, "password": password})


def mailed_link(settings):
    return re.search(rf"{re.escape(settings.PUBLIC_URL)}(/account/email/\S+)", mail.outbox[-1].body)[1]


def test_another_address_counts_once_its_link_was_opened(client, owner, colleague, settings):
    assert ask_for(client, "ada@example.com").status_code == 302
    assert "mailed to ada@example.com" in text(client)
    owner.refresh_from_db()
    assert (owner.email, mail.outbox[0].to) == ("owner@example.com", ["ada@example.com"])
    link = mailed_link(settings)
    other = Client()
    other.force_login(colleague)
    for follow in (other, Client()):
        follow.get(link)
        owner.refresh_from_db()
        assert owner.email == "owner@example.com"
    client.get(link)
    owner.refresh_from_db()
    colleague.refresh_from_db()
    assert (owner.email, colleague.email) == ("ada@example.com", "colleague@example.com")
    assert "The e-mail address is yours now." in text(client)


def test_a_link_counts_once_and_not_for_long(client, owner, settings, monkeypatch):
    ask_for(client, "ada@example.com")
    link = mailed_link(settings)
    monkeypatch.setattr(email_change, "LIFETIME", timedelta(0))
    client.get(link)
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"
    monkeypatch.undo()
    client.get(link)
    get_user_model().objects.update(email="")
    for wrong in (link, f"{link}x", "/account/email/x"):
        client.get(wrong)
        assert "This link was used already" in text(client)
    owner.refresh_from_db()
    assert owner.email == ""


def test_a_session_alone_changes_no_address(client, owner):
    answers = [ask_for(client, "ada@example.com", password) for password in ["", "wrong", "x", "y", "z", PASSWORD]]
    assert {answer.status_code for answer in answers} == {422}
    assert "Enter your password to change" in answers[0].content.decode()
    assert "Too many login attempts" in answers[-1].content.decode()
    assert ask_for(client, "", "wrong").status_code == 422
    owner.refresh_from_db()
    assert (owner.email, mail.outbox) == ("owner@example.com", [])


def test_an_address_is_taken_away_at_once(client, owner):
    assert ask_for(client, "").status_code == 302
    owner.refresh_from_db()
    assert (owner.email, mail.outbox) == ("", [])


def test_links_are_not_mailed_endlessly_nor_in_vain(client, counted, monkeypatch):
    settings = counted
    settings.LIMITS = {**settings.LIMITS, "emails": (1, 3600)}
    answers = [ask_for(client, "ada@example.com").status_code for _ in range(2)]
    assert (answers, len(mail.outbox)) == ([302, 422], 1)
    settings.LIMITS = {**settings.LIMITS, "emails": (0, 3600)}
    monkeypatch.setattr(email_change, "send_link", Mock(side_effect=SMTPException))
    assert "could not be mailed" in ask_for(client, "ada@example.com").content.decode()


def test_without_a_mail_server_an_address_stays(client, owner, settings):
    settings.EMAIL_IS_SENT = False
    assert ask_for(client, "ada@example.com").status_code == 302
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"
    assert "Whoever runs this server can change it." in text(client)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "nobody", "Enter a valid email address."),
        ("first_name", "x" * 151, "at most 150 characters"),
        ("last_name", "a\x00b", "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(client, owner, field, value, words):
    answer = client.post("/account/profile", {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


# API keys


def make(client, **fields):
    return client.post("/account/keys", {"name": "Bot", "access": "everything", "days": "", **fields})


def test_a_key_that_is_refused_is_shown_where_it_is_wrong(client):
    page = make(client, access="chosen").content.decode()
    assert '<body data-address="/account">' in page
    assert re.findall(r'name="(\w+)"[^>]*autofocus', page)[0] == "scopes"


def test_a_key_is_made_shown_once_and_works(client, owner):
    assert make(client)["Location"] == "/account#keys"
    assert re.search(r'name="csrfmiddlewaretoken"', text(Client(), "/login"))
    page = text(client)
    key = re.search(r'<code id="new-key">([^<]+)</code>', page)[1]
    assert api_for().get("/v1/me", HTTP_X_API_KEY=key).json()["sub"] == str(owner.pk)
    page = text(client)
    assert key not in page
    assert "<bdi>Bot</bdi>" in page
    assert "All that you may do" in page
    assert "used <time" in page
    assert key not in str(dict(client.session))


@pytest.mark.parametrize(
    ("fields", "scopes", "has_end"),
    [
        ({"days": "30"}, [], True),
        ({"access": "chosen", "scopes": ["rooms:write"]}, ["rooms:write"], False),
        ({"access": "everything", "scopes": ["rooms:write"]}, [], False),
    ],
)
def test_it_may_be_for_less_and_end(client, fields, scopes, has_end):
    make(client, **fields)
    key = ApiKey.objects.get()
    assert (key.scopes, key.expires_at is not None) == (scopes, has_end)


def test_a_key_for_reading_writes_nothing(client, room):
    make(client, access="reading")
    key = re.search(r'<code id="new-key">([^<]+)</code>', text(client))[1]
    assert api_for().get("/v1/rooms", HTTP_X_API_KEY=key).status_code == 200
    assert api_for().post("/v1/rooms", {"name": "new-one"}, HTTP_X_API_KEY=key).status_code == 403


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"access": "nonsense"}, "Select a valid choice"),
        ({"access": "chosen"}, "Tick what it may be used for."),
        ({"access": "chosen", "scopes": ["nonsense"]}, "Select a valid choice"),
        ({"days": "7000"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(client, fields, words):
    answer = make(client, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_there_are_not_endlessly_many(client, owner, monkeypatch):
    monkeypatch.setattr(ApiKey, "MOST", 1)
    make(client)
    answer = make(client)
    assert answer.status_code == 422
    assert "API keys already" in answer.content.decode()


def test_a_key_is_revoked_by_its_owner_alone(client, owner, colleague):
    mine, key = ApiKey.issue(owner, "Bot")
    other, _ = ApiKey.issue(colleague, "Hers")
    assert client.post(f"/account/keys/{other.pk}/revoke").status_code == 404
    assert client.post(f"/account/keys/{mine.pk}/revoke").status_code == 302
    assert "The key “Bot” opens nothing any more." in text(client)
    assert api_for().get("/v1/rooms", HTTP_X_API_KEY=key).status_code == 401
    assert list(ApiKey.objects.all()) == [other]


# A forgotten password


def outbox():
    """Once all is sent."""
    mailing.submit(int).result()
    return mail.outbox


@pytest.mark.usefixtures("counted")
def test_a_link_is_mailed_by_which_a_new_one_is_chosen(owner, settings):
    _, key = ApiKey.issue(owner, "Bot")
    guest = Client(headers={"host": "testserver"})
    assert 'href="/account/reset"' in text(guest, "/login")
    answer = guest.post("/account/reset", {"email": "OWNER@example.com"})
    assert answer["Location"] == "/login"
    assert "a link is on its way to it" in text(guest, "/login")
    [message] = outbox()
    assert message.to == ["owner@example.com"]
    link = re.search(rf"{re.escape(settings.PUBLIC_URL)}(/account/reset/\S+)", message.body)[1]
    form = guest.get(link)["Location"]
    assert "At least 8 characters" in text(guest, form)
    assert re.findall(r'name="(\w+)"[^>]* autofocus', text(guest, form)) == ["new_password1"]
    assert guest.post(form, {"new_password1": "short", "new_password2": "short"}).status_code == 422
    assert guest.post(form, {"new_password1": NEW, "new_password2": NEW})["Location"] == "/login"
    assert AuditEntry.objects.get(what="password, by a link").object_id == str(owner.pk)
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert not ApiKey.objects.exists() or api_for().get("/v1/rooms", HTTP_X_API_KEY=key).status_code == 401
    assert "This link was used already" in text(guest, link)


@pytest.mark.usefixtures("counted")
def test_who_has_no_account_is_told_the_same(owner):
    guest = Client()
    assert guest.post("/account/reset", {"email": "nobody@example.com"})["Location"] == "/login"
    assert "a link is on its way to it" in text(guest, "/login")
    assert outbox() == []


def test_what_is_no_address_is_said():
    answer = Client().post("/account/reset", {"email": "nobody"})
    assert answer.status_code == 422
    assert "Enter a valid email address." in answer.content.decode()


@pytest.mark.usefixtures("counted")
def test_it_cannot_be_asked_for_endlessly():
    asked = [f"{number}@example.com" for number in range(PER_ADDRESS + 1)]
    guest = Client()
    answers = [guest.post("/account/reset", {"email": email}).status_code for email in asked]
    assert answers == [302] * PER_ADDRESS + [429]


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com"])
def test_no_mailbox_is_filled_from_however_many_places(owner, email):
    places = [f"203.0.113.{number}" for number in range(7)]
    answers = [Client(REMOTE_ADDR=place).post("/account/reset", {"email": email}) for place in places]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429] * 2
    assert "Too many links for a new password of this account." in answers[-1].content.decode()
    assert len(outbox()) == (5 if email == owner.email else 0)


@pytest.mark.usefixtures("counted")
def test_a_mail_server_that_is_slow_tells_nobody_that_there_is_an_account(owner, monkeypatch):
    may_send = Event()
    monkeypatch.setattr(EmailMultiAlternatives, "send", lambda *args: may_send.wait(20))
    try:
        assert Client().post("/account/reset", {"email": owner.email}).status_code == 302
    finally:
        may_send.set()
        outbox()


def test_without_a_mail_server_nothing_is_offered(settings):
    settings.EMAIL_IS_SENT = False
    assert "Ask whoever runs this server" in text(Client(), "/login")
    assert "/account/reset" not in text(Client(), "/login")
    assert Client().get("/account/reset").status_code == 404


def test_a_link_that_goes_to_the_log_is_said_to(client, owner, settings, capfd):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = text(Client(), "/account/reset")
    assert html.escape(IN_LOG) in page
    assert "mailed" not in page
    assert "Mail me" not in page
    answer = Client().post("/account/reset", {"email": owner.email}, follow=True)
    assert "a link is written to this server&#x27;s log." in answer.content.decode()
    outbox()
    assert "/account/reset/" in capfd.readouterr().out
    assert ask_for(client, "ada@example.com").status_code == 302
    page = text(client)
    assert "Open the link that was written to this server&#x27;s log: then ada@example.com is your address" in page
    assert "mailed" not in page


@pytest.mark.parametrize("path", ["/account/reset/x/y", "/account/reset/MQ/set-password"])
def test_a_link_that_is_not_right_changes_nothing(path):
    assert "This link was used already, or is too old." in text(Client(), path)
