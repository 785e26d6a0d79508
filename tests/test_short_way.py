"""Requests of programs go past what is for pages only, and are answered as those that do not."""

import pytest

from rooms.api.authentication import issue_token
from rooms.models import ApiKey
from tests.conftest import api_for

PATHS = [
    "/v1/me",
    "/v1/config",
    "/v1/rooms",
    "/v1/rooms/name/standup",
    "/v1/transcripts",
    "/v1/nothing",
]


@pytest.mark.parametrize("method", ["get", "head", "options", "post"])
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_the_same_with_a_cookie_and_without(owner, room, method, path):
    _, key = ApiKey.issue(owner, None)
    for headers in ({}, {"HTTP_X_API_KEY": key}, {"HTTP_AUTHORIZATION": f"Bearer {issue_token(owner)[0]}"}):
        short, long = (
            getattr(api_for(), method)(path, {}, HTTP_X_REQUEST_ID="the-same-one", **headers, **cookie)
            for cookie in ({}, {"HTTP_COOKIE": "of=another"})
        )
        assert (short.status_code, short.content) == (long.status_code, long.content)
        assert dict(short.headers) == dict(long.headers)
        assert short.cookies == long.cookies


def test_the_documentation_is_a_page(db):
    answer = api_for().get("/v1/schema/docs", HTTP_ACCEPT_ENCODING="gzip")
    assert answer["Content-Encoding"] == "gzip"
