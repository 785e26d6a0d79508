"""The rollout's page in Admin, over HTTP: deciding after a look, two people at once, and taking back."""

import json
import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages

from platforms.handler import get_available_platforms
from rooms.models import Change, Rollout, Room
from rooms.rollout.decide import decide
from rooms.rollout.moves import move
from rooms.rollout.values import present
from tests.conftest import make_user
from tests.rooms.rollout.test_decide import FIRST, stages
from tests.rooms.test_admin import confirm, signed_in, text_of
from tests.support.admin_forms import fields_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/rooms/rollout/1/change/"
PREVIEW = "/admin/rooms/rollout/preview/"
ROOMS = 30


@pytest.fixture(autouse=True)
def _platforms(settings):
    whereby = {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": {"api_key": "key"}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "whereby": whereby}


@pytest.fixture
def decider(db):
    user = make_user("decider", is_staff=True)
    names = ["change_rollout", "view_room", "view_group"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def admin(decider):
    return signed_in(decider)


@pytest.fixture
def rooms(owner):
    return Room.objects.bulk_create(Room(name=f"room-{number:02}", owner=owner) for number in range(ROOMS))


def typed(admin, **values):
    """What is sent by somebody who opens the page and changes some fields."""
    return form_of(admin) | {"target_platform": "mock", **values}


def form_of(admin):
    sent = fields_of(admin, PAGE)
    for name in ("stages", "guards"):
        del sent[name]
    markup = admin.get(PAGE).content.decode()
    for name, value in re.findall(r'<input type="text"[^>]* name="((?:stages|guards)-[^"]+)" value="([^"]*)"', markup):
        sent[name] = value
    boxes = re.findall(r'<input type="checkbox" name="(guards-[^"]+)" value="on"[^>]* checked', markup)
    return sent | dict.fromkeys(boxes, "on")


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def shown(answer):
    assert answer.status_code == 200
    return text_of(answer.content.decode())


def test_before_anybody_decided_the_page_shows_what_the_variables_say(admin, settings, room):
    settings.DAILY_MIGRATION_PERCENTAGE, settings.DAILY_MIGRATION_ROOM_IDS = 5, [str(room.pk)]
    text = shown(admin.get(PAGE))
    assert "Nobody has decided yet: the environment's variables hold." in text
    sent = fields_of(admin, PAGE)
    assert (sent["percentage"], sent["listed_rooms"], sent["failover_order"]) == (
        *(5, [room.pk]),
        ", ".join(get_available_platforms()),
    )
    assert admin.get("/admin/rooms/rollout/")["Location"] == PAGE
    assert Rollout.objects.count() == 0


def test_nothing_is_decided_before_it_is_confirmed(admin, decider, rooms):
    preview = admin.post(PAGE, typed(admin, switched_on="on", percentage="50", note="a half"))
    text = shown(preview)
    assert "Master switch from off to on Target platform from Daily to Mock Percentage from 0 to 50" in text
    assert re.search(r"(\d+) rooms open on another platform from the next meeting on: \1 from Whereby to Mock", text)
    assert Change.objects.count() == 0
    done = confirm(admin, preview, PREVIEW, note="a half")
    change = Change.objects.get()
    assert done["Location"] == f"/admin/rooms/change/{change.pk}/change/"
    assert (change.by, change.note, present().percentage) == (decider, "a half", 50)
    assert "rooms open on another platform" in told(done)[0]
    assert "decider : Master switch" in shown(admin.get(PAGE))


def test_every_field_can_be_decided(admin, room, owner):
    other, group = Room.objects.create(name="other", owner=owner), Group.objects.create(name="pilots")
    lists = {"listed_rooms": [room.pk], "held_back_rooms": [other.pk], "groups": [group.pk]}
    plan = {"stages-0-percentage": "5", "stages-0-minimum_hours": "1.5", "stages-1-percentage": "100"}
    guards = {"guards-0-limit": "7", "guards-1-on": ""}
    order = {"failover_order": "mock, whereby", "on_breach": "step-back"}
    sent = typed(admin, switched_on="on", **lists, **plan, **guards, **order)
    del sent["failover_allowed"]
    confirm(admin, admin.post(PAGE, sent), PREVIEW)
    values = present()
    assert (values.listed_rooms, values.held_back_rooms, values.groups) == ({room.pk}, {other.pk}, {group.pk})
    assert values.stages == [{"percentage": 5, "minimum_hours": 1.5}, {"percentage": 100}]
    assert values.guards == {"failed-openings": {"limit": 7.0}, "slow-openings": {"on": False}}
    assert (values.failover_allowed, values.failover_order, values.on_breach) == (
        False,
        ["mock", "whereby"],
        "step-back",
    )
    assert told(admin.post(PAGE, form_of(admin))) == ["Nothing was changed: it is so already."]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"target_platform": "daily", "percentage": "5"}, "Daily is not configured: set DAILY_API_KEY."),
        ({"stages-0-percentage": "50", "stages-1-percentage": "25"}, "Stage 2 has 25 % after 50 %."),
        ({"stages-0-percentage": "much"}, "Stage 1: percentage is a whole number"),
        ({"guards-0-limit": "-1"}, "failed-openings"),
        ({"failover_order": "mock, skype"}, "There is no platform 'skype'."),
        ({"percentage": "101"}, "A whole number from 0 to 100."),
        ({"listed_rooms": ["nonsense"]}, "is not a valid"),
        ({"seen_version": "x"}, "Enter a whole number."),
    ],
)
def test_what_cannot_be_is_refused_on_the_page(admin, values, said):
    answer = admin.post(PAGE, typed(admin, **values))
    assert said in shown(answer)
    assert "Nothing has been changed yet" not in shown(answer)


