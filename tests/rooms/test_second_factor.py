"""The second factor: turning it on and off, what it is asked for, and what `REQUIRE_SECOND_FACTOR` keeps closed."""

import base64
import re
import time
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from platforms.models import AuditEntry
from rooms import logins, second_factor
from rooms.models import ApiKey, LoginAttempts
from tests.conftest import api_for

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
SECRET = "3132333435363738393031323334353637383930"
PAGE = "/account/second-factor"
LOGIN = "/v1/auth/login"


def code_of(secret=SECRET, steps=0):
    """What an app shows now, or some steps of 30 seconds later."""
    return f"{totp(bytes.fromhex(secret), t0=-30 * steps):06}"


def with_factor(user):
    TOTPDevice.objects.create(user=user, name="app", key=SECRET)
    return second_factor.new_codes(user)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def give_password(client, name="owner", leads_to=""):
    return client.post("/login", {"username": name, "password": PASSWORD, "next": leads_to})


def is_in(client):
    return "_auth_user_id" in client.session


def turn_on(client):
    """As somebody does who types the secret into an app."""
    secret = base64.b32decode(client.get(PAGE).context["secret"]).hex()
    return client.post(PAGE, {"code": code_of(secret)}, follow=True)


@pytest.fixture(autouse=True)
def no_limit_by_address(monkeypatch):
    monkeypatch.setattr(logins, "PER_ADDRESS", 1000)


