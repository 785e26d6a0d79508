"""Who is calling, told by a bearer token, an API key, or a session; and GET /v1/me, which says so."""

import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from django.conf import settings as django_settings

from rooms.api.authentication import issue_token
from rooms.models import ApiKey
from tests.conftest import api_for, error

REFUSED = error("Invalid authentication")


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def token_of(user, **changes):
    token, _ = issue_token(user)
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, django_settings.SECRET_KEY, "HS256")


def me(**headers):
    return api_for().get("/v1/me", **headers)


def segment(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class TestMe:
    def test_nobody_is_null(self, db):
        answer = me()
        assert answer.status_code == 200
        assert answer.content == b"null"
        assert answer["Content-Type"] == "application/json"

    def test_a_person_is_named_whatever_carries_the_proof(self, owner):
        _, key = ApiKey.issue(owner, None)
        expected = {"sub": str(owner.pk), "email": "owner@example.com"}
        assert me(**bearer(token_of(owner))).json() == expected
        assert me(HTTP_X_API_KEY=key).json() == expected
        assert me(HTTP_X_API_KEY=key, **bearer(token_of(owner))).json() == expected
        assert api_for(owner).get("/v1/me").json() == expected

    def test_a_person_without_an_address_has_null(self, owner):
        owner.email = ""
        owner.save()
        assert api_for(owner).get("/v1/me").json()["email"] is None

    def test_another_method_is_405(self, owner):
        assert api_for(owner).post("/v1/me", {}).status_code == 405


class TestBearer:
    @pytest.mark.parametrize("path", ["/v1/me", "/v1/rooms", "/v1/rooms/name/standup"])
    def test_a_bad_token_is_refused_also_where_none_is_needed(self, room, path):
        answer = api_for().get(path, **bearer("nonsense"))
        assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert answer["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": 1},
            {"exp": None},
            {"exp": "soon"},
            {"sub": None},
            {"sub": "999999"},
            {"session": None},
            {"session": "0" * 32},
            {"nbf": 2**40},
        ],
    )
    def test_a_token_with_a_wrong_or_missing_claim_is_refused(self, owner, changes):
        answer = me(**bearer(token_of(owner, **changes)))
        assert (answer.status_code, answer.json()) == (401, REFUSED)

    def test_a_token_ends_with_its_time(self, owner, settings):
        settings.ACCESS_TOKEN_LIFETIME = timedelta(seconds=-1)
        assert me(**bearer(issue_token(owner)[0])).status_code == 401

    def test_a_token_that_was_taken_before_ends_with_its_time(self, owner, monkeypatch):
        token = token_of(owner)
        assert me(**bearer(token)).json()["sub"] == str(owner.pk)
        later = time.time() + django_settings.ACCESS_TOKEN_LIFETIME.total_seconds() + 1
        monkeypatch.setattr("rooms.api.authentication.time.time", lambda: later)
        assert me(**bearer(token)).json() == REFUSED

    def test_a_token_that_was_taken_before_ends_with_its_key(self, owner, settings):
        token = token_of(owner)
        assert me(**bearer(token)).json()["sub"] == str(owner.pk)
        settings.SECRET_KEY = "another" * 8
        assert me(**bearer(token)).json() == REFUSED

    def test_the_signature_of_a_token_is_reckoned_once(self, owner, monkeypatch):
        token = token_of(owner)
        assert me(**bearer(token)).status_code == 200
        monkeypatch.setattr("rooms.api.authentication.jwt.decode", None)
        assert me(**bearer(token)).json()["sub"] == str(owner.pk)

    def test_a_token_of_another_key_or_algorithm_is_refused(self, owner):
        claims = jwt.decode(token_of(owner), options={"verify_signature": False})
        unsigned = f"{segment(json.dumps({'alg': 'none'}).encode())}.{segment(json.dumps(claims).encode())}."
        for token in (
            jwt.encode(claims, "x" * 50, "HS256"),
            jwt.encode(claims, django_settings.SECRET_KEY * 2, "HS512"),
            unsigned,
        ):
            assert me(**bearer(token)).status_code == 401

    @pytest.mark.parametrize(
        "token",
        [
            "",
            " ",
            ".",
            "..",
            "a.b.c",
            "\xff\xfe",
            segment(b"[" * 5000) + ".e30.x",
            segment(b'{"alg":["HS256"]}') + ".e30.x",
            segment(b"9" * 5000) + ".e30.x",
            "a" * 10000,
        ],
    )
    def test_a_malformed_token_is_refused_and_never_an_error(self, db, token):
        assert me(**bearer(token)).status_code == 401

    def test_a_change_of_password_ends_it(self, owner):
        token = token_of(owner)
        owner.set_password("other words")
        owner.save()
        assert me(**bearer(token)).status_code == 401

    def test_a_servers_clock_may_be_behind(self, owner):
        assert me(**bearer(token_of(owner, iat=int(time.time()) + 3))).status_code == 200

    def test_an_account_that_was_switched_off_is_refused(self, owner):
        owner.is_active = False
        owner.save()
        assert me(**bearer(token_of(owner))).status_code == 401

    def test_an_account_that_is_gone_is_refused(self, owner):
        token = token_of(owner)
        owner.delete()
        assert me(**bearer(token)).status_code == 401

    def test_another_scheme_counts_as_nothing(self, db):
        assert me(HTTP_AUTHORIZATION="Basic dTpw").content == b"null"


class TestApiKey:
    @pytest.mark.parametrize("key", ["unknown", "", "\xff", "x" * 10000])
    def test_an_unknown_key_counts_as_nobody(self, db, key):
        assert me(HTTP_X_API_KEY=key).content == b"null"
        answer = api_for().get("/v1/user/api-keys", HTTP_X_API_KEY=key)
        assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))

    def test_an_account_that_was_switched_off_is_refused(self, owner):
        _, key = ApiKey.issue(owner, None)
        owner.is_active = False
        owner.save()
        assert me(HTTP_X_API_KEY=key).status_code == 401

    def test_a_key_and_a_token_of_different_people_are_refused(self, owner, colleague):
        _, key = ApiKey.issue(colleague, None)
        answer = me(HTTP_X_API_KEY=key, **bearer(token_of(owner)))
        assert answer.status_code == 401
        assert answer.json() == error("Invalid authentication: more than one user provided")

    def test_a_key_may_write_without_a_csrf_token(self, owner):
        _, key = ApiKey.issue(owner, None)
        api = api_for()
        api.handler.enforce_csrf_checks = True
        assert api.post("/v1/rooms", {"name": "weekly"}, HTTP_X_API_KEY=key).status_code == 200


class TestSession:
    def test_writing_needs_a_csrf_token(self, owner):
        api = api_for(owner)
        api.handler.enforce_csrf_checks = True
        answer = api.post("/v1/rooms", {"name": "weekly"})
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("CSRF Failed")

    def test_a_token_beside_it_decides(self, owner, colleague):
        assert api_for(owner).get("/v1/me", **bearer(token_of(colleague))).json()["sub"] == str(colleague.pk)