def test_a_room_on_both_lists_is_refused(admin, room):
    assert "On the list and held back at once: standup." in shown(
        admin.post(PAGE, typed(admin, listed_rooms=[room.pk], held_back_rooms=[room.pk]))
    )


def test_who_opened_the_page_before_another_decided_keeps_what_that_was(admin, staff, rooms):
    decide({**FIRST, "percentage": 10}, staff)
    sent = typed(admin, failover_order="mock")
    decide({"percentage": 20}, staff, "meanwhile")
    preview = admin.post(PAGE, sent)
    text = shown(preview)
    assert "The rollout was changed meanwhile." in text
    assert "staff: Percentage from 10 to 20. (meanwhile)" in text
    confirm(admin, preview, PREVIEW)
    assert (present().percentage, present().failover_order) == (20, ["mock"])


def test_who_saw_the_preview_before_another_decided_is_shown_it_once_more(admin, staff, rooms):
    decide(FIRST, staff)
    preview = admin.post(PAGE, typed(admin, percentage="50"))
    decide({"percentage": 20}, staff, "meanwhile")
    again = confirm(admin, preview, PREVIEW)
    assert "staff: Percentage from 0 to 20. (meanwhile)" in shown(again)
    assert present().percentage == 20
    confirm(admin, again, PREVIEW)
    assert present().percentage == 50


def test_one_confirmation_rolls_back(admin, staff):
    """As the switch on the first page asks for it."""
    decide(FIRST, staff)
    preview = admin.post(PREVIEW, {"edits": json.dumps({"switched_on": False})})
    assert "Master switch from on to off" in shown(preview)
    confirm(admin, preview, PREVIEW)
    assert not present().switched_on


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"edits": "{"},
        {"edits": "[]"},
        {"edits": "[" * 100_000},
        {"edits": '{"percentage": "many"}'},
        {"edits": '{"listed_rooms": ["x"]}'},
        {"edits": '{"switched_on": true}', "version": "-1"},
        {"edits": '{"switched_on": true}', "version": "\u0664"},
        {"edits": '{"target_platform": "daily"}', "_confirm": "yes"},
    ],
)
def test_what_was_sent_in_another_form_is_refused_and_no_error(admin, sent):
    answer = admin.post(PREVIEW, sent)
    assert answer.status_code in (200, 302)
    assert present().switched_on is False
    assert admin.get(PREVIEW).status_code == 405


