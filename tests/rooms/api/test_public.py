"""What everybody may ask: /v1/config, /health; and what is at no address of the API."""

import pytest

from tests.conftest import api_for, error


def test_health_needs_neither_database_nor_credentials():
    answer = api_for().get("/health", HTTP_AUTHORIZATION="Bearer stale")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})
    assert api_for().post("/health").status_code == 405


@pytest.mark.django_db
class TestConfig:
    def test_every_platform_says_what_it_can_do(self):
        answer = api_for().get("/v1/config", HTTP_AUTHORIZATION="Bearer stale")
        assert answer.status_code == 200
        config = answer.json()
        assert (config["zulip_enabled"], config["email_enabled"]) == (False, True)
        assert config["default_platform"] == "whereby"
        mock = {platform["name"]: platform for platform in config["platforms"]}["mock"]
        assert (mock["label"], mock["configured"], mock["supports_closing"]) == ("Mock", True, True)
        assert mock["recording_types"] == ["cloud", "local", "none"]

    def test_what_is_not_configured_says_so_and_gives_no_secret_away(self, settings):
        settings.VIDEO_PLATFORMS = {
            "whereby": {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": {"api_key": "very-secret"}},
            "daily": settings.VIDEO_PLATFORMS["daily"],
        }
        answer = api_for().get("/v1/config")
        assert {p["name"]: p["configured"] for p in answer.json()["platforms"]} == {"whereby": True, "daily": False}
        assert "very-secret" not in answer.content.decode()

    def test_a_platform_that_cannot_be_loaded_can_do_nothing(self, settings):
        settings.VIDEO_PLATFORMS = {"broken": {"BACKEND": "no.such.Client"}}
        (broken,) = api_for().get("/v1/config").json()["platforms"]
        assert (broken["label"], broken["configured"], broken["supports_logo"]) == ("broken", False, False)

    def test_another_method_is_405(self):
        assert api_for().post("/v1/config", {}).status_code == 405


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense;;", "application/json; indent=9999999"])
def test_answers_are_json_whatever_is_asked_for(db, accept):
    for path in ("/v1/config", "/v1/config?format=xml", "/v1/rooms/name/nowhere"):
        answer = api_for().get(path, HTTP_ACCEPT=accept)
        assert answer.status_code in {200, 404}
        assert answer["Content-Type"] == "application/json"
        assert b"\n" not in answer.content


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/rooms/", "/v1/rooms/a/b/c/d", "/v1/me/"])
@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_an_unknown_path_is_answered_in_json_and_never_redirected(db, path, method):
    answer = getattr(api_for(), method)(path)
    assert answer.status_code == 404
    assert answer.json() == error("Not Found")
