"""What a browser lets the pages of another origin see of the API, on a served product."""

import pytest
import requests

from tests.support.live import running_product

APP = "https://app.example.com"


@pytest.fixture(scope="module")
def address(tmp_path_factory, django_db_setup):
    with running_product(tmp_path_factory.mktemp("cors"), CORS_ORIGINS=f"{APP},http://localhost:3000") as product:
        yield product.servers[0][0]


def allowed(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_preflight_is_answered_before_anybody_is_asked_who_they_are(address, method):
    asked = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, range, x-api-key",
    }
    answer = requests.options(f"{address}/v1/rooms", headers={"Origin": APP, **asked}, timeout=30)
    assert answer.status_code == 200
    assert allowed(answer) == APP
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type", "x-api-key", "range"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/config", {}, 200),
        ("/health", {}, 200),
        ("/v1/rooms", {}, 401),
        ("/v1/me", {"Authorization": "Bearer wrong"}, 401),
        ("/v1/nothing", {}, 404),
        ("/v1/transcripts/x/audio/mp3", {"Range": "bytes=0-9"}, 404),
    ],
)
def test_every_answer_may_be_read_by_that_origin_also_a_refusal(address, path, headers, status):
    answer = requests.get(f"{address}{path}", headers={"Origin": APP, **headers}, timeout=30)
    assert (answer.status_code, allowed(answer)) == (status, APP)
    assert "content-range" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.com.evil.example", "null"])
def test_another_origin_is_told_nothing(address, origin):
    assert allowed(requests.get(f"{address}/v1/config", headers={"Origin": origin}, timeout=30)) is None


def test_pages_are_not_for_other_origins(address):
    assert allowed(requests.get(f"{address}/login", headers={"Origin": APP}, timeout=30)) is None


def test_without_the_setting_no_origin_may_read_anything(tmp_path, django_db_setup):
    with running_product(tmp_path) as product:
        answer = requests.get(f"{product.servers[0][0]}/v1/config", headers={"Origin": APP}, timeout=30)
    assert (answer.status_code, allowed(answer)) == (200, None)
