"""What people do in a browser: sign in, make a room, meet, leave."""

from tests.browser.chromium import PATIENCE, open_page
from tests.browser.product import PASSWORD


class Visitor:
    """Somebody with a browser of their own; `problems` is what its console complained of."""

    def __init__(self, browser, product, **options):
        self.page, self.problems = open_page(browser, **options)
        self.page.set_default_timeout(PATIENCE)
        self.product = product

    def go(self, path):
        self.page.goto(self.product.url + path)

    def sign_in(self):
        """By the form the first time; later ones come with that session, as too many logins are refused."""
        if self.product.session:
            self.page.context.add_cookies(self.product.session)
            return
        self.go("/login")
        self.page.locator("[name=username]").fill("admin")
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("form[action='/login'] [type=submit]").click()  # in whatever language
        self.page.locator(".site-nav .menu").wait_for()
        self.product.session = self.page.context.cookies()

    def answer_consent(self, agrees):
        self.page.get_by_role("button", name="I agree" if agrees else "I refuse").click()

    def enter(self, room, name=""):
        """As far as the question for consent, which the caller answers."""
        self.go(f"/{room}")
        if name:
            self.page.get_by_label("Your name").fill(name)
            self.page.get_by_role("button", name="Join").click()

    @property
    def call(self):
        """The meeting page within the room's page."""
        return self.page.frame_locator("#stage iframe")

    def join_call(self, name):
        """Under the name that they gave, or that of their account: they are not asked for it again."""
        self.call.get_by_text(f"You come in as {name}.").wait_for()
        self.call.get_by_role("button", name="Join").click()
        self.call.get_by_role("button", name="Leave").wait_for()

    def leave(self):
        self.page.locator("#leave").click()
        self.page.get_by_role("heading", name="You left the meeting").wait_for()
