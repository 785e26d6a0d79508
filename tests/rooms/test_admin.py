"""Rooms in Admin, over HTTP: what staff see, what they can change, and what the history says of it."""

import html
import io
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from meetings.models import Meeting
from platforms.backends.mock import MockClient
from platforms.base import VideoPlatformClient
from rooms.models import ApiKey, Change, Room
from rooms.rollout import moves as rollout_moves
from tests.conftest import make_user
from tests.support.admin_forms import fields_of
from tests.support.plain import PlainClient

LIST = "/admin/rooms/room/"
ADD = "/admin/rooms/room/add/"
NO_COSTLY = "Costly is not configured: set COSTLY_API_KEY."


class First(MockClient):
    label = "First"


class Second(PlainClient):
    """Shows no logo, and starts recording with the first person."""

    label = "Second"
    is_simulated = True
    supports_locking = True
    room_modes = MockClient.room_modes
    recording_types = MockClient.recording_types
    recording_triggers = frozenset({"none", "prompt", "automatic"})


class Costly(VideoPlatformClient):
    label = "Costly"
    required_options = {"api_key": "COSTLY_API_KEY"}


@pytest.fixture(autouse=True)
def _platforms(settings):
    settings.VIDEO_PLATFORMS = {
        name.lower(): {"BACKEND": f"{__name__}.{name}", "OPTIONS": {}} for name in ("First", "Second", "Costly")
    }
    settings.DEFAULT_VIDEO_PLATFORM = "first"
    settings.VIDEO_PLATFORM_FAILOVER = ["first", "second"]
    settings.VIDEO_PLATFORM_MIGRATION = {
        "TARGET": "second",
        "SWITCH": "SECOND_ENABLED",
        "ROOM_IDS": "SECOND_ROOM_IDS",
        "PERCENTAGE": "SECOND_PERCENTAGE",
    }
    settings.SECOND_ENABLED, settings.SECOND_ROOM_IDS, settings.SECOND_PERCENTAGE = True, [], 0


@pytest.fixture
def admin(staff):
    return signed_in(staff)


@pytest.fixture
def onlooker(db):
    """Staff who may look at everything and change nothing."""
    user = make_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return signed_in(user)


@pytest.fixture
def make_room(owner):
    def make(name, platform="first", **fields):
        return Room.objects.create(**{"name": name, "owner": owner, "platform": platform, **fields})

    return make


