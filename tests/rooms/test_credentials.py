"""What ends keys, tokens and sessions: a new password, made by whatever means, and logging out."""

import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.utils import timezone

from rooms.api.authentication import EXPIRY_MARGIN, issue_token
from rooms.models import ApiKey, EndedToken
from tests.conftest import api_for

PASSWORD = "correct horse battery"
NEW = "staple of the horse"
PAGE = "/account/password"


class MoreRounds(PBKDF2PasswordHasher):
    iterations = 3


def by_model(client, user):
    user.set_password(NEW)
    user.save()


def by_command(client, user):
    # Django's own command asks at a terminal; this is what it does with the answer.
    call_command("changepassword", user.username)


def by_admin(client, user):
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(f"/admin/auth/user/{user.pk}/password/", form).status_code == 302


def by_admin_switching_it_off(client, user):
    form = {"password1": "", "password2": "", "usable_password": "false", "unset-password": "on"}
    assert client.post(f"/admin/auth/user/{user.pk}/password/", form).status_code == 302
    assert not get_user_model().objects.get(pk=user.pk).has_usable_password()


def by_page(client, user):
    client.force_login(user)
    assert change(client).status_code == 302


def change(client, old=PASSWORD, new=NEW, again=None):
    return client.post(PAGE, {"old_password": old, "new_password1": new, "new_password2": again or new})


def sub(**credentials):
    answer = api_for().get("/v1/me", **credentials)
    return answer.json()["sub"] if answer.status_code == 200 and answer.json() else answer.status_code


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


class TestANewPassword:
    @pytest.mark.parametrize("means", [by_model, by_command, by_admin, by_admin_switching_it_off, by_page])
    def test_ends_keys_tokens_and_sessions(self, monkeypatch, client, owner, colleague, staff, means):
        monkeypatch.setattr("getpass.getpass", lambda *args, **kwargs: NEW)
        (_, key), (_, other_key) = ApiKey.issue(owner, None), ApiKey.issue(colleague, None)
        token, _ = issue_token(owner)
        session = api_for(owner)
        client.force_login(staff)
        assert sub(HTTP_X_API_KEY=key) == sub(**bearer(token)) == str(owner.pk)
        means(client, owner)
        assert sub(HTTP_X_API_KEY=key) == 200  # as nobody
        assert api_for().post("/v1/user/api-keys", {}, HTTP_X_API_KEY=key).status_code == 401
        assert sub(**bearer(token)) == 401
        assert session.get("/v1/me").content == b"null"
        assert sub(HTTP_X_API_KEY=other_key) == str(colleague.pk)

    def test_a_hash_that_is_made_anew_ends_no_key(self, settings, client, owner):
        _, key = ApiKey.issue(owner, None)
        settings.PASSWORD_HASHERS = ["tests.rooms.test_credentials.MoreRounds", *settings.PASSWORD_HASHERS]
        before = owner.password
        assert api_for().post("/v1/auth/login", {"email": "owner", "password": PASSWORD}).status_code == 200
        owner.refresh_from_db()
        assert owner.password != before
        assert sub(HTTP_X_API_KEY=key) == str(owner.pk)

    def test_another_change_of_the_account_ends_nothing(self, owner):
        _, key = ApiKey.issue(owner, None)
        owner.first_name = "Ada"
        owner.save()
        assert sub(HTTP_X_API_KEY=key) == str(owner.pk)


