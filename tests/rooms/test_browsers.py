"""The browsers that somebody is signed in with, on the page of their account."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from rooms import browsers
from rooms.models import SignedInBrowser
from tests.conftest import api_for
from tests.support.migrations import migrated

pytestmark = pytest.mark.django_db

PASSWORD, NEW = "correct horse battery", "a better horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"


def signed_in(user, agent=FIREFOX):
    client = Client(headers={"User-Agent": agent})
    client.post("/login", {"username": user.email, "password": PASSWORD})
    return client


def text(client, path="/account"):
    return client.get(path).content.decode()


def is_in(client):
    return client.get("/account").status_code == 200


@pytest.fixture
def here(owner):
    return signed_in(owner)


@pytest.fixture
def telephone(owner):
    return signed_in(owner, SAFARI)


@pytest.fixture
def forgotten():
    """As another process is, or one ten minutes later."""
    browsers._noted.clear()


def browser_of(client):
    return SignedInBrowser.objects.get(session=client.session.session_key)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("Something on Android", "A browser on Android"),
        ("curl/8.5", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(owner, agent, label):
    page = text(signed_in(owner, agent))
    assert f"<span>{label} <span" in page
    assert page.count("This browser") == 1
    assert "Sign out all others" not in page


def test_each_of_ones_own_is_listed_and_nobody_elses(owner, colleague, here, telephone):
    signed_in(colleague, EDGE)
    page = text(here)
    assert "Firefox on Linux <span" in page
    assert "Safari on iPhone</span>" in page
    assert "Edge on Windows" not in page
    assert "Sign out all others" in page
    for client in (here, telephone):
        assert client.session.session_key not in page


def test_one_is_signed_out(owner, here, telephone):
    answer = here.post(f"/account/browsers/{browser_of(telephone).pk}/sign-out")
    assert answer["Location"] == "/account#browsers"
    assert "That browser is signed out." in text(here)
    assert (is_in(here), is_in(telephone)) == (True, False)
    assert SignedInBrowser.objects.count() == 1


def test_all_others_are_signed_out(owner, here, telephone):
    other = signed_in(owner, EDGE)
    here.post("/account/browsers/sign-out-others")
    assert "The other browsers are signed out." in text(here)
    assert [is_in(client) for client in (here, telephone, other)] == [True, False, False]
    here.post("/account/browsers/sign-out-others")
    assert "There was no other one." in text(here)


def test_nobody_signs_out_anybody_else(colleague, here):
    other = signed_in(colleague)
    assert other.post(f"/account/browsers/{browser_of(here).pk}/sign-out").status_code == 404
    assert other.post("/account/browsers/sign-out-others").status_code == 302
    assert is_in(here)
    assert Client().post("/account/browsers/sign-out-others")["Location"].startswith("/login")
    assert here.get("/account/browsers/sign-out-others").status_code == 405


def test_one_that_was_logged_out_or_is_over_is_not_listed(owner, here, telephone):
    telephone.post("/logout")
    over = signed_in(owner, EDGE)
    Session.objects.filter(pk=over.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    page = text(here)
    assert "iPhone" not in page
    assert "Windows" not in page
    SessionStore.clear_expired()
    assert list(SignedInBrowser.objects.all()) == [browser_of(here)]


def test_a_new_password_ends_all_others(owner, here, telephone):
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/account/password", fields).status_code == 302
    assert (is_in(here), is_in(telephone)) == (True, False)
    assert list(SignedInBrowser.objects.all()) == [browser_of(here)]
    assert "This browser" in text(here)


@pytest.mark.usefixtures("forgotten")
def test_when_it_was_last_seen_is_noted_now_and_then(here, forgotten, monkeypatch):
    long_ago = timezone.now() - timedelta(days=3)
    SignedInBrowser.objects.update(since=long_ago, last_seen_at=long_ago)
    here.get("/")
    assert browser_of(here).last_seen_at == long_ago
    browsers._noted.clear()
    here.get("/")
    browser = browser_of(here)
    assert browser.since == long_ago
    assert timezone.now() - browser.last_seen_at < timedelta(minutes=5)


def test_a_browser_that_was_not_noted_is_noted_once_it_is_used(here, forgotten):
    SignedInBrowser.objects.all().delete()
    here.get("/health")
    assert not SignedInBrowser.objects.exists()
    here.get("/")
    assert browser_of(here).label == "Firefox on Linux"


def test_guests_and_programs_are_no_browsers(owner, colleague, here, forgotten):
    token = api_for().post("/v1/auth/login", {"email": colleague.email, "password": PASSWORD}).json()["access_token"]
    SignedInBrowser.objects.all().delete()
    here.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    Client().get("/")
    Client().get("/login")
    assert not SignedInBrowser.objects.exists()


def test_what_a_process_remembers_does_not_grow_for_ever(owner, monkeypatch, forgotten):
    monkeypatch.setattr(browsers, "REMEMBERED", 2)
    for _ in range(4):
        signed_in(owner)
    assert len(browsers._noted) <= 2


@pytest.mark.django_db(transaction=True)
def test_sessions_from_before_are_noted_by_the_migration(owner):
    client, over, guest = Client(), Client(), SessionStore()
    client.force_login(owner)
    over.force_login(owner)
    Session.objects.filter(pk=over.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    guest["of"] = "nobody"
    guest.save()
    with migrated("rooms", "0022_flat_lists"):
        pass
    assert [browser.session_id for browser in SignedInBrowser.objects.all()] == [client.session.session_key]
    assert browser_of(client).user == owner