def signed_in(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


def meet(room, **fields):
    return Meeting.objects.create(
        **{
            "room": room,
            "room_label": room.name,
            "slot": timezone.now().isoformat(),
            "platform": "first",
            "state": "live",
            "room_url": "https://rooms.example/a",
            "end_date": timezone.now() + timedelta(hours=1),
            **fields,
        }
    )


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status
    return html.unescape(response.content.decode())


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def row_of(markup, room):
    """The cells of a room's line in the list, by column."""
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", markup, re.DOTALL) if f"/{room.pk}/change/" in row]
    cells = re.findall(r'class="field-(\w+)[^"]*">(.*?)</t[dh]>', row, re.DOTALL)
    return {name: text_of(cell) for name, cell in cells}


def names_in(markup):
    return set(re.findall(r'/change/[^"]*">([^<]+)</a></th>', markup))


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def history_of(room):
    entries = LogEntry.objects.filter(object_id=str(room.pk)).order_by("pk")
    return [(entry.user.username, entry.get_change_message()) for entry in entries]


def select(*rooms, action):
    return {"action": action, "_selected_action": [str(room.pk) for room in rooms]}


def hidden_in(markup):
    """What the form of a preview would send along."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', markup)
    sent: dict[str, list[str]] = {}
    for name, value in found:
        sent.setdefault(name, []).append(html.unescape(value))
    return sent


def confirm(client, preview, address, **typed):
    """Press the button of a preview."""
    assert preview.status_code == 200
    sent = hidden_in(preview.content.decode())
    return client.post(address, {**sent, "_confirm": "yes", **typed})


def move(client, *rooms, action, address=LIST, **more):
    """Move rooms by an action of the list, with the preview in between."""
    sent = {**select(*rooms, action=action), **more}
    return confirm(client, client.post(address, sent), address)


def decisions():
    return [(change.by.username, change.summary) for change in Change.objects.order_by("at")]


# The list


def test_the_list_says_where_each_room_opens_and_why(admin, make_room, settings):
    chosen, automatic, listed, refused = (
        make_room("chosen", "second"),
        make_room("automatic", ""),
        make_room("listed", ""),
        make_room("refused", "costly"),
    )
    settings.SECOND_ROOM_IDS = [str(listed.pk)]
    markup = page(admin, LIST)
    assert row_of(markup, chosen)["opens_on"] == "Second Chosen for this room."
    assert row_of(markup, automatic)["opens_on"] == "First The default platform."
    assert row_of(markup, listed)["opens_on"] == "Second The room is on the migration list."
    reason = f"First Chosen for this room. {NO_COSTLY} So it opens on First instead."
    assert row_of(markup, refused)["opens_on"] == reason


def test_the_list_says_why_a_room_can_open_nowhere(admin, make_room, settings):
    settings.VIDEO_PLATFORMS = {"costly": settings.VIDEO_PLATFORMS["costly"]}
    settings.DEFAULT_VIDEO_PLATFORM, settings.VIDEO_PLATFORM_FAILOVER = "costly", []
    room = make_room("board", "")
    assert row_of(page(admin, LIST), room)["opens_on"] == f"Nowhere No video platform can open this room. {NO_COSTLY}"


def test_the_list_has_the_columns_of_a_room(admin, make_room):
    room = make_room("board", recording_type="local")
    cells = row_of(page(admin, LIST), room)
    assert {"name", "owner", "opens_on", "live_meetings", "recording_type", "created_at"} <= set(cells)
    assert (cells["name"], cells["owner"], cells["recording_type"]) == ("board", "owner", "Local")


def test_live_meetings_are_counted_and_lead_to_their_list(admin, make_room):
    room, quiet = make_room("board"), make_room("quiet")
    meet(room)
    meet(room)
    meet(room, state="ended")
    markup = page(admin, LIST)
    assert row_of(markup, room)["live_meetings"] == "2"
    assert row_of(markup, quiet)["live_meetings"] == "0"
    (address,) = re.findall(r'href="(/admin/meetings/meeting/\?[^"]+)"', markup)
    assert page(admin, address).count(f"{room.name}</a></th>") == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?platform=automatic", {"automatic"}),
        ("?platform=first", {"busy", "quiet"}),
        ("?platform=second", {"moved"}),
        ("?recording_type__exact=none", {"moved"}),
        ("?live=yes", {"busy"}),
        ("?live=no", {"automatic", "moved", "quiet"}),
        ("?q=MOVE", {"moved"}),
        ("?q=colleague", {"quiet"}),
        ("?q=colleague@example.com", {"quiet"}),
        ("?q=nobody", set()),
    ],
)
def test_the_list_can_be_searched_and_filtered(admin, make_room, colleague, query, found):
    make_room("automatic", "")
    make_room("moved", "second", recording_type="none")
    make_room("quiet", owner=colleague)
    meet(make_room("busy"))
    assert names_in(page(admin, LIST + query)) == found


def test_the_list_can_be_filtered_by_owner_and_searched_by_id(admin, make_room, colleague):
    make_room("one")
    other = make_room("other", owner=colleague)
    markup = page(admin, LIST)
    assert f"?owner__id__exact={colleague.pk}" in markup
    assert names_in(page(admin, f"{LIST}?owner__id__exact={colleague.pk}")) == {"other"}
    assert names_in(page(admin, f"{LIST}?q={other.pk}")) == {"other"}


def test_owners_too_many_to_read_are_left_to_the_search(admin, make_room, colleague, monkeypatch):
    make_room("one")
    make_room("other", owner=colleague)
    monkeypatch.setattr("rooms.admin_filters.MOST_OWNERS", 1)
    assert "?owner__id__exact=" not in page(admin, LIST)


@pytest.mark.parametrize("query", ["", "?q=room", "?live=yes", "?o=5"])
def test_the_list_asks_the_database_as_often_for_many_rooms_as_for_few(admin, make_room, query):
    counts = []
    for start in (0, 2):
        for number in range(start, start + 2 + 20 * start):
            meet(make_room(f"room-{number}"))
        page(admin, LIST + query)  # whatever is looked up once and kept
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(admin, LIST + query)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


class Asked(First):
    label = "Asked"
    times = 0

    @classmethod
    def missing_variables(cls, config):
        cls.times += 1
        return []


def test_platforms_are_looked_up_as_often_for_many_rooms_as_for_few(admin, make_room, settings):
    settings.VIDEO_PLATFORMS = {"asked": {"BACKEND": f"{__name__}.Asked", "OPTIONS": {}}}
    counts = []
    for start in (0, 2):
        for number in range(start, start + 2 + 20 * start):
            make_room(f"room-{number}", "")
        Asked.times = 0
        page(admin, LIST)
        counts.append(Asked.times)
    assert 0 < counts[0] == counts[1]


def test_the_counts_beside_the_filters_add_up(admin, make_room):
    make_room("automatic", "")
    meet(make_room("busy"))
    text = text_of(page(admin, f"{LIST}?_facets=True"))
    assert "Automatic (1) First (1) Second (0) Costly (0)" in text
    assert "With a live meeting (1) Without (1)" in text


def test_secrets_are_in_no_list_and_on_no_page(admin, onlooker, make_room):
    room = make_room("board", webhook_url="https://example.com/hook", webhook_secret="a-secret-word")
    for client in (admin, onlooker):
        for address in (LIST, f"{LIST}{room.pk}/change/", f"{LIST}{room.pk}/history/"):
            assert "a-secret-word" not in page(client, address)


@pytest.mark.parametrize("query", ["webhook_secret=a-secret-word", "webhook_secret__startswith=a"])
def test_the_secret_cannot_be_guessed_by_filtering(admin, onlooker, make_room, query):
    make_room("board", webhook_url="https://example.com/hook", webhook_secret="a-secret-word")
    for client in (admin, onlooker):
        assert client.get(f"{LIST}?{query}").status_code == 400


def options_of(markup, name):
    (inside,) = re.findall(rf'<select name="{name}".*?</select>', markup, re.DOTALL)
    return {value: (rest, text) for value, rest, text in re.findall(r'value="(\w*)"([^>]*)>([^<]*)', inside)}


# Actions


def test_there_is_an_action_for_each_configured_platform(admin, make_room):
    make_room("board")
    actions = options_of(page(admin, LIST), "action")
    assert actions["move_to_first"][1] == "Move to First…"
    assert actions["move_to_second"][1] == "Move to Second…"
    assert actions["follow_the_rollout"][1] == "Follow the rollout…"
    assert "move_to_costly" not in actions


def test_nothing_moves_before_it_is_confirmed(admin, make_room):
    one, two = make_room("one", logo="logos/a.png"), make_room("two")
    meet(one)
    text = text_of(admin.post(LIST, select(one, two, action="move_to_second")).content.decode())
    assert "Move to Second: what it would mean" in text
    assert "2 rooms open on another platform from the next meeting on: 2 from First to Second." in text
    assert "1 live meeting stays where it is until it ends." in text
    assert "Lost: recording starts with the first person instead of the second (2 rooms); logo (1 room)." in text
    assert set(Room.objects.values_list("platform", flat=True)) == {"first"}
    assert decisions() == []


def test_rooms_are_moved_together(admin, make_room):
    one, automatic, there = make_room("one"), make_room("automatic", ""), make_room("there", "second")
    make_room("unselected")
    response = move(admin, one, automatic, there, action="move_to_second", note="all at once")
    assert {room.name: room.platform for room in Room.objects.all()} == {
        "one": "second",
        "automatic": "second",
        "there": "second",
        "unselected": "first",
    }
    assert decisions() == [("staff", "2 rooms moved to Second.")]
    assert messages_of(response) == ["2 rooms moved to Second."]
    change = Change.objects.get()
    assert response["Location"] == f"/admin/rooms/change/{change.pk}/change/"
    assert sorted(change.historicalroom_set.values_list("name", "left")) == [("automatic", ""), ("one", "first")]


def test_live_meetings_stay_where_they_are(admin, make_room):
    room = make_room("one")
    live = meet(room)
    move(admin, room, action="move_to_second")
    live.refresh_from_db()
    assert (live.platform, live.state) == ("first", "live")


def test_rooms_follow_the_rollout(admin, make_room):
    one, automatic = make_room("one", "second"), make_room("automatic", "")
    response = move(admin, one, automatic, action="follow_the_rollout")
    assert set(Room.objects.values_list("platform", flat=True)) == {""}
    assert messages_of(response) == ["one now following the rollout."]


def test_a_move_to_a_platform_that_is_switched_off_says_so(admin, make_room, settings):
    settings.SECOND_ENABLED = False
    preview = admin.post(LIST, select(make_room("one"), action="move_to_second"))
    assert "1 room cannot move: Chosen for this room. Second is switched off (SECOND_ENABLED is false)." in text_of(
        preview.content.decode()
    )


def test_moving_rooms_that_are_there_changes_nothing(admin, make_room):
    room = make_room("one", "second")
    response = admin.post(LIST, select(room, action="move_to_second"))
    assert messages_of(response) == ["Nothing to move: the rooms have that choice already."]
    assert decisions() == []


def test_all_rooms_that_a_filter_finds_are_moved_at_once(admin, make_room):
    for number in range(3):
        make_room(f"room-{number}", "")
    kept = make_room("kept")
    room = Room.objects.get(name="room-0")
    move(admin, room, action="move_to_second", address=f"{LIST}?platform=automatic", select_across="1")
    assert Room.objects.filter(platform="second").count() == 3
    assert not kept.history.filter(moved=True).exists()


def test_rooms_with_a_live_meeting_are_moved_by_that_filter(admin, make_room):
    busy, quiet = make_room("busy"), make_room("quiet")
    meet(busy)
    move(admin, busy, action="move_to_second", address=f"{LIST}?live=yes", select_across="1")
    assert Room.objects.get(pk=busy.pk).platform == "second"
    assert Room.objects.get(pk=quiet.pk).platform == "first"


def test_rooms_that_somebody_else_moved_meanwhile_are_shown_once_more(admin, make_room, owner):
    one, two = make_room("one"), make_room("two")
    preview = admin.post(LIST, select(one, two, action="move_to_second"))
    rollout_moves.move(Room.objects.filter(pk=one.pk), "", owner)
    again = confirm(admin, preview, LIST)
    text = text_of(again.content.decode())
    assert "The rooms were changed meanwhile, so nothing was moved." in text
    assert "UTC, owner: one from First to Automatic." in text
    assert Room.objects.get(pk=two.pk).platform == "first"
    assert messages_of(confirm(admin, again, LIST)) == ["2 rooms moved to Second."]


def test_a_long_preview_is_paged_and_downloaded_whole(admin, make_room):
    rooms = [make_room(f"room-{number:03}") for number in range(101)]
    sent = select(*rooms, action="move_to_second")
    first, second = admin.post(LIST, sent), admin.post(LIST, {**sent, "_page": "2"})
    assert "Page 1 of 2" in text_of(first.content.decode())
    assert "room-100" not in first.content.decode().partition("<table")[2]
    assert "room-100" in second.content.decode().partition("<table")[2]
    download = admin.post(LIST, {**sent, "_csv": "yes"})
    assert download["Content-Type"] == "text/csv; charset=utf-8"
    assert len(download.content.decode().splitlines()) == 102


def test_a_platform_that_is_not_configured_is_no_action(admin, make_room):
    room = make_room("one")
    admin.post(LIST, {**select(room, action="move_to_costly"), "_confirm": "yes"})
    assert Room.objects.get(pk=room.pk).platform == "first"


def test_moving_many_rooms_takes_as_many_queries_as_moving_two(admin, make_room):
    counts = []
    move(admin, make_room("first"), action="move_to_second")  # whatever is looked up once and kept
    for start in (0, 2):
        rooms = [make_room(f"room-{number}") for number in range(start, 2 + 20 * start)]
        with CaptureQueriesContext(connection) as queries:
            move(admin, *rooms, action="move_to_second")
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 1  # SQLite takes so few values at once that the history takes one more


# The page of a room


def test_a_room_is_made_with_the_signed_in_person_as_its_owner(admin, staff):
    data = fields_of(admin, ADD) | {"name": "new-room", "platform": "second"}
    assert data["owner"] == staff.pk
    assert admin.post(ADD, data).status_code == 302
    room = Room.objects.get(name="new-room")
    assert (room.owner, room.platform, room.webhook_secret) == (staff, "second", None)
    assert room.email_transcript_to is None
    assert history_of(room) == [("staff", "Added.")]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("taken", "Room name is not unique"),
        ("admin", "one of the product's own addresses"),
        ("two words", "Use letters, digits, hyphens and underscores only"),
        ("a" * 101, "at most 100 characters"),
        ("", "This field is required."),
    ],
)
def test_a_room_needs_a_name_that_can_be_an_address(admin, make_room, name, problem):
    make_room("taken")
    response = admin.post(ADD, fields_of(admin, ADD) | {"name": name})
    assert response.status_code == 200
    assert problem in text_of(response.content.decode())
    assert Room.objects.count() == 1


def test_the_platform_of_a_room_is_changed_on_its_page(admin, make_room):
    room = make_room("board", "")
    address = f"{LIST}{room.pk}/change/"
    response = admin.post(address, fields_of(admin, address) | {"platform": "second", "is_locked": "on"})
    preview = response["Location"]
    assert preview == f"{LIST}{room.pk}/move/second/"
    room.refresh_from_db()
    assert (room.platform, room.is_locked) == ("", True)
    assert history_of(room) == [("staff", "Changed Is locked.")]
    assert "Automatic → Second" in text_of(page(admin, preview))
    confirm(admin, admin.get(preview), preview, note="it is time")
    room.refresh_from_db()
    assert (room.platform, room.is_locked) == ("second", True)
    assert decisions() == [("staff", "board moved to Second.")]
    assert ">board moved to Second.</li>" in admin.get(LIST).content.decode()


def test_a_room_is_made_automatic_on_its_page(admin, make_room):
    room = make_room("board", "second")
    address = f"{LIST}{room.pk}/change/"
    preview = admin.post(address, fields_of(admin, address) | {"platform": ""})["Location"]
    confirm(admin, admin.get(preview), preview)
    assert Room.objects.get(pk=room.pk).platform == ""


def test_a_page_that_is_out_of_date_does_not_move_the_room_back(admin, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    shown = fields_of(admin, address) | {"initial-platform": "first", "is_locked": "on"}
    Room.objects.filter(pk=room.pk).update(platform="second")  # by a colleague, meanwhile
    assert admin.post(address, shown)["Location"] == LIST
    room.refresh_from_db()
    assert (room.platform, room.is_locked) == ("second", True)


@pytest.mark.parametrize("platform", ["costly", "gone"])
def test_what_cannot_be_chosen_has_no_preview(admin, make_room, platform):
    page(admin, f"{LIST}{make_room('board').pk}/move/{platform}/", 404)
    page(admin, f"{LIST}00000000-0000-4000-8000-000000000000/move/second/", 404)


def test_platforms_that_cannot_be_used_are_listed_with_the_reason(admin, make_room):
    options = options_of(page(admin, f"{LIST}{make_room('board').pk}/change/"), "platform")
    assert options[""] == ("", "Automatic")
    assert options["second"] == ("", "Second")
    assert options["costly"] == (" disabled", NO_COSTLY)


def values_of(room):
    """What is stored, with what is sealed in the clear."""
    stored = Room.objects.get(pk=room.pk)
    return {field.attname: getattr(stored, field.attname) for field in Room._meta.concrete_fields}


def test_saving_a_page_unchanged_changes_nothing(admin, make_room):
    room = make_room("board", "second", webhook_url="https://example.com/hook")
    before = values_of(room)
    address = f"{LIST}{room.pk}/change/"
    assert admin.post(address, fields_of(admin, address)).status_code == 302
    assert values_of(room) | {"updated_at": None} == before | {"updated_at": None}
    assert history_of(room) == [("staff", "No fields changed.")]


def test_a_platform_that_is_not_configured_is_refused_on_the_page(admin, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    response = admin.post(address, fields_of(admin, address) | {"platform": "costly"})
    assert NO_COSTLY in text_of(response.content.decode())
    assert Room.objects.get(pk=room.pk).platform == "first"


@pytest.mark.parametrize("platform", ["costly", "gone"])
def test_a_room_on_a_platform_that_cannot_be_used_can_still_be_edited(admin, make_room, platform):
    room = make_room("board", platform)
    address = f"{LIST}{room.pk}/change/"
    assert admin.post(address, fields_of(admin, address) | {"is_shared": "on"}).status_code == 302
    room.refresh_from_db()
    assert (room.platform, room.is_shared) == (platform, True)


def test_the_page_compares_platforms_and_says_what_the_room_would_lose(admin, make_room):
    room = make_room("board", logo="logos/a.png")
    text = text_of(page(admin, f"{LIST}{room.pk}/change/"))
    assert "Platform First Second Costly" in text
    assert f"Meetings can open there yes yes {NO_COSTLY}" in text
    assert "Shows the room's logo yes no no" in text
    assert "Recording types none, local, cloud none, local, cloud none" in text
    lost = "logo; recording starts with the first person instead of the second"
    assert (
        f"Lost by this room there nothing {lost} logo; room mode “normal” (for up to four people); cloud recording"
        in text
    )
    assert "Opens on: First: Chosen for this room." in text


def test_the_page_lists_live_meetings(admin, make_room):
    room = make_room("board")
    live, ended = meet(room, num_clients=3), meet(room, state="ended")
    markup = page(admin, f"{LIST}{room.pk}/change/")
    assert f"/admin/meetings/meeting/{live.pk}/change/" in markup
    assert str(ended.pk) not in markup
    assert "First, 3 in it" in text_of(markup)


def test_a_new_room_is_shown_the_platforms_too(admin):
    text = text_of(page(admin, ADD))
    assert "Meetings can open there yes yes" in text
    assert "Lost by this room there" not in text
    assert "Opens on: To be seen once the room is saved." in text


def image(kind):
    content = io.BytesIO()
    Image.new("RGB", (400, 100)).save(content, kind)
    return SimpleUploadedFile(f"logo.{kind.lower()}", content.getvalue())


def test_a_logo_is_stored(admin, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    assert admin.post(address, fields_of(admin, address) | {"logo": image("PNG")}).status_code == 302
    room.refresh_from_db()
    with room.logo.open() as stored:
        assert Image.open(stored).size == (400, 100)
    assert history_of(room) == [("staff", "Changed Logo.")]


@pytest.mark.parametrize("logo", [image("GIF"), SimpleUploadedFile("logo.png", b"no image")])
def test_a_logo_has_to_be_a_png(admin, make_room, logo):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    assert admin.post(address, fields_of(admin, address) | {"logo": logo}).status_code == 200
    assert not Room.objects.get(pk=room.pk).logo


def test_owners_are_chosen_by_searching_and_not_edited_in_passing(admin, make_room, colleague):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    markup = page(admin, address)
    assert "colleague" not in markup  # people are not listed on the page
    assert "/admin/auth/user/add/" not in markup.partition('id="room_form"')[2]
    assert "/delete/?_to_field" not in markup
    lookup = "/admin/autocomplete/?app_label=rooms&model_name=room&field_name=owner&term=coll"
    assert [found["text"] for found in admin.get(lookup).json()["results"]] == ["colleague"]
    admin.post(address, fields_of(admin, address) | {"owner": colleague.pk})
    assert Room.objects.get(pk=room.pk).owner == colleague


# Who may do what


def test_onlookers_see_rooms_as_words(onlooker, make_room):
    room = make_room("board", "", webhook_url="https://example.com/hook", webhook_secret="stored")
    markup = page(onlooker, LIST)
    assert row_of(markup, room)["platform_choice"] == "Automatic"
    assert row_of(markup, room)["opens_on"] == "First The default platform."
    assert "<select" not in markup
    text = text_of(page(onlooker, f"{LIST}{room.pk}/change/"))
    assert "Platform: Automatic" in text


def test_onlookers_cannot_move_rooms(onlooker, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    for action in ("move_to_second", "follow_the_rollout"):
        onlooker.post(LIST, {**select(room, action=action), "_confirm": "yes"})
    assert onlooker.get(f"{LIST}{room.pk}/move/second/").status_code == 403
    assert onlooker.post(address, {"name": "board", "platform": "second"}).status_code == 403
    assert onlooker.post(f"{LIST}{room.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Room.objects.get(pk=room.pk).platform == "first"
    assert LogEntry.objects.count() == 0


def test_staff_without_rights_to_meetings_see_how_many_there_are_but_no_link(make_room):
    room = make_room("board")
    meet(room)
    user = make_user("mover", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_room", "change_room"]))
    client = signed_in(user)
    markup = page(client, LIST)
    assert row_of(markup, room)["live_meetings_count"] == "1"
    assert "/admin/meetings/" not in markup
    assert "/admin/meetings/" not in page(client, f"{LIST}{room.pk}/change/")
    move(client, room, action="move_to_second")
    assert Room.objects.get(pk=room.pk).platform == "second"


def test_staff_without_rights_and_people_who_are_not_staff_are_kept_out(make_room, owner):
    room = make_room("board")
    nobody = signed_in(make_user("nobody", is_staff=True))
    for address in (LIST, ADD, f"{LIST}{room.pk}/change/"):
        assert nobody.get(address).status_code == 403
        assert signed_in(owner).get(address).status_code == 302
        assert Client().get(address).status_code == 302


def test_a_move_needs_the_token_of_the_page(staff, make_room):
    room = make_room("board")
    client = signed_in(staff, enforce_csrf_checks=True)
    assert client.post(LIST, select(room, action="move_to_second")).status_code == 403
    assert Room.objects.get(pk=room.pk).platform == "first"


# API keys


def test_api_keys_are_listed_without_their_hash_and_can_only_be_taken_away(admin, owner):
    key, plain = ApiKey.issue(owner, "build server")
    markup = page(admin, "/admin/rooms/apikey/")
    assert "build server" in markup
    shown = page(admin, f"/admin/rooms/apikey/{key.pk}/change/")
    for text in (markup, shown):
        assert key.key_hash not in text
        assert plain not in text
    assert admin.get("/admin/rooms/apikey/add/").status_code == 403
    assert admin.post(f"/admin/rooms/apikey/{key.pk}/change/", {"name": "x"}).status_code == 403
    assert admin.post(f"/admin/rooms/apikey/{key.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiKey.objects.exists()


# The first page


def test_the_first_page_says_where_meetings_open(admin, settings):
    text = text_of(page(admin, "/admin/"))
    assert "Automatic rooms open on First. The default platform." in text
    assert "The switch is on: 0 listed rooms and 0 % of the other automatic rooms go to Second." in text
    assert NO_COSTLY in text
    settings.SECOND_ENABLED = False
    text = text_of(page(admin, "/admin/"))
    assert (
        "Second is switched off (SECOND_ENABLED is false): no meeting opens there, not even in rooms that chose it."
        in text
    )


def test_the_first_page_warns_when_nobody_can_really_meet(admin, settings):
    warning = "Only First, Second can be used, which are played on this machine: people elsewhere cannot meet there."
    assert warning in text_of(page(admin, "/admin/"))
    settings.VIDEO_PLATFORMS = {
        **settings.VIDEO_PLATFORMS,
        "costly": {"BACKEND": f"{__name__}.Costly", "OPTIONS": {"api_key": "k"}},
    }
    assert "played on this machine" not in text_of(page(admin, "/admin/"))


def test_the_first_page_says_when_no_platform_can_be_used(admin, settings):
    settings.VIDEO_PLATFORMS = {"costly": settings.VIDEO_PLATFORMS["costly"]}
    settings.DEFAULT_VIDEO_PLATFORM, settings.VIDEO_PLATFORM_FAILOVER = "costly", []
    assert f"No video platform can open this room. {NO_COSTLY}" in text_of(page(admin, "/admin/"))


def test_the_site_bears_the_products_name_and_leads_to_it(admin):
    markup = page(admin, "/admin/")
    assert "Reflector Rooms" in markup
    assert '<a href="/">To the rooms</a>' in markup


@pytest.mark.parametrize("address", ["/admin/", LIST, ADD])
def test_pages_bring_no_script_or_style_of_their_own_and_nothing_from_elsewhere(admin, make_room, address):
    make_room("board")
    markup = page(admin, address)
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", markup) == []
    assert re.findall(r"\son\w+=|<style|\sstyle=", markup) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', markup) == []


def test_staff_say_how_long_a_rooms_recordings_are_kept(admin, make_room):
    page = admin.get(f"{LIST}{make_room('kept').pk}/change/").content.decode()
    assert 'name="recording_retention_days"' in page
