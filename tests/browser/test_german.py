"""Pages in German, whose words are longer, on a telephone; and what scripts say there."""

import pytest

from tests.browser.people import Visitor

pytestmark = pytest.mark.browser

ROOM = "sprachen"
GERMAN = {"locale": "de-DE", "viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def room(product):
    product.api("POST", "/v1/rooms", json={"name": ROOM, "title": "Sprachen", "platform": "mock", "is_shared": True})


def overflow(page):
    """Pixels by which the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def speaks_german(person):
    return person.page.locator("html").get_attribute("lang") == "de" and overflow(person.page) <= 0


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/account", "Ihr Konto"),
        ("/account/password", "Passwort ändern"),
        (f"/rooms/{ROOM}", "Einstellungen"),
        ("/nirgendwo", "Es gibt keinen Raum „nirgendwo“"),
    ],
)
def test_a_page_in_german_fits_a_telephone(browser, product, path, heading):
    person = Visitor(browser, product, **GERMAN)
    person.sign_in()
    person.go(path)
    person.page.get_by_role("heading", name=heading, exact=True).wait_for()
    assert speaks_german(person)


@pytest.mark.usefixtures("room")
def test_home_and_login_in_german_fit_a_telephone(browser, product):
    person = Visitor(browser, product, **GERMAN)
    person.go("/login")
    person.page.get_by_role("button", name="Anmelden").wait_for()
    assert speaks_german(person)
    person.sign_in()
    person.go("/")
    person.page.get_by_text("Sprachen").first.wait_for()
    assert speaks_german(person)


@pytest.mark.usefixtures("room")
def test_a_meeting_in_german_fits_a_telephone_from_the_name_to_the_end(browser, product):
    person = Visitor(browser, product, **GERMAN)
    page = person.page
    person.go(f"/{ROOM}")
    page.get_by_label("Ihr Name").fill("Bo")
    assert speaks_german(person)
    page.get_by_role("button", name="Teilnehmen").click()
    page.get_by_role("button", name="Ich lehne ab").click()
    page.get_by_text("Sie haben abgelehnt: Ton und Bild werden gelöscht.").wait_for()
    person.join_call("Bo")
    assert speaks_german(person)
    page.locator("#leave").click()
    page.get_by_role("heading", name="Sie haben die Besprechung verlassen").wait_for()
    assert speaks_german(person)
    assert person.problems == []


def test_whoever_chooses_another_language_keeps_it(browser, product):
    person = Visitor(browser, product, locale="en-GB")
    person.go("/login?next=/search")
    person.page.get_by_role("button", name="Deutsch").click()
    person.page.get_by_role("heading", name="Anmelden").wait_for()
    assert person.page.url.endswith("/login?next=/search")
    person.go("/nowhere")
    person.page.get_by_role("heading", name="Es gibt keinen Raum „nowhere“").wait_for()
    person.page.get_by_role("button", name="English").click()
    person.page.get_by_role("heading", name="There is no room “nowhere”").wait_for()
