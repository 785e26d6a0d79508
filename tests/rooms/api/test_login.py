"""POST /v1/auth/login."""

import json
import time

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher

from tests.conftest import api_for, error, make_user

LOGIN = "/v1/auth/login"
PASSWORD = "correct horse battery"


class CountingHasher(MD5PasswordHasher):
    count = 0

    def encode(self, password, salt):
        type(self).count += 1
        return super().encode(password, salt)


def log_in(email="owner@example.com", password=PASSWORD, **headers):
    return api_for().post(LOGIN, {"email": email, "password": password}, **headers)


def test_a_token_is_given_that_says_who_it_is_for(owner):
    answer = log_in()
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 24 * 3600)
    claims = jwt.decode(answer.json()["access_token"], django_settings.SECRET_KEY, algorithms=["HS256"])
    assert (claims["sub"], claims["email"]) == (str(owner.pk), "owner@example.com")
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert abs(claims["iat"] - time.time()) < 60


def test_case_does_not_count_in_the_address(owner):
    assert log_in("OWNER@Example.COM").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [("owner@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("owner@example.com", PASSWORD + " ")],
)
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(owner, email, password):
    answer = log_in(email, password)
    assert answer.status_code == 401
    assert answer.json() == error("Invalid email or password")


def test_an_unknown_address_costs_a_hash_like_a_known_one(owner, settings):
    settings.PASSWORD_HASHERS = ["tests.rooms.api.test_login.CountingHasher"]
    owner.set_password(PASSWORD)
    owner.save()
    hashes = []
    for email in ("owner@example.com", "nobody@example.com"):
        before = CountingHasher.count
        log_in(email, "wrong")
        hashes.append(CountingHasher.count - before)
    assert hashes[0] == hashes[1] == 1


def test_of_accounts_with_one_address_the_password_tells_which(owner):
    twin = make_user("twin")
    twin.email = "Owner@example.com"
    twin.set_password("other words")
    twin.save()
    for password, person in ((PASSWORD, owner), ("other words", twin)):
        token = log_in(password=password).json()["access_token"]
        assert jwt.decode(token, options={"verify_signature": False})["sub"] == str(person.pk)


def test_an_account_that_was_switched_off_is_refused(owner):
    owner.is_active = False
    owner.save()
    assert log_in().status_code == 401


def test_a_stale_token_does_not_keep_anybody_from_a_new_one(owner):
    assert log_in(HTTP_AUTHORIZATION="Bearer stale").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": "x"}, "email"),
        ({"email": "x"}, "password"),
        ({"email": "", "password": "x"}, "email"),
        ({"email": 1, "password": "x"}, "email"),
        ({"email": "a\x00", "password": "x"}, "email"),
        ({"email": "a" * 300, "password": "x"}, "email"),
        ({"email": "x", "password": "\ud800"}, "password"),
        ({"email": "x", "password": "p" * 2000}, "password"),
        ({"email": "x", "password": None}, "password"),
    ],
)
def test_a_bad_field_is_refused_by_name(db, body, field):
    answer = api_for().post(LOGIN, json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


def test_another_method_is_405(db):
    assert api_for().get(LOGIN).status_code == 405
