"""Bearer tokens of an OpenID Connect issuer, by HTTP from one with real keys."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from rest_framework.test import APIClient

from recordings.models import Transcript
from rooms.models import OutsideAccount
from rooms.oidc import issuer as issuer_module
from rooms.oidc import people
from tests.conftest import make_user
from tests.support.oidc_issuer import AUDIENCE, running_issuer

pytestmark = pytest.mark.django_db
VERIFIED = {"email": "ada@example.com", "email_verified": True}


@pytest.fixture
def issuer(settings):
    with running_issuer() as issuer:
        settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = issuer.address, [AUDIENCE, "another"]
        settings.OIDC_STAFF_GROUPS, settings.OIDC_ADMIN_GROUPS = ["support"], ["operators"]
        yield issuer
        issuer_module.issuer_at.cache_clear()


@pytest.fixture
def minutes_later(monkeypatch):
    """Let so much time pass on the clock that counts the fetches."""
    passed = [0.0]
    monkeypatch.setattr(issuer_module.time, "monotonic", lambda real=time.monotonic: real() + passed[0])

    def pass_time(minutes):
        passed[0] += 60 * minutes + 1

    return pass_time


def ask(token, path="/v1/me"):
    return APIClient().get(path, HTTP_AUTHORIZATION=f"Bearer {token}")


def status_of(token):
    return ask(token).status_code


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_issuer_is_good(issuer, algorithm):
    answer = ask(issuer.token(algorithm, **VERIFIED))
    user = get_user_model().objects.get(email="ada@example.com")
    assert (answer.status_code, answer.json()) == (200, {"sub": str(user.pk), "email": "ada@example.com"})
    assert not user.has_usable_password()
    assert not user.is_staff


def test_the_same_person_is_the_same_user_whatever_their_address_becomes(issuer):
    first = ask(issuer.token(**VERIFIED)).json()["sub"]
    assert ask(issuer.token("ES256", email="other@example.com", email_verified=True)).json()["sub"] == first
    assert ask(issuer.token(sub="grace")).json()["sub"] != first
    assert OutsideAccount.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1_577_836_800},  # 2020
        {"nbf": 4_102_444_800},  # 2100
        {"aud": "another service"},
        {"aud": []},
        {"iss": "https://elsewhere.example.com"},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"without": ["exp"]},
        {"without": ["aud"]},
        {"without": ["sub"]},
        {"without": ["iss"]},
        {"headers": {"kid": "unknown"}},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_is_refused(issuer, wrong):
    answer = ask(issuer.token(**wrong))
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Invalid authentication", "code": "invalid_token"}
    assert not OutsideAccount.objects.exists()


def test_clocks_may_differ_a_little_and_there_may_be_several_audiences(issuer):
    now = int(time.time())
    assert status_of(issuer.token(exp=now - 30, iat=now + 30)) == 200
    assert status_of(issuer.token(aud=["someone else", "another"])) == 200


def test_a_token_that_nobody_signed_is_refused(issuer):
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    for algorithm in ("none", "None", "NONE"):
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "RS256"}).encode()).rstrip(b"=")
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        assert status_of(f"{header.decode()}.{body.decode()}.") == 401


def test_a_public_key_is_never_a_secret(issuer):
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "RS256"}, claims]
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    made = base64.urlsafe_b64encode(hmac.new(issuer.public_pem(), signed, hashlib.sha256).digest()).rstrip(b"=")
    assert status_of(f"{signed.decode()}.{made.decode()}") == 401


def test_a_key_is_used_with_its_own_algorithm_alone(issuer):
    _, issuer.keys["RS256-of-others"] = None, ("ES256", issuer.keys["ES256"][1])
    del issuer.keys["ES256"]
    assert status_of(issuer.token("RS256-of-others", headers={"kid": "RS256"})) == 401
    assert status_of(issuer.token("RS256-of-others")) == 200


def test_a_token_that_names_no_key_is_tried_with_all(issuer):
    issuer.add_key("second")
    assert status_of(issuer.token("second", headers={"kid": None})) == 200


def test_a_key_of_somebody_else_by_the_same_name_is_refused(issuer):
    with running_issuer() as other:
        other.name = issuer.name
        assert status_of(other.token()) == 401


def test_a_new_key_is_found_when_it_is_used_and_an_old_one_is_let_go(issuer, minutes_later):
    assert status_of(issuer.token()) == 200
    old = issuer.token()
    issuer.add_key("next")
    minutes_later(1)
    assert status_of(issuer.token("next")) == 200
    del issuer.keys["RS256"]
    assert status_of(old) == 200  # until the keys are looked at again
    minutes_later(10)
    assert status_of(old) == 401
    assert issuer.fetches == 3


def test_unknown_keys_have_the_issuer_asked_once_a_minute(issuer, minutes_later):
    flood = [issuer.token(headers={"kid": f"unknown {number}"}) for number in range(50)]
    assert {status_of(token) for token in flood} == {401}
    assert issuer.fetches == 1
    minutes_later(1)
    assert {status_of(token) for token in flood} == {401}
    assert issuer.fetches == 2
    assert status_of(issuer.token()) == 200


def test_known_keys_go_on_while_the_issuer_is_away(issuer, minutes_later):
    assert status_of(issuer.token()) == 200
    issuer.is_away = True
    minutes_later(11)
    assert status_of(issuer.token()) == 200
    assert status_of(issuer.token(headers={"kid": "unknown"})) == 401


def test_without_any_key_people_are_put_off(issuer, minutes_later):
    issuer.is_away = True
    answer = ask(issuer.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "sign_in_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert issuer.address not in answer.content.decode()
    issuer.is_away = False
    minutes_later(1)
    assert status_of(issuer.token()) == 200


def test_an_issuer_that_calls_itself_otherwise_is_not_believed(issuer, caplog):
    issuer.name = "https://elsewhere.example.com"
    assert status_of(issuer.token()) == 503
    assert "another address than OIDC_ISSUER" in caplog.text


def test_who_has_the_verified_address_is_that_user(issuer, colleague):
    assert ask(issuer.token(email="Colleague@example.com", email_verified=True)).json()["sub"] == str(colleague.pk)


def test_two_people_of_one_address_who_come_at_once_get_an_account_each(issuer, monkeypatch):
    make, turns = people._make, []

    def overtaken(claims, email):
        turns.append(claims["sub"])
        if len(turns) == 1:
            make({**claims, "sub": "grace"}, email)
            raise IntegrityError("username")
        return make(claims, email)

    monkeypatch.setattr(people, "_make", overtaken)
    assert status_of(issuer.token(sub="ada", **VERIFIED)) == 200
    assert OutsideAccount.objects.count() == get_user_model().objects.count() == 2


@pytest.mark.parametrize("verified", [False, None, "false", 1])
def test_an_address_that_is_not_verified_is_nobodys(issuer, colleague, verified):
    answer = ask(issuer.token(email="colleague@example.com", email_verified=verified)).json()
    assert answer["sub"] != str(colleague.pk)
    assert answer["email"] is None


def test_an_account_of_the_staff_is_not_taken_over_by_an_address(issuer, staff):
    assert ask(issuer.token(email="staff@example.com", email_verified=True)).json()["sub"] != str(staff.pk)


def test_an_account_is_that_of_one_person_of_the_issuer(issuer, colleague):
    claims = {"email": "colleague@example.com", "email_verified": True}
    subjects = {ask(issuer.token(sub=sub, **claims)).json()["sub"] for sub in ("one", "two")}
    assert len(subjects) == 2


def test_who_is_not_active_is_refused(issuer, colleague):
    get_user_model().objects.filter(pk=colleague.pk).update(is_active=False)
    assert status_of(issuer.token(email="colleague@example.com", email_verified=True)) == 401


@pytest.mark.parametrize(
    ("groups", "is_staff", "is_superuser"),
    [(["support"], True, False), (["operators", "support"], True, True), (["others", 7, None], False, False)],
)
def test_groups_say_who_is_staff_for_as_long_as_they_do(issuer, groups, is_staff, is_superuser):
    def rights():
        user = get_user_model().objects.get()
        return user.is_staff, user.is_superuser

    assert status_of(issuer.token(groups=groups)) == 200
    assert rights() == (is_staff, is_superuser)
    assert status_of(issuer.token(groups=[])) == 200
    assert rights() == (False, False)


@pytest.mark.parametrize("claims", [{}, {"groups": None}, {"groups": "operators"}], ids=str)
def test_a_token_without_groups_takes_rights_back_where_groups_decide(issuer, settings, claims):
    assert status_of(issuer.token(groups=["operators"])) == 200
    settings.OIDC_STAFF_GROUPS, admins, settings.OIDC_ADMIN_GROUPS = [], settings.OIDC_ADMIN_GROUPS, []
    assert status_of(issuer.token(**claims)) == 200
    assert get_user_model().objects.get().is_superuser  # no setting lets groups decide
    settings.OIDC_ADMIN_GROUPS = admins
    assert status_of(issuer.token(**claims)) == 200
    user = get_user_model().objects.get()
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert OutsideAccount.objects.get().rights == ""


def test_rights_that_were_given_in_admin_stay(issuer):
    assert status_of(issuer.token()) == 200
    get_user_model().objects.update(is_staff=True)
    for claims in ({"groups": []}, {}):
        assert status_of(issuer.token(**claims)) == 200
        assert get_user_model().objects.get().is_staff


def test_an_operator_of_the_issuer_sees_all_recordings(issuer, room):
    recordings = "/v1/recordings"
    Transcript.objects.create(name="somebody's", source_kind="file")
    assert ask(issuer.token(groups=["operators"]), recordings).status_code == 200
    assert ask(issuer.token(groups=["operators"]), f"/v1/rooms/{room.pk}").status_code == 200
    assert ask(issuer.token(sub="grace"), f"/v1/rooms/{room.pk}").status_code == 403


def test_a_token_that_was_logged_out_is_over(issuer):
    token = issuer.token()
    answer = APIClient().post("/v1/auth/logout", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200
    assert ask(token).json()["code"] == "invalid_token"
    assert status_of(issuer.token("ES256")) == 200


def test_a_token_in_the_address_opens_audio(issuer):
    user = make_user("listener")
    OutsideAccount.objects.create(issuer=issuer.name, subject="ada", user=user)
    transcript = Transcript.objects.create(name="talk", source_kind="file", user=user)
    path = f"/v1/transcripts/{transcript.pk}/audio/mp3"
    assert APIClient().get(f"{path}?token={issuer.token()}").json()["detail"] == "Audio file not found"
    assert APIClient().get(f"{path}?token={issuer.token(exp=int(time.time()) - 120)}").status_code == 401


def test_our_own_tokens_and_keys_are_good_as_before(issuer, owner):
    login = {"email": "owner@example.com", "password": "correct horse battery"}
    token = APIClient().post("/v1/auth/login", login).json()["access_token"]
    assert ask(token).json()["sub"] == str(owner.pk)
    assert issuer.fetches == 0


def test_without_an_issuer_its_tokens_are_nothing(issuer, settings):
    settings.OIDC_ISSUER = ""
    assert status_of(issuer.token()) == 401
    assert issuer.fetches == 0