class TestItsPage:
    def test_whoever_is_no_staff_finds_it_and_stays_logged_in(self, client, owner):
        client.force_login(owner)
        assert f'href="{PAGE}"' in client.get("/account").content.decode()
        assert client.get(PAGE).status_code == 200
        response = change(client)
        assert (response.status_code, response["Location"]) == (302, "/account")
        assert "The password is changed." in client.get("/account").content.decode()
        assert client.get("/v1/me").json()["sub"] == str(owner.pk)
        owner.refresh_from_db()
        assert owner.check_password(NEW)

    def test_guests_log_in_first(self, client, db):
        assert client.get(PAGE)["Location"] == f"/login?next={PAGE}"
        assert change(client).status_code == 302

    @pytest.mark.parametrize(
        ("old", "new", "again", "field"),
        [
            ("wrong", NEW, NEW, "old_password"),
            ("", NEW, NEW, "old_password"),
            ("a\x00", NEW, NEW, "old_password"),
            (PASSWORD, NEW, "another one", "new_password2"),
            (PASSWORD, "short", "short", "new_password2"),
            (PASSWORD, "123456789012", "123456789012", "new_password2"),
            (PASSWORD, "", "", "new_password1"),
        ],
    )
    def test_what_is_wrong_is_marked_and_nothing_changes(self, client, owner, old, new, again, field):
        client.force_login(owner)
        response = change(client, old, new, again)
        assert response.status_code == 422
        text = response.content.decode()
        assert f'aria-describedby="{field}-error"' in text
        assert old not in text or not old.strip("\x00a")
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    def test_whoever_holds_a_session_has_no_more_guesses_than_at_the_login(self, client, owner):
        client.force_login(owner)
        for number in range(5):
            assert "was entered incorrectly" in change(client, f"guess {number}").content.decode()
        assert "Too many login attempts." in change(client).content.decode()
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)
        assert api_for().post("/v1/auth/login", {"email": "owner", "password": PASSWORD}).status_code == 429


class TestLogOut:
    def test_the_token_that_asks_for_it_ends_and_no_other(self, owner):
        (first, _), (second, _) = issue_token(owner), issue_token(owner)
        answer = api_for().post("/v1/auth/logout", **bearer(first))
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert sub(**bearer(first)) == 401
        assert sub(**bearer(second)) == str(owner.pk)
        assert api_for().post("/v1/auth/logout", **bearer(first)).status_code == 401

    def test_a_session_ends(self, owner):
        api = api_for(owner)
        assert api.post("/v1/auth/logout").status_code == 200
        assert api.get("/v1/me").content == b"null"

    def test_a_session_does_not_end_by_another_site(self, owner):
        api = api_for(owner)
        api.handler.enforce_csrf_checks = True
        assert api.post("/v1/auth/logout").status_code == 403
        assert json.loads(api.get("/v1/me").content)

    def test_a_key_stays(self, owner):
        _, key = ApiKey.issue(owner, None)
        assert api_for().post("/v1/auth/logout", HTTP_X_API_KEY=key).status_code == 200
        assert sub(HTTP_X_API_KEY=key) == str(owner.pk)

    def test_nobody_must_log_in_first_and_no_other_method_will_do(self, db, owner):
        assert api_for().post("/v1/auth/logout").status_code == 401
        assert api_for(owner).get("/v1/auth/logout").status_code == 405

    def test_the_audio_does_not_open_by_it_either(self, owner):
        token, _ = issue_token(owner)
        api_for().post("/v1/auth/logout", **bearer(token))
        answer = api_for().get(f"/v1/transcripts/{'0' * 32}/audio/mp3?token={token}")
        assert answer.status_code == 401

    def test_what_is_over_is_forgotten(self, owner):
        EndedToken.objects.create(token_id="old", expires_at=timezone.now() - 2 * EXPIRY_MARGIN)
        EndedToken.objects.create(token_id="new", expires_at=timezone.now())
        api_for().post("/v1/auth/logout", **bearer(issue_token(owner)[0]))
        assert set(EndedToken.objects.values_list("token_id", flat=True)) >= {"new"}
        assert EndedToken.objects.count() == 2

    def test_a_bearer_costs_one_question_to_the_database(self, owner, django_assert_num_queries):
        token, _ = issue_token(owner)
        with django_assert_num_queries(1):
            assert sub(**bearer(token)) == str(owner.pk)


def test_its_page_can_be_typed_into_at_once_where_something_is_missing_or_wrong(client, owner):
    client.force_login(owner)
    for answer, field in ((client.get(PAGE), "old_password"), (change(client, again="other"), "new_password2")):
        assert re.findall(r'name="(\w+)"[^>]* autofocus', answer.content.decode()) == [field]
