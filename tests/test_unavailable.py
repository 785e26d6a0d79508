"""What people and programs are told while the database is away, and about errors that nobody thought of."""

import pytest
from django.db import connection
from django.test import Client

from rooms.api.public_views import Config
from tests.conftest import error

PAGES = ["/", "/login", "/search?q=a", "/admin/", "/standup"]


@pytest.fixture
def visitor():
    """Is answered what a browser would be, rather than shown the exception."""
    return Client(raise_request_exception=False)


@pytest.fixture
def _database_away(transactional_db):
    connection.close()
    here = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at-all"
    yield
    connection.close()
    connection.settings_dict["NAME"] = here


def ask_for(visitor, path):
    visitor.cookies["sessionid"] = "of-somebody-who-is-signed-in"
    return visitor.get(path)


@pytest.mark.usefixtures("_database_away")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_to_come_back_while_the_database_is_away(visitor, settings, path, debug):
    settings.DEBUG = debug
    answer = ask_for(visitor, path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith("text/html")
    assert "nowhere" not in answer.content.decode()


@pytest.mark.usefixtures("_database_away")
def test_a_login_form_is_answered_alike(visitor):
    answer = visitor.post("/login", {"username": "owner", "password": "a"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.usefixtures("_database_away")
@pytest.mark.parametrize("path", ["/v1/rooms", "/v1/transcripts", "/v1/recordings"])
def test_the_api_says_so_in_json(visitor, path):
    answer = ask_for(visitor, path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json() == error("The service is not available for a moment. Please try again.")


def test_an_error_that_nobody_thought_of_is_told_in_json_by_the_api(visitor, monkeypatch):
    monkeypatch.setattr(Config, "get", lambda *args: {}["unspoken"])  # stands for any fault
    answer = visitor.get("/v1/config")
    assert (answer.status_code, set(answer.json())) == (500, {"detail", "code"})
    assert "unspoken" not in answer.content.decode()
