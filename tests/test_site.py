"""What all pages have in common: signing in and out, errors, and what the policy lets in."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from django.urls import get_resolver

from config.errors import server_error
from rooms.logins import PER_ACCOUNT, PER_ADDRESS
from rooms.names import RESERVED
from tests.conftest import api_for, make_user
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def log_in(client, username="owner@example.com", password=PASSWORD, **fields):
    return client.post("/login", {"username": username, "password": password, **fields})


class TestLogIn:
    @pytest.mark.parametrize("username", ["owner@example.com", "OWNER@example.com", "owner", " owner@example.com "])
    def test_by_address_or_user_name(self, client, owner, username):
        response = log_in(client, username)
        assert (response.status_code, response["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(owner.pk)

    @pytest.mark.parametrize(
        ("username", "password"),
        [("owner@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("owner@example.com", PASSWORD + " ")],
    )
    def test_what_is_wrong_is_not_told_apart(self, client, owner, username, password):
        response = log_in(client, username, password)
        assert "The e-mail address, the user name or the password is not right." in response.content.decode()
        assert "_auth_user_id" not in client.session
        assert password not in response.content.decode()

    @pytest.mark.parametrize(("username", "password"), [("", ""), ("owner", ""), ("", PASSWORD), ("a\x00b", "c")])
    def test_incomplete_or_odd_input_is_explained(self, client, owner, username, password):
        response = log_in(client, username, password)
        assert response.status_code == 200
        assert 'role="alert"' in response.content.decode()

    def test_an_account_that_is_switched_off_stays_out(self, client, owner):
        get_user_model().objects.update(is_active=False)
        log_in(client)
        assert "_auth_user_id" not in client.session

    def test_people_come_where_they_wanted_to_go(self, client, owner):
        assert 'name="next" value="/search?q=x"' in client.get("/login?next=/search%3Fq=x").content.decode()
        assert log_in(client, next="/search?q=x")["Location"] == "/search?q=x"

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "javascript:alert(1)"]
    )
    def test_nobody_is_sent_elsewhere(self, client, owner, elsewhere):
        assert log_in(client, next=elsewhere)["Location"] == "/"

    def test_somebody_who_is_signed_in_goes_on(self, client, owner):
        client.force_login(owner)
        assert client.get("/login?next=/search")["Location"] == "/search"

    def test_attempts_are_limited_together_with_those_by_the_api(self, client, owner):
        for _ in range(PER_ACCOUNT - 1):
            log_in(client, password="wrong")
        wrong = {"email": "owner@example.com", "password": "wrong"}
        assert api_for().post("/v1/auth/login", wrong).status_code == 401
        response = log_in(client)
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        assert "Too many login attempts. Try again later." in response.content.decode()
        assert "_auth_user_id" not in client.session
        assert api_for().post("/v1/auth/login", wrong).status_code == 429

    def test_so_are_those_that_lead_to_admin(self, client, staff):
        for number in range(PER_ADDRESS - 1):
            log_in(client, username=f"nobody-{number}", password="wrong")
        credentials = {"username": "staff", "password": PASSWORD}
        leads_to = client.get("/admin/login/?next=/admin/")["Location"]
        assert leads_to == "/login?next=%2Fadmin%2F"
        assert client.post(leads_to, credentials)["Location"] == "/admin/"
        client.logout()
        response = client.post(leads_to, credentials)
        assert "Too many login attempts. Try again later." in response.content.decode()
        assert "_auth_user_id" not in client.session

    def test_a_form_from_elsewhere_is_refused_in_plain_words(self, owner):
        response = log_in(Client(enforce_csrf_checks=True))
        assert response.status_code == 403
        assert "load the page again" in response.content.decode()


class TestLogOut:
    def test_by_the_button_only(self, client, owner):
        client.force_login(owner)
        assert "Log out?" in client.get("/logout").content.decode()
        assert "_auth_user_id" in client.session
        assert client.post("/logout")["Location"] == "/"
        assert "_auth_user_id" not in client.session
        assert client.get("/logout")["Location"] == "/"


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("/admin", "/admin/"),
        ("/login/?next=/new", "/login?next=/new"),
        ("/logout/", "/logout"),
        ("/new/", "/new"),
        ("/search/?q=a", "/search?q=a"),
        ("/rooms", "/"),
        ("/rooms/", "/"),
        ("/transcripts/", "/search"),
        ("/transcripts", "/search"),
    ],
)
def test_an_address_that_people_type_leads_to_the_page(client, db, typed, page):
    response = client.get(typed)
    assert (response.status_code, response["Location"]) == (302, page)


class TestFrame:
    def test_guests_are_offered_to_log_in_and_come_back(self, client):
        assert (
            'href="/login?next=%2Fnowhere%2Fat-all%2Fx%3Fq%3D1"' in client.get("/nowhere/at-all/x?q=1").content.decode()
        )

    def test_admin_is_for_staff(self, client, owner, staff):
        client.force_login(owner)
        assert "/admin/" not in client.get("/").content.decode()
        client.force_login(staff)
        assert 'href="/admin/"' in client.get("/").content.decode()

    def test_names_of_people_are_text(self, client, db):
        client.force_login(make_user("eve", first_name="<script>", last_name="x"))
        text = client.get("/").content.decode()
        assert "<script> x" not in text
        assert "&lt;script&gt; x" in text

    @pytest.mark.parametrize(
        "path", ["/", "/login", "/logout", "/account/password", "/new", "/search", "/nowhere/at-all/x", "transcript"]
    )
    def test_nothing_inline_that_the_policy_would_stop(self, client, owner, room, path):
        transcript = make_transcript(owner, room=room)
        if path != "/login":
            client.force_login(owner)
        response = client.get(f"/transcripts/{transcript.pk}" if path == "transcript" else path)
        text = response.content.decode()
        policy = response["Content-Security-Policy"]
        assert "script-src 'self';" in policy or policy.endswith("script-src 'self'")
        assert "frame-ancestors 'none'" in policy
        for word in (" style=", "<style", " onclick=", " onload=", "javascript:"):
            assert word not in text
        assert text.count("<script") == text.count('<script type="module" src="/static/')


class TestErrors:
    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("path", ["/nowhere/at-all/x", "/rooms/nowhere", "/rooms/standup", "/transcripts/nonsense"])
    def test_what_is_not_there_or_not_ones_own(self, client, colleague, room, settings, path, debug):
        settings.DEBUG = debug
        client.force_login(colleague)
        response = client.get(path)
        assert response.status_code == 404
        assert "Nothing is here" in response.content.decode()
        assert "URLconf" not in response.content.decode()

    def test_errors_of_somebody_stay_theirs(self, client, owner, colleague):
        client.force_login(colleague)
        transcript = make_transcript(owner, share_mode="private")
        for path, status in (("/nowhere/at-all/x", 404), (f"/transcripts/{transcript.pk}", 403)):
            response = client.get(path)
            assert (response.status_code, "colleague" in response.content.decode()) == (status, True)
            assert "no-store" in response["Cache-Control"]

    def test_a_failure_needs_neither_database_nor_other_templates(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            response = server_error(RequestFactory().get("/"))
        assert response.status_code == 500
        assert "Something went wrong" in response.content.decode()


def test_no_room_can_take_the_address_of_a_page():
    first = {str(pattern.pattern).strip("^").split("/")[0] for pattern in flat(get_resolver().url_patterns)}
    words = {word for word in first if word and not word.startswith(("<", "v1", "(?"))}
    assert {"login", "logout", "new", "search", "transcripts", "recordings", "admin", "health"} <= words
    assert words - RESERVED == set()


def flat(patterns):
    for pattern in patterns:
        inner = getattr(pattern, "url_patterns", None)
        yield from flat(inner) if inner and not str(pattern.pattern) else [pattern]
