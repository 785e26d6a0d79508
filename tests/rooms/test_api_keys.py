"""/v1/user/api-keys."""

import uuid

import pytest

from rooms.models import ApiKey
from tests.conftest import api_for

KEYS = "/v1/user/api-keys"
FIELDS = {"id", "user_id", "name", "created_at"}


def test_a_key_is_shown_once_and_kept_as_a_hash(owner):
    answer = api_for(owner).post(KEYS, {"name": "ci"})
    assert answer.status_code == 200
    assert answer.json().keys() == FIELDS | {"key"}
    assert (answer.json()["name"], answer.json()["user_id"]) == ("ci", str(owner.pk))
    key = answer.json()["key"]
    assert key not in str(ApiKey.objects.values())
    assert key not in api_for(owner).get(KEYS).content.decode()
    assert api_for().get("/v1/me", HTTP_X_API_KEY=key).json()["sub"] == str(owner.pk)


@pytest.mark.parametrize("body", [{}, {"name": None}])
def test_a_name_is_not_needed(owner, body):
    assert api_for(owner).post(KEYS, body).json()["name"] is None


@pytest.mark.parametrize("name", ["", 5, "n" * 101, ["a"], "a\x00"])
def test_a_bad_name_is_refused(owner, name):
    answer = api_for(owner).post(KEYS, {"name": name})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "name"]
    assert not ApiKey.objects.exists()


def test_own_keys_are_listed_and_no_others(owner, colleague):
    mine, _ = ApiKey.issue(owner, "mine")
    ApiKey.issue(colleague, "theirs")
    answer = api_for(owner).get(KEYS)
    assert [key["id"] for key in answer.json()] == [str(mine.pk)]
    assert answer.json()[0].keys() == FIELDS


def test_a_deleted_key_opens_nothing(owner):
    api_key, key = ApiKey.issue(owner, None)
    answer = api_for(owner).delete(f"{KEYS}/{api_key.pk}")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert api_for().get(KEYS, HTTP_X_API_KEY=key).status_code == 401


def test_another_persons_key_is_not_found(owner, colleague, staff):
    api_key, _ = ApiKey.issue(owner, None)
    for person in (colleague, staff):
        answer = api_for(person).delete(f"{KEYS}/{api_key.pk}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert ApiKey.objects.exists()


@pytest.mark.parametrize("key_id", [str(uuid.uuid4()), "x", "%00", "9" * 400])
def test_an_unknown_or_impossible_id_is_404(owner, key_id):
    answer = api_for(owner).delete(f"{KEYS}/{key_id}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_a_stranger_must_sign_in(db):
    for answer in (api_for().get(KEYS), api_for().post(KEYS, {}), api_for().delete(f"{KEYS}/{uuid.uuid4()}")):
        assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_another_method_is_405(owner):
    assert api_for(owner).patch(KEYS, {}).status_code == 405
    assert api_for(owner).get(f"{KEYS}/{uuid.uuid4()}").status_code == 405
