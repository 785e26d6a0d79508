"""Pages speak the reader's language; what the API says and what is stored stays English."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format

from platforms.models import AuditEntry
from rooms.models import ChosenLanguage, Room, SignedInBrowser
from rooms.pages.password_reset import mailing
from tests.conftest import api_for
from tests.support.catalogues import CATALOGUES, ROOT, compiled, extracted, path_of, read, sources, updated, written

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|{\w*}")
THERE = [key for key in CATALOGUES if path_of(*key).exists()]


# The catalogues


@pytest.mark.parametrize(("app", "domain", "language"), CATALOGUES)
def test_a_catalogue_holds_what_the_sources_say_and_nothing_else(app, domain, language):
    path, present = path_of(app, domain, language), updated(app, domain, language)
    assert (path.read_bytes() if len(present) else b"") == (written(present) if len(present) else b""), "make messages"
    assert path.exists() == bool(len(extracted(app, domain)))


@pytest.mark.parametrize(("app", "domain", "language"), THERE)
def test_all_texts_are_translated_with_what_stands_in_them(app, domain, language):
    for message in read(app, domain, language):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(translations), message.id
        assert not message.fuzzy, message.id
        if message.id:
            every = [set(PLACEHOLDER.findall(text)) for text in originals]
            for text in translations:
                assert set(PLACEHOLDER.findall(text)) in every, text
            assert originals[0].endswith("\n") == translations[0].endswith("\n"), message.id


@pytest.mark.parametrize(("app", "domain", "language"), THERE)
def test_what_is_compiled_is_what_is_translated(app, domain, language):
    assert path_of(app, domain, language).with_suffix(".mo").read_bytes() == compiled(read(app, domain, language))


def test_a_text_of_several_apps_is_translated_alike():
    """Django makes one catalogue of all."""
    found = {}
    for app, domain, language in THERE:
        for message in read(app, domain, language):
            if message.id:
                key = (domain, language, message.context, message.id)
                assert found.setdefault(key, message.string) == message.string, message.id


# Templates

# Names, and what is not for people.
NO_TEXT = {
    "Reflector Rooms",
    "UTC",
    "JSON",
    "API",
    "X-API-Key",
    "https://",
    "CSV",
    "Zulip",
    "background-work",
    "platforms-page",
}
SHOWN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description", "aria-valuetext", "label"}
# Texts in tags: what stands for something that is missing, and endings of words.
IN_TAGS = re.compile(
    r"""pluralize|firstof .*(?<!_\()"[^"]*[A-Za-z]{2}|(?:default|default_if_none|yesno|join):"[^"]*[A-Za-z]{2}"""
)


class Texts(HTMLParser):
    """What people read in a page."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], []

    def handle_starttag(self, tag, attributes):
        if tag in {"script", "style", "code"}:
            self.inside.append(tag)
        self.found += [value for name, value in attributes if name in SHOWN_ATTRIBUTES and value]

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.found.append(data)


def untranslated(source):
    """The texts of a template that stand outside its tags for translation."""
    html, tags, in_translation = "", [], False
    for token in Lexer(source).tokenize():
        name = token.contents.split(" ")[0]
        if token.token_type == TokenType.BLOCK and name in {"blocktranslate", "endblocktranslate"}:
            in_translation = name == "blocktranslate"
        elif in_translation:
            continue
        elif token.token_type == TokenType.TEXT:
            html += token.contents
        elif token.token_type != TokenType.COMMENT:
            html += "\ufffc" if token.token_type == TokenType.VAR else ""
            tags += [token.contents] if IN_TAGS.search(token.contents) else []
    texts = Texts()
    texts.feed(html)
    words = [" ".join(text.replace("\ufffc", " ").split()) for text in texts.found]
    for name in NO_TEXT:
        words = [text.replace(name, "") for text in words]
    return [text for text in words if re.search(r"[A-Za-z]{2}", text)] + tags


