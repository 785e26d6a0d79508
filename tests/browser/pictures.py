"""`make pictures`: what the README shows, taken from the product as it runs, with the sandbox."""

import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.people import Visitor
from tests.browser.product import served_product
from tests.live import ROOT

DOCS = ROOT / "docs"
LOOK = {"viewport": {"width": 1180, "height": 660}}
ROOMS = {"board": "daily", "design-review": "", "standup": "whereby", "town-hall": "mock", "weekly": ""}
COLOURS = 64


def main():
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder, served_product(Path(folder)) as product, chromium() as browser:
        for name, platform in ROOMS.items():
            make_room(product, name, platform)
        owner = Visitor(browser, product, **LOOK)
        owner.sign_in()
        guest = meet(browser, product, owner)
        take(owner.page, "room")
        guest.leave()
        owner.leave()
        owner.go("/admin/rooms/room/")
        take(owner.page, "admin-rooms")


def make_room(product, name, platform):
    fields = ("zulip_stream", "zulip_topic", "webhook_url", "webhook_secret")
    room = dict.fromkeys(fields, "") | {
        "name": name, "platform": platform or "whereby", "is_shared": True, "is_locked": False, "room_mode": "group",
        "recording_type": "cloud", "recording_trigger": "automatic", "zulip_auto_post": False,
    }  # fmt: skip
    made = product.api("POST", "/v1/rooms", json=room)
    if not platform:
        product.api("PATCH", f"/v1/rooms/{made['id']}", json={"platform": None})


def meet(browser, product, owner):
    owner.enter("standup")
    owner.answer_consent(agrees=True)
    owner.join_call("Ada")
    guest = Visitor(browser, product, **LOOK)
    guest.enter("standup", name="Bo")
    guest.answer_consent(agrees=True)
    guest.join_call("Bo")
    owner.call.locator("#people").get_by_text("Bo").wait_for()
    owner.page.locator("#recording").get_by_text("Recording").wait_for()
    return guest


def take(page, name):
    """Small, as it is fetched with every look at the README."""
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(DOCS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
