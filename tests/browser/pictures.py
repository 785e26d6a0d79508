"""`make pictures`: what the README shows, taken from the product as it runs, with the sandbox."""

import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.people import Visitor
from tests.browser.product import served_product
from tests.support.live import ROOT, wait_until

DOCS = ROOT / "docs"
LOOK = {"viewport": {"width": 1180, "height": 660}}
ROOMS = {"board": "daily", "design-review": "", "standup": "whereby", "town-hall": "mock", "weekly": ""}
COLOURS = 160
ADMIN = {"width": 1280, "height": 1120}
TEAMS = ("sales", "design", "support", "board", "research", "legal")


def main():
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder, served_product(Path(folder)) as product, chromium() as browser:
        for name, platform in ROOMS.items():
            make_room(product, name, platform)
        owner = Visitor(browser, product, **LOOK)
        product.call_admin("Ada")
        owner.sign_in()
        guest = meet(browser, product, owner)
        take(owner.page, "room")
        guest.leave()
        owner.leave()
        go_live(product)
        owner.page.set_viewport_size(ADMIN)
        picture_admin(owner)
        product.manage("demo")
        picture_transcripts(browser, product)


def go_live(product):
    """A plan at its first stage, with meetings on all platforms."""
    stages = [{"percentage": share, "minimum_hours": 24, "minimum_meetings": 200} for share in (25, 50, 100)]
    product.api("PATCH", "/v1/rollout", json={"switched_on": True, "stages": stages, "note": "The first pilot rooms"})
    names = [f"{team}-{number}" for team in TEAMS for number in range(1, 9)]
    for number, name in enumerate(names):
        make_room(product, name, "" if number % 5 else "mock")
        product.api("POST", f"/v1/rooms/{name}/meeting", json={})


def picture_admin(staff):
    page = staff.page
    staff.go("/admin/")
    for button in page.get_by_role("button", name="Check now").all():
        button.click()
        staff.go("/admin/")
    wait_until(lambda: staff.go("/admin/") or page.locator(".chart .calls").count() > 5, seconds=120, every=3)
    take(page, "platforms")
    staff.go("/admin/rooms/rollout/1/change/")
    page.locator("[name=stages-0-percentage]").fill("40")
    page.get_by_role("button", name="Preview…").click()
    page.get_by_role("heading", name="Nothing has been changed yet").wait_for()
    take(page, "preview")
    staff.go("/admin/rooms/room/")
    take(page, "admin-rooms")


def picture_transcripts(browser, product):
    reader = Visitor(browser, product, viewport={"width": 1180, "height": 860})
    reader.sign_in()
    open_transcript(reader, "After the first release")
    reader.page.locator("#waveform").wait_for()
    take(reader.page, "transcript")
    reader.page.set_viewport_size({"width": 1180, "height": 610})
    reader.go("/search?q=late+part")
    take(reader.page, "search")
    telephone = Visitor(browser, product, viewport={"width": 390, "height": 760}, color_scheme="dark")
    telephone.sign_in()
    open_transcript(telephone, "Interview with Jonas")
    telephone.page.get_by_text("The telephone rings.").scroll_into_view_if_needed()
    take(telephone.page, "telephone")


def open_transcript(reader, title):
    reader.go("/")
    reader.page.get_by_role("link", name=title).click()
    reader.page.get_by_role("heading", name="Summary").wait_for()


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