class TestSettingUp:
    def test_the_page_shows_the_secret_as_a_picture_and_in_letters(self, owner):
        page = signed_in(owner).get(PAGE).content.decode()
        assert '<svg width="' in page
        assert re.search(r'id="secret">[A-Z2-7]{32}<', page)
        assert "otpauth:" not in page

    def test_the_address_in_the_picture_names_product_and_account(self, owner):
        address = second_factor.address_of(owner, SECRET)
        assert unquote(address).startswith(
            "otpauth://totp/Reflector Rooms:owner?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        )

    def test_it_is_on_after_a_right_code_which_shows_recovery_codes_once(self, owner):
        client, other = signed_in(owner), signed_in(owner)
        page = turn_on(client).content.decode()
        codes = re.findall(r"<li><code>([a-z2-7]{8})</code></li>", page)
        assert len(set(codes)) == 10
        assert second_factor.is_on(owner)
        assert (is_in(client), other.get("/account").status_code) == (True, 302)
        assert "<li><code>" not in client.get(PAGE).content.decode()
        assert "It is on" in client.get("/account").content.decode().replace("It is on:", "It is on")

    def test_a_wrong_code_leaves_it_off_and_the_picture_as_it_was(self, owner):
        client = signed_in(owner)
        secret = client.get(PAGE).context["secret"]
        for wrong in ("000000x", "12", "९९९९९९", "9" * 16):
            answer = client.post(PAGE, {"code": wrong})
            assert answer.status_code == 422
            assert answer.context["secret"] == secret
        assert not second_factor.is_on(owner)

    def test_the_secret_is_not_readable_in_the_session(self, owner):
        client = signed_in(owner)
        secret = client.get(PAGE).context["secret"]
        assert secret not in str(dict(client.session))

    def test_who_has_no_password_here_is_told_who_asks(self, owner):
        owner.set_unusable_password()
        owner.save()
        page = signed_in(owner).get(PAGE).content.decode()
        assert "has no password here" in page
        assert 'id="secret"' not in page

    def test_turning_it_off_needs_the_password(self, owner):
        with_factor(owner)
        client = signed_in(owner)
        answer = client.post(f"{PAGE}/off", {"password": "wrong"})
        assert answer.status_code == 422
        assert f'<body data-address="{PAGE}">' in answer.content.decode()
        assert re.findall(r'autofocus[^>]*id="([^"]+)"', answer.content.decode()) == ["id_password"]
        assert second_factor.is_on(owner)
        assert client.post(f"{PAGE}/off", {"password": PASSWORD})["Location"] == PAGE
        assert not second_factor.is_on(owner)
        assert not StaticToken.objects.exists()

    def test_the_password_can_be_guessed_there_no_more_often_than_at_a_login(self, owner):
        with_factor(owner)
        client = signed_in(owner)
        for _ in range(logins.PER_ACCOUNT):
            client.post(f"{PAGE}/off", {"password": "wrong"})
        answer = client.post(f"{PAGE}/off", {"password": PASSWORD})
        assert "Too many login attempts" in answer.content.decode()
        assert second_factor.is_on(owner)

    def test_new_recovery_codes_end_those_from_before(self, owner):
        before = with_factor(owner)
        client = signed_in(owner)
        page = client.post(f"{PAGE}/codes", {"password": PASSWORD}, follow=True).content.decode()
        after = re.findall(r"<li><code>([a-z2-7]{8})</code></li>", page)
        assert len(after) == 10
        assert not set(before) & set(StaticToken.objects.values_list("token", flat=True))
        assert set(after) == set(StaticToken.objects.values_list("token", flat=True))

    def test_a_second_one_is_not_set_up_over_it(self, owner):
        with_factor(owner)
        client = signed_in(owner)
        answer = client.post(PAGE, {"code": code_of()})
        assert "It is on" in answer.content.decode()
        assert TOTPDevice.objects.get().key == SECRET

    def test_it_is_in_the_audit_trail(self, owner):
        client = signed_in(owner)
        turn_on(client)
        client.post(f"{PAGE}/codes", {"password": PASSWORD})
        client.post(f"{PAGE}/off", {"password": PASSWORD})
        what = AuditEntry.objects.filter(kind="account", action="changed").order_by("pk").values_list("what", flat=True)
        assert list(what) == ["second factor, on", "recovery codes", "second factor, off"]


class TestSigningIn:
    def test_the_password_alone_does_not_sign_in(self, client, owner):
        with_factor(owner)
        answer = give_password(client, leads_to="/search")
        assert answer["Location"] == "/login/code?next=%2Fsearch"
        assert not is_in(client)
        assert client.get("/account")["Location"].startswith("/login")

    def test_the_apps_code_signs_in_and_leads_on(self, client, owner):
        with_factor(owner)
        address = give_password(client, leads_to="/search")["Location"]
        page = client.get(address).content.decode()
        assert "/search" in page
        assert re.search(r'name="code"[^>]* autofocus', page)
        code = code_of()
        answer = client.post("/login/code", {"code": f"{code[:3]} {code[3:]}", "next": "/search"})
        assert (answer["Location"], is_in(client)) == ("/search", True)

    def test_admin_shares_the_page_and_the_step(self, client, staff):
        with_factor(staff)
        leads_to = client.get("/admin/", follow=True).redirect_chain[-1][0]
        assert leads_to == "/login?next=%2Fadmin%2F"
        step = give_password(client, "staff", leads_to="/admin/")["Location"]
        assert step == "/login/code?next=%2Fadmin%2F"
        assert client.get("/admin/").status_code == 302
        assert client.post(step, {"code": code_of(), "next": "/admin/"})["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_whoever_is_not_of_the_staff_is_told_so(self, owner):
        assert signed_in(owner).get("/admin/", follow=True).status_code == 403

    def test_it_does_not_lead_to_other_sites(self, client, owner):
        with_factor(owner)
        give_password(client)
        answer = client.post("/login/code", {"code": code_of(), "next": "https://elsewhere.example.com/"})
        assert answer["Location"] == "/"

    def test_a_code_counts_once(self, owner):
        with_factor(owner)
        code = code_of()
        for _ in range(2):
            client = Client()
            give_password(client)
            answer = client.post("/login/code", {"code": code})
        assert answer.status_code == 422
        assert "was used already" in answer.content.decode()
        assert not is_in(client)

    def test_a_recovery_code_counts_once(self, owner):
        codes = with_factor(owner)
        for _ in range(2):
            client = Client()
            give_password(client)
            answer = client.post("/login/code", {"code": codes[0].upper()})
        assert (answer.status_code, is_in(client)) == (422, False)
        assert second_factor.codes_left(owner) == 9

    def test_a_recovery_code_of_somebody_else_is_wrong(self, client, owner, colleague):
        with_factor(owner)
        theirs = with_factor(colleague)
        give_password(client)
        assert client.post("/login/code", {"code": theirs[0]}).status_code == 422

    def test_the_page_is_for_whose_password_was_right(self, client, owner):
        with_factor(owner)
        assert client.get("/login/code")["Location"] == "/login"
        assert client.post("/login/code", {"code": code_of()})["Location"] == "/login"

    @pytest.mark.parametrize("what", ["late", "new password", "switched off"])
    def test_it_waits_no_longer_than_the_password_counts(self, client, owner, monkeypatch, what):
        with_factor(owner)
        give_password(client)
        if what == "late":
            now = time.time() + second_factor.WAITS.total_seconds() + 1
            monkeypatch.setattr(second_factor.time, "time", lambda: now)
        if what == "new password":
            owner.set_password("another good passphrase")
        owner.is_active = what != "switched off"
        owner.save()
        assert client.post("/login/code", {"code": code_of()})["Location"] == "/login"
        assert not is_in(client)

    def test_wrong_codes_are_limited_whatever_the_password_is_given_between_them(self, client, owner, monkeypatch):
        with_factor(owner)
        monkeypatch.setattr(TOTPDevice, "get_throttle_factor", lambda self: 0)  # the library's own limit aside
        give_password(client)
        for _ in range(logins.PER_ACCOUNT):
            assert client.post("/login/code", {"code": "000000"}).status_code == 422
            assert give_password(Client())["Location"].startswith("/login/code")
        answer = client.post("/login/code", {"code": code_of()})
        assert (answer.status_code, is_in(client)) == (429, False)
        assert int(answer["Retry-After"]) > 0
        LoginAttempts.objects.update(since=timezone.now() - logins.WINDOW - timedelta(seconds=1))
        assert client.post("/login/code", {"code": code_of()}).status_code == 302

    def test_the_library_makes_each_next_attempt_wait(self, client, owner):
        with_factor(owner)
        give_password(client)
        client.post("/login/code", {"code": "000000"})
        TOTPDevice.objects.update(throttling_failure_count=8)
        answer = client.post("/login/code", {"code": code_of()})
        assert (answer.status_code, is_in(client)) == (429, False)

    @pytest.mark.parametrize("code", ["", "a\x00b", "x" * 17, "é", "१२३४५६"])
    def test_odd_codes_are_explained(self, client, owner, code):
        with_factor(owner)
        give_password(client)
        answer = client.post("/login/code", {"code": code})
        assert answer.status_code == 422
        assert 'class="error"' in answer.content.decode()

    def test_who_has_none_signs_in_as_before(self, client, owner):
        assert give_password(client)["Location"] == "/"
        assert is_in(client)


class TestTheApi:
    def login(self, **fields):
        return api_for().post(LOGIN, {"email": "owner@example.com", "password": PASSWORD, **fields})

    def test_it_asks_for_the_code_of_who_has_one(self, owner):
        with_factor(owner)
        assert self.login().json()["code"] == "otp_required"
        assert self.login(otp="000000").json()["code"] == "invalid_otp"
        assert self.login(password="wrong", otp=code_of()).json()["code"] == "invalid_credentials"

    def test_a_right_code_gives_a_token(self, owner):
        codes = with_factor(owner)
        assert self.login(otp=code_of()).status_code == 200
        assert self.login(otp=codes[3]).status_code == 200

    @pytest.mark.parametrize("otp", [None, 123456, [], "x" * 17, "a\x00"])
    def test_odd_codes_are_refused_by_name(self, owner, otp):
        with_factor(owner)
        answer = self.login(otp=otp)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "otp"]

    def test_attempts_are_limited(self, owner):
        with_factor(owner)
        tries = [self.login(otp="abcdefgh").status_code for _ in range(logins.PER_ACCOUNT + 1)]
        assert tries[-1] == 429
        assert 200 not in tries


class TestRequiredOfStaff:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.REQUIRE_SECOND_FACTOR = True

    @pytest.mark.parametrize("path", ["/admin/", "/", "/account", "/search", "/standup", "/new", "/rooms/standup"])
    def test_staff_without_one_are_led_to_it(self, staff, path):
        assert signed_in(staff).get(path)["Location"] == PAGE

    def test_for_the_api_their_session_is_nobodys(self, staff):
        client = signed_in(staff)
        assert client.get("/v1/recordings").status_code == 401
        assert client.get("/v1/recordings", headers={"X-API-Key": "unknown"}).status_code == 401

    def test_others_are_not(self, owner):
        client = signed_in(owner)
        assert (client.get("/").status_code, client.get("/v1/recordings").status_code) == (200, 200)

    def test_all_opens_once_it_is_on(self, client, staff):
        assert give_password(client, "staff", leads_to="/admin/")["Location"] == "/admin/"
        page = client.get("/admin/", follow=True)
        assert "need a second factor here" in page.content.decode()
        turn_on(client)
        assert client.get("/admin/").status_code == 200
        assert client.get("/v1/recordings").status_code == 200

    def test_taking_another_one_closes_all_until_it_is_there(self, client, staff):
        with_factor(staff)
        give_password(client, "staff")
        client.post("/login/code", {"code": code_of()})
        assert client.get("/admin/").status_code == 200
        client.post(f"{PAGE}/off", {"password": PASSWORD})
        assert client.get("/admin/")["Location"] == PAGE

    def test_they_can_log_out(self, staff):
        client = signed_in(staff)
        client.post("/logout")
        assert not is_in(client)

    def test_a_password_alone_gives_them_no_token(self, staff):
        sent = {"email": "staff@example.com", "password": PASSWORD}
        answer = api_for().post(LOGIN, sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
        with_factor(staff)
        assert api_for().post(LOGIN, {**sent, "otp": code_of()}).status_code == 200

    def test_their_api_keys_go_on(self, staff):
        _, key = ApiKey.issue(staff, "cron")
        assert api_for().get("/v1/recordings", headers={"X-API-Key": key}).status_code == 200


class TestTheCommand:
    def test_it_takes_it_off_signs_out_and_is_in_the_audit_trail(self, owner, capsys):
        with_factor(owner)
        client = signed_in(owner)
        call_command("remove_second_factor", "OWNER@example.com")
        assert "The second factor of owner is off" in capsys.readouterr().out
        assert not second_factor.is_on(owner)
        assert client.get("/account").status_code == 302
        entry = AuditEntry.objects.get(via="command")
        assert (entry.action, entry.kind, entry.object_id) == ("changed", "account", str(owner.pk))
        assert (entry.what, entry.person_id, bool(entry.person)) == ("second factor, off", None, True)

    @pytest.mark.parametrize("name", ["nobody", "owner", "shared@example.com"])
    def test_it_says_why_it_did_nothing(self, owner, colleague, name):
        type(owner).objects.exclude(pk=owner.pk).update(email="shared@example.com")
        type(owner).objects.create_user("third", "shared@example.com", PASSWORD)
        with pytest.raises(CommandError):
            call_command("remove_second_factor", name)


def test_admin_shows_nothing_of_what_they_are_made_of(staff):
    client = signed_in(staff)
    codes = with_factor(staff)
    assert "otp" not in client.get("/admin/").content.decode().lower()
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404
    page = client.get(f"/admin/auth/user/{staff.pk}/change/").content.decode()
    assert not any(hidden in page for hidden in (SECRET, *codes))
