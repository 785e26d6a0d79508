"""Nothing that the API answers is kept by browsers or proxies for somebody else."""

import pytest

from rooms.models import ApiKey
from tests.conftest import api_for

ROUTES = [
    ("get", "/v1/me"),
    ("get", "/v1/config"),
    ("get", "/v1/rooms"),
    ("get", "/v1/rooms/name/standup"),
    ("get", "/v1/rooms/name/nowhere"),
    ("post", "/v1/rooms/standup/meeting"),
    ("post", "/v1/auth/login"),
    ("get", "/v1/user/api-keys"),
    ("post", "/v1/user/api-keys"),
    ("get", "/v1/transcripts"),
    ("get", "/v1/recordings"),
    ("put", "/v1/rooms"),
    ("get", "/v1/nothing"),
    ("get", "/v1/recordings/files/nonsense"),
    ("get", "/v1/schema"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_answer_below_v1_may_be_kept(owner, room, method, path):
    _, key = ApiKey.issue(owner, None)
    for headers in ({}, {"HTTP_X_API_KEY": key}, {"HTTP_AUTHORIZATION": "Bearer nonsense"}):
        answer = getattr(api_for(), method)(path, {}, **headers)
        assert "no-store" in answer["Cache-Control"], (answer.status_code, headers)


def test_static_files_and_probes_are_left_as_they_are(db):
    assert "Cache-Control" not in api_for().get("/health")
