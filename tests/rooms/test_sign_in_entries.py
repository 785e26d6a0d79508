"""Entries of the audit trail about signing in and out, and about who was refused."""

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from platforms.audit import trail
from platforms.models import AuditEntry
from rooms import logins, second_factor
from tests.conftest import api_for

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
API = "/v1/auth/login"


@pytest.fixture(autouse=True)
def _nothing_seen_yet():
    trail.looks.forget()


def entries():
    found = AuditEntry.objects.order_by("pk")
    return [(entry.person, entry.via, entry.action, entry.kind, entry.object_id, entry.what) for entry in found]


def log_in(client, name="owner", password=PASSWORD, **headers):
    return client.post("/login", {"username": name, "password": password}, **headers)


def test_signing_in_and_out_by_a_page(client, owner):
    log_in(client, REMOTE_ADDR="192.0.2.7")
    client.post("/logout")
    client.post("/logout")
    account = ("account", str(owner.pk))
    assert entries() == [
        ("owner", "pages", "signed in", *account, "password"),
        ("owner", "pages", "signed out", *account, ""),
    ]
    entry = AuditEntry.objects.get(action="signed in")
    assert (entry.person_id, entry.address) == (owner.pk, "192.0.2.7")


def test_signing_out_from_admin(staff):
    client = Client()
    client.force_login(staff)
    client.post("/admin/logout/")
    assert entries() == [("staff", "admin", "signed out", "account", str(staff.pk), "")]


def test_signing_in_and_out_by_the_api(owner):
    token = api_for().post(API, {"email": "owner@example.com", "password": PASSWORD}).json()["access_token"]
    api_for().post("/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    assert [entry[:3] for entry in entries()] == [("owner", "api", "signed in"), ("owner", "api", "signed out")]


def test_a_wrong_password_names_the_account_and_whence_it_was_tried(client, owner):
    log_in(client, password="wrong", REMOTE_ADDR="192.0.2.7")
    api_for().post(API, {"email": "owner@example.com", "password": "unspoken"}, REMOTE_ADDR="2001:db8::1")
    refused = ("refused", "account", str(owner.pk), "password")
    assert entries() == [("", "pages", *refused), ("", "api", *refused)]
    assert list(AuditEntry.objects.order_by("pk").values_list("address", flat=True)) == ["192.0.2.7", "2001:db8::1"]


def test_a_name_that_is_nobodys_is_not_kept(client, owner):
    log_in(client, name="unspoken-password")
    assert entries() == [("", "pages", "refused", "account", "", "unknown name")]
    assert "unspoken" not in str(list(AuditEntry.objects.values()))


def test_an_account_that_is_locked_out_makes_one_entry_more(client, owner):
    for _ in range(logins.PER_ACCOUNT + 3):
        log_in(client, password="wrong")
    assert [entry[5] for entry in entries()] == ["password"] * logins.PER_ACCOUNT + ["locked out"]


def test_an_address_that_is_locked_out_makes_one_entry(client, owner, monkeypatch):
    monkeypatch.setattr(logins, "PER_ADDRESS", 1)
    for name in ("a", "b", "c"):
        log_in(client, name=name)
    assert entries()[1:] == [("", "pages", "refused", "address", "127.0.0.1", "locked out")]


def test_the_second_factor_is_told_apart(client, owner):
    TOTPDevice.objects.create(user=owner, name="app", key="31" * 20)
    code = second_factor.new_codes(owner)[0]
    log_in(client)
    assert entries() == []  # nobody is in yet
    client.post("/login/code", {"code": "000000"})
    client.post("/login/code", {"code": code})
    assert [(entry[0], entry[2], entry[5]) for entry in entries()] == [
        ("", "refused", "second factor"),
        ("owner", "signed in", "second factor"),
    ]
