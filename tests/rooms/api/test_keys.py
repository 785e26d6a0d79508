"""/v1/user/api-keys."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from rooms.models import ApiKey
from tests.conftest import api_for, error

KEYS = "/v1/user/api-keys"
FIELDS = {"id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at"}


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


def test_an_account_has_a_hundred_keys_at_most(owner, colleague):
    keys = [ApiKey.issue(owner, str(number))[0] for number in range(ApiKey.MOST)]
    answer = api_for(owner).post(KEYS, {})
    assert (answer.status_code, answer.json()) == (400, error("There are 100 API keys already; delete one first."))
    assert api_for(colleague).post(KEYS, {}).status_code == 200
    keys[0].delete()
    assert api_for(owner).post(KEYS, {}).status_code == 200


def test_of_more_keys_than_the_limit_the_list_is_read_in_parts(owner):
    keys = [ApiKey(user=owner, name=str(number), key_hash=str(number)) for number in range(ApiKey.MOST + 3)]
    ApiKey.objects.bulk_create(keys)
    pages = [api_for(owner).get(f"{KEYS}{query}").json() for query in ("", "?page=2", "?page=3", "?page=11&size=10")]
    assert [len(page) for page in pages] == [ApiKey.MOST, 3, 0, 3]
    assert {key["name"] for key in pages[0] + pages[1]} == {key.name for key in keys}
    for query in ("?page=0", "?size=101", "?page=x"):
        assert api_for(owner).get(f"{KEYS}{query}").status_code == 422


def test_a_deleted_key_opens_nothing(owner):
    api_key, key = ApiKey.issue(owner, None)
    answer = api_for(owner).delete(f"{KEYS}/{api_key.pk}")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert api_for().get(KEYS, HTTP_X_API_KEY=key).status_code == 401


def test_another_persons_key_is_not_found(owner, colleague, staff):
    api_key, _ = ApiKey.issue(owner, None)
    for person in (colleague, staff):
        answer = api_for(person).delete(f"{KEYS}/{api_key.pk}")
        assert (answer.status_code, answer.json()) == (404, error("Not Found"))
    assert ApiKey.objects.exists()


@pytest.mark.parametrize("key_id", [str(uuid.uuid4()), "x", "%00", "9" * 400])
def test_an_unknown_or_impossible_id_is_404(owner, key_id):
    answer = api_for(owner).delete(f"{KEYS}/{key_id}")
    assert (answer.status_code, answer.json()) == (404, error("Not Found"))


def test_a_stranger_must_sign_in(db):
    for answer in (api_for().get(KEYS), api_for().post(KEYS, {}), api_for().delete(f"{KEYS}/{uuid.uuid4()}")):
        assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))


def test_another_method_is_405(owner):
    assert api_for(owner).patch(KEYS, {}).status_code == 405
    assert api_for(owner).get(f"{KEYS}/{uuid.uuid4()}").status_code == 405


def ask(key, method, path):
    return getattr(api_for(), method)(path, {}, HTTP_X_API_KEY=key)


def test_a_key_without_scopes_is_for_all_that_its_user_may(owner):
    answer = api_for(owner).post(KEYS, {"name": "old client"}).json()
    assert (answer["scopes"], answer["expires_at"], answer["last_used_at"]) == ([], None, None)
    assert ask(answer["key"], "get", KEYS).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["rooms:read"], (200, 403, 403, 403, 403)),
        (["rooms:write"], (200, 200, 403, 403, 403)),
        (["meetings:read", "transcripts:read"], (403, 403, 200, 403, 200)),
        (["meetings:write"], (403, 403, 200, 200, 403)),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def test_a_key_with_scopes_is_for_these_alone(owner, room, scopes, statuses):
    key = api_for(owner).post(KEYS, {"scopes": scopes}).json()["key"]
    asked = [
        ("get", "/v1/rooms"),
        ("patch", f"/v1/rooms/{room.pk}"),
        ("get", "/v1/rooms/standup/meetings/active"),
        ("post", "/v1/rooms/standup/meeting"),
        ("get", "/v1/transcripts"),
    ]
    assert tuple(ask(key, *what).status_code for what in asked) == statuses
    assert ask(key, "get", "/v1/me").json()["sub"] == str(owner.pk)
    refused = ask(key, "post", KEYS)  # else it could make itself one that may more
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This API key may not be used for this; it lacks user:write."


@pytest.mark.parametrize(
    "body",
    [{"scopes": ["rooms:all"]}, {"scopes": "rooms:read"}, {"expires_in_days": 0}, {"expires_in_days": "soon"}],
    ids=str,
)
def test_what_a_key_cannot_be_for_is_named(owner, body):
    answer = api_for(owner).post(KEYS, body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", next(iter(body))]


def test_a_key_that_has_expired_is_refused(owner):
    answer = api_for(owner).post(KEYS, {"expires_in_days": 1}).json()
    assert ask(answer["key"], "get", "/v1/me").json()["sub"] == str(owner.pk)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused = ask(answer["key"], "get", "/v1/me")
    assert (refused.status_code, refused.json()) == (401, error("This API key has expired."))


def test_the_last_use_of_a_key_is_known_to_the_minute(owner):
    _, key = ApiKey.issue(owner, None)
    ask(key, "get", "/v1/me")
    first = ApiKey.objects.get().last_used_at
    assert timezone.now() - first < timedelta(minutes=1)
    ask(key, "get", "/v1/me")
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    ask(key, "get", "/v1/me")
    assert ApiKey.objects.get().last_used_at > first - timedelta(seconds=1)
    assert api_for(owner).get(KEYS).json()[0]["last_used_at"] is not None


def test_a_key_in_use_costs_one_statement(owner, django_assert_num_queries):
    _, key = ApiKey.issue(owner, None)
    ask(key, "get", "/v1/me")
    with django_assert_num_queries(1):
        assert ask(key, "get", "/v1/me").status_code == 200