TEMPLATES = [path for path in sources("django") if path.parts[0] == "templates" and path.suffix in {".html", ".txt"}]


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_all_texts_of_a_template_are_for_translation(path):
    assert untranslated((ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{% translate "Hello" %}</p>', []),
        ("<p>{% blocktranslate %}Hello{% endblocktranslate %} {{ name }}</p>", []),
        ('<img alt="A dog"><script>let dog;</script>', ["A dog"]),
        ('{% firstof name "Nobody" %}', ['firstof name "Nobody"']),
        ('{% firstof name _("Nobody") %}', []),
        ('{{ count }} person{{ count|pluralize:"es" }}', ["person", 'count|pluralize:"es"']),
    ],
)
def test_untranslated_texts_are_found(source, found):
    assert untranslated(source) == found


# Pages


def log_in(client, user):
    user.set_password("correct horse")
    user.save()
    answer = client.post("/login", {"username": user.username, "password": "correct horse"})
    assert answer.status_code == 302
    return answer


@pytest.mark.django_db
class TestPages:
    def test_the_browsers_language_is_spoken(self, client):
        german = client.get("/no-such/page", headers=GERMAN)
        assert german.status_code == 404
        assert '<html lang="de">' in german.content.decode()
        assert "<h1>Hier ist nichts</h1>" in german.content.decode()
        assert german["Content-Language"] == "de"
        assert "Accept-Language" in german["Vary"]

    @pytest.mark.parametrize("headers", [{}, {"Accept-Language": "en-GB,de;q=0.5"}, {"Accept-Language": "fi"}])
    def test_english_is_spoken_where_no_other_is_asked_for_or_known(self, client, headers):
        page = client.get("/no-such/page", headers=headers).content.decode()
        assert '<html lang="en">' in page
        assert "<h1>Nothing is here</h1>" in page
        assert "/account/language/en.js" not in page

    def test_a_choice_goes_before_the_browsers_language_and_lasts(self, client):
        page = client.get("/login?next=/search", headers=GERMAN).content.decode()
        assert '<button type="submit" name="language" value="en" lang="en">English</button>' in page
        came_from = {"Referer": "http://testserver/login?next=/search"}
        answer = client.post("/account/language", {"language": "en"}, headers=came_from)
        assert answer["Location"] == "http://testserver/login?next=/search"
        assert int(answer.cookies["language"]["max-age"]) > 300 * 24 * 3600
        assert '<html lang="en">' in client.get("/login", headers=GERMAN).content.decode()

    @pytest.mark.parametrize("language", ["", "xx", "../../etc", "de\x00", "d" * 1000])
    def test_a_language_that_is_not_there_changes_nothing(self, client, owner, language):
        client.force_login(owner)
        answer = client.post("/account/language", {"language": language, "next": "//evil.example.com"})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert "language" not in answer.cookies
        assert not ChosenLanguage.objects.exists()
        client.cookies["language"] = "xx"
        assert '<html lang="en">' in client.get("/account/reset").content.decode()

    def test_what_somebody_chose_who_was_signed_in_comes_to_their_other_browsers(self, client, owner, colleague):
        client.force_login(owner)
        client.post("/account/language", {"language": "de"})
        for who, found in ((owner, "de"), (colleague, "en")):
            other = Client()
            log_in(other, who)
            assert f'<html lang="{found}">' in other.get("/search").content.decode()
        client.force_login(owner)  # the new password ended what it was signed in with
        client.post("/account/language", {"language": "en"})
        assert ChosenLanguage.objects.get().code == "en"

    def test_what_a_guest_chose_stays_when_they_log_in_to_an_account_without_a_choice(self, client, owner):
        client.post("/account/language", {"language": "de"})
        log_in(client, owner)
        assert '<html lang="de">' in client.get("/search").content.decode()
        assert not ChosenLanguage.objects.exists()

    def test_a_language_that_is_gone_is_brought_to_no_browser(self, client, owner):
        ChosenLanguage.objects.create(user=owner, code="tlh")
        assert "language" not in log_in(client, owner).cookies

    def test_only_a_form_of_ours_chooses(self):
        answer = Client(enforce_csrf_checks=True).post("/account/language", {"language": "de"})
        assert answer.status_code == 403
        assert Client().get("/account/language").status_code == 405

    def test_a_page_that_answers_a_form_leads_to_one_that_can_be_opened(self, client):
        there = 'name="next" value="/"'
        assert there in client.post("/account/reset", {"email": "nothing"}).content.decode()
        assert there not in client.get("/account/reset").content.decode()

    def test_the_api_speaks_english_also_after_a_page_in_german(self, client):
        client.cookies["language"] = "de"
        client.get("/login", headers=GERMAN)
        assert translation.get_language() == "en"
        answer = client.get("/v1/user/api-keys", headers=GERMAN)
        assert answer.status_code == 401
        assert answer.json()["detail"] == "Not authenticated"
        assert "Content-Language" not in answer

    def test_scripts_get_their_texts(self, client):
        page = client.get("/login", headers=GERMAN).content.decode()
        assert '<script defer src="/account/language/de.js"></script>' in page
        script = client.get("/account/language/de.js")
        assert script["Content-Type"].startswith("text/javascript")
        assert "That is too large." in script.content.decode()
        assert client.get("/account/language/xx.js").status_code == 404

    @pytest.mark.parametrize("language", dict(settings.LANGUAGES))
    def test_moments_are_written_as_the_language_does(self, language):
        moment = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
        with translation.override(language):
            assert (
                date_format(moment, "SHORT_DATETIME_FORMAT")
                == {"en": "5 Mar 2026, 14:30", "de": "5. Mär 2026, 14:30"}[language]
            )

    def test_who_is_signed_in_finds_the_menu_in_german(self, owner):
        page = api_for(owner).get("/no-such/page", headers=GERMAN).content.decode()
        assert "Ihr Konto" in page
        assert "Abmelden" in page

    def test_a_rooms_own_page_speaks_german_and_also_says_why_it_opens_where(self, owner, room):
        page = api_for(owner).get("/rooms/standup", headers=GERMAN).content.decode()
        assert "Die nächste Besprechung öffnet auf Mock. Für diesen Raum gewählt." in page
        assert "Sobald jemand in der Besprechung ist" in page

    def test_a_guest_is_asked_for_a_name_in_german(self, client, room):
        client.post("/v1/rooms/standup/meeting", {}, content_type="application/json")
        page = client.get("/standup", headers=GERMAN).content.decode()
        assert "An der Besprechung teilnehmen" in page
        assert '<label for="name">Ihr Name</label>' in page

    def test_what_the_apis_rules_refuse_is_told_in_german_by_a_page_and_in_english_by_the_api(self, owner, room):
        api = api_for(owner)
        taken = {"title": "Standup", "name": "standup", "platform": "mock"}
        page = api.post("/new", taken, format="multipart", headers=GERMAN)
        assert (page.status_code, "gibt es schon einen Raum" in page.content.decode()) == (422, True)
        refused = api.post("/v1/rooms", {"name": "Stand up!"}, headers=GERMAN).json()["detail"]
        assert "Use letters, digits, hyphens" in str(refused)

    def test_what_is_stored_is_in_english_whoever_did_it(self, owner, room):
        api_for(owner).post("/rooms/standup/delete/delete", {"is_meant": "on"}, format="multipart", headers=GERMAN)
        assert list(AuditEntry.objects.values_list("kind", flat=True)) == ["room"]
        assert not Room.objects.exists()

    @pytest.mark.parametrize(
        ("label", "shown"),
        [
            ("Firefox on Linux", "Firefox auf Linux"),
            ("A browser on Android", "Ein Browser auf Android"),
            ("", "Ein Browser"),
        ],
    )
    def test_browsers_are_named_in_german(self, label, shown):
        with translation.override("de"):
            assert str(SignedInBrowser(label=label)) == shown

    def test_the_link_for_a_new_password_is_mailed_in_the_language_of_the_page(
        self, client, owner, settings, mailoutbox
    ):
        settings.EMAIL_IS_SENT = True
        client.post("/account/reset", {"email": "owner@example.com"}, headers=GERMAN)
        mailing.submit(lambda: None).result(timeout=60)  # mails go one after the other
        [mail] = mailoutbox
        assert mail.subject == "Ein neues Passwort für Reflector Rooms"
        assert mail.body.startswith("Jemand, hoffentlich Sie, hat um ein neues Passwort für das Konto owner gebeten.")
        assert "Wählen Sie es hier:\nhttp" in mail.body