def test_who_may_only_look_sees_what_holds(staff, room):
    decide({**FIRST, "listed_rooms": frozenset([room.pk]), "stages": stages(5, 25)}, staff)
    user = make_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_rollout"))
    client = signed_in(user)
    text = shown(client.get(PAGE))
    assert "Rooms on the list standup" in text
    assert "Plan 5 %, 25 %" in text
    assert "Preview…" not in text
    assert client.post(PAGE, {"percentage": "5"}).status_code == 403
    assert client.post(PREVIEW, {"edits": "{}"}).status_code == 403
    change = Change.objects.get()
    assert "Undo…" not in shown(client.get(f"/admin/rooms/change/{change.pk}/change/"))
    assert client.post(f"/admin/rooms/change/{change.pk}/undo/", {"_confirm": "yes"}).status_code == 403


def test_a_variable_that_was_changed_since_says_so(admin, staff, settings):
    decide({**FIRST, "percentage": 10}, staff)
    settings.DAILY_MIGRATION_PERCENTAGE = 50
    assert "the environment says 50, Admin decided 10 on" in shown(admin.get(PAGE))


class TestUndo:
    def test_of_the_rollout(self, admin, staff, decider):
        decide(FIRST, staff)
        change = decide({"percentage": 10}, staff)
        address = f"/admin/rooms/change/{change.pk}/undo/"
        assert address in admin.get(f"/admin/rooms/change/{change.pk}/change/").content.decode()
        preview = admin.get(address)
        assert "Percentage from 10 to 0" in shown(preview)
        assert present().percentage == 10
        done = confirm(admin, preview, address, note="too early")
        assert (present().percentage, Change.objects.first().note) == (0, "too early")
        assert "Percentage from 10 to 0." in shown(admin.get(done["Location"]))
        assert "Taken back." in shown(admin.get(f"/admin/rooms/change/{change.pk}/change/"))
        assert told(admin.post(address, {"_confirm": "yes"}))[0].startswith("It was taken back already, on ")

    def test_of_moved_rooms_with_what_was_changed_since(self, staff, owner, rooms):
        client = signed_in(staff)
        change = move(Room.objects.all(), "mock", staff)
        move(Room.objects.filter(name="room-00"), "whereby", owner)
        page = f"/admin/rooms/change/{change.pk}/change/"
        assert f"Rooms: {ROOMS}" in shown(client.get(page))
        address = f"/admin/rooms/change/{change.pk}/undo/"
        text = shown(client.get(address))
        assert "Changed since, and left as it is: room-00 has Whereby since" in text
        assert f"{ROOMS - 1} rooms get another platform of their own." in text
        confirm(client, client.get(address), address)
        assert Room.objects.filter(platform="").count() == ROOMS - 1
        confirm(client, client.get(address), address, everything="on")
        assert Room.objects.filter(platform="").count() == ROOMS

    def test_it_needs_the_permission_for_what_was_decided(self, admin, staff, rooms):
        change = move(Room.objects.all(), "mock", staff)
        assert admin.post(f"/admin/rooms/change/{change.pk}/undo/", {"_confirm": "yes"}).status_code == 403

    @pytest.mark.parametrize("key", ["nonsense", "00000000-0000-4000-8000-000000000000"])
    def test_there_is_no_such_decision(self, admin, key):
        assert admin.get(f"/admin/rooms/change/{key}/undo/").status_code == 404

    def test_decisions_are_listed_for_those_who_may_see_the_rollout(self, admin, staff):
        decide(FIRST, staff, "it is time")
        text = shown(admin.get("/admin/rooms/change/?kind__exact=rollout"))
        assert "Master switch from off to on" in text
        assert "it is time" in text
        nobody = signed_in(make_user("nobody", is_staff=True))
        assert nobody.get("/admin/rooms/change/").status_code == 403


def test_the_page_and_its_preview_ask_as_often_for_many_rooms_as_for_few(
    admin, owner, rooms, django_assert_max_num_queries
):
    sent = typed(admin, switched_on="on", percentage="100")
    admin.post(PAGE, sent)
    with django_assert_max_num_queries(40) as few:
        admin.post(PAGE, sent)
    Room.objects.bulk_create(Room(name=f"more-{number}", owner=owner) for number in range(300))
    with django_assert_max_num_queries(len(few)):
        admin.post(PAGE, sent)
    with django_assert_max_num_queries(25):
        admin.get(PAGE)
