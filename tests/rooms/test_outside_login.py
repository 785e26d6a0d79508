"""Signing in to pages and Admin by the page of an OpenID Connect issuer, by HTTP from one with real keys."""

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pytest
import requests
from django.contrib.auth import SESSION_KEY, get_user_model

from rooms.oidc import issuer as issuer_module
from rooms.pages import outside_login
from tests.support.oidc_issuer import AUDIENCE, running_issuer

pytestmark = pytest.mark.django_db
START = "/login/outside"
VERIFIED = {"email": "ada@example.com", "email_verified": True}


@pytest.fixture
def issuer(settings):
    with running_issuer() as issuer:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_NAME = issuer.address, AUDIENCE, "Acme"
        settings.OIDC_STAFF_GROUPS, settings.OIDC_ADMIN_GROUPS = ["support"], ["operators"]
        yield issuer
        issuer_module.issuer_at.cache_clear()


@pytest.fixture(autouse=True)
def _attempts_without_end(monkeypatch):
    monkeypatch.setattr(outside_login.logins, "PER_ADDRESS", 1000)


def sent_back(client, **start):
    """Through the issuer's page; the address to which that sends the browser."""
    begun = client.get(START, start)
    assert begun.status_code == 302, begun.content
    came = requests.get(begun["Location"], allow_redirects=False, timeout=10)
    address = urlsplit(came.headers["Location"])
    assert address.path == f"{START}/done"
    return f"{address.path}?{address.query}"


def changed(address, **values):
    path, _, query = address.partition("?")
    kept = {name: value for name, value in (dict(parse_qsl(query)) | values).items() if value is not None}
    return f"{path}?{urlencode(kept)}"


def is_signed_in(client):
    return SESSION_KEY in client.session


def asked_of(client):
    return dict(parse_qsl(urlsplit(client.get(START)["Location"]).query))


def test_it_is_offered_on_both_login_pages_where_it_is_configured(client, issuer, settings):
    for path in ("/login?next=/search%3Fq%3Da", "/admin/login/?next=/admin/rooms/room/"):
        page = client.get(path, follow=True).content.decode()
        assert "Sign in with <bdi>Acme</bdi>" in page
        assert f'href="{START}?next={quote(unquote(path.partition("next=")[2]), safe="")}"' in page
    settings.OIDC_CLIENT_ID = ""
    for path in ("/login", "/admin/login/"):
        assert "Sign in with" not in client.get(path, follow=True).content.decode()
    assert {client.get(path).status_code for path in (START, f"{START}/done")} == {404}


def test_who_signs_in_there_is_signed_in_here(client, issuer):
    issuer.claims = VERIFIED
    answer = client.get(sent_back(client, next="/search?q=budget"))
    assert (answer.status_code, answer["Location"]) == (302, "/search?q=budget")
    user = get_user_model().objects.get(email="ada@example.com")
    assert client.session[SESSION_KEY] == str(user.pk)
    assert not user.has_usable_password()
    assert client.session.get_expiry_age() <= outside_login.SESSION_LASTS.total_seconds()
    assert client.cookies[outside_login.COOKIE].value == ""
    client.post("/logout")
    assert not is_signed_in(client)


def test_it_is_the_same_account_as_by_a_bearer_token(client, issuer, settings):
    settings.OIDC_AUDIENCE = ["api"]
    client.get(sent_back(client))
    by_token = client.get("/v1/me", headers={"Authorization": f"Bearer {issuer.token(aud='api')}"}).json()["sub"]
    assert client.session[SESSION_KEY] == by_token


@pytest.mark.parametrize(
    ("groups", "status"), [(["operators"], 200), (["support"], 200), (["others"], 302), (None, 302)], ids=str
)
def test_groups_let_people_into_admin(client, issuer, groups, status):
    issuer.claims = {"groups": groups}
    assert client.get(sent_back(client, next="/admin/"))["Location"] == "/admin/"
    assert client.get("/admin/").status_code == status


def test_a_client_with_a_secret_shows_it(client, issuer, settings):
    issuer.secret = "its secret/+"
    assert client.get(sent_back(client)).status_code == 403
    settings.OIDC_CLIENT_SECRET = issuer.secret
    issuer.secret = "its%20secret%2F%2B"  # form-encoded, as RFC 6749 has it in section 2.3.1
    assert client.get(sent_back(client)).status_code == 302


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example.com/", "//elsewhere.example.com", "javascript:alert(1)", "/\\elsewhere.com", ""],
)
def test_nobody_is_sent_elsewhere_after_it(client, issuer, address):
    assert client.get(sent_back(client, next=address))["Location"] == "/"


def test_what_is_asked_is_new_each_time_and_never_the_proof_itself(client, issuer):
    first, second = asked_of(client), asked_of(client)
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"].endswith("/login/outside/done")
    assert not {first[name] for name in ("state", "nonce", "code_challenge")} & set(second.values())
    cookie = client.cookies[outside_login.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", START)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "another"},
        {"state": None},
        {"code": "another"},
        {"code": None},
        {"code": "x" * 5000},
        {"iss": "https://elsewhere.example.com"},
        {"code": None, "error": "access_denied", "error_description": "unspoken"},
    ],
    ids=str,
)
def test_an_answer_that_is_wrong_signs_nobody_in(client, issuer, wrong):
    answer = client.get(changed(sent_back(client), **wrong))
    assert answer.status_code == 403
    assert "The sign-in was not completed." in answer.content.decode()
    assert "unspoken" not in answer.content.decode()
    assert not is_signed_in(client)
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another service"},
        {"aud": [AUDIENCE, "another"], "azp": "another"},
        {"exp": 1_577_836_800},
        {"iss": "https://elsewhere.example.com"},
    ],
    ids=str,
)
def test_an_id_token_that_is_wrong_signs_nobody_in(client, issuer, claims):
    issuer.claims = claims
    assert client.get(sent_back(client)).status_code == 403
    assert not is_signed_in(client)


def test_a_code_is_used_once_and_in_the_browser_that_asked(client, issuer):
    address = sent_back(client)
    other = client.__class__()
    assert other.get(address).status_code == 400
    assert client.get(address).status_code == 302
    assert client.get(address).status_code == 400  # what the browser kept is gone


def test_who_is_not_active_is_not_signed_in(client, issuer):
    client.get(sent_back(client))
    client.logout()
    get_user_model().objects.update(is_active=False)
    assert client.get(sent_back(client)).status_code == 403
    assert not is_signed_in(client)


def test_while_the_issuer_is_away_people_are_told(client, issuer):
    address = sent_back(client)
    issuer.is_away = True
    answer = client.get(address)
    assert (answer.status_code, issuer.address in answer.content.decode()) == (503, False)
    issuer_module.issuer_at.cache_clear()
    assert client.get(START).status_code == 503


def test_attempts_are_counted_as_those_with_a_password(client, issuer, monkeypatch):
    monkeypatch.setattr(outside_login.logins, "PER_ADDRESS", 2)
    statuses = [client.get(changed(sent_back(client), code="another")).status_code for _ in range(3)]
    assert statuses == [403, 403, 429]


def test_nothing_secret_is_logged(client, issuer, settings, caplog):
    settings.OIDC_CLIENT_SECRET = "unspoken-secret"
    issuer.secret = "another"
    address = sent_back(client)
    client.get(address)
    code = dict(parse_qsl(address.partition("?")[2]))["code"]
    assert "outside_login_refused" in caplog.text
    assert code not in caplog.text
    assert "unspoken-secret" not in caplog.text
