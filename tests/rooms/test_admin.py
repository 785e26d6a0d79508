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
from django.forms import FileField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from meetings.models import Meeting
from platforms.backends.mock import MockClient
from platforms.base import VideoPlatformClient
from rooms.models import ApiKey, Room
from tests.conftest import make_user

LIST = "/admin/rooms/room/"
ADD = "/admin/rooms/room/add/"
NO_COSTLY = "Costly is not configured: set COSTLY_API_KEY."


class First(MockClient):
    label = "First"


class Second(MockClient):
    """Shows no logo, and starts recording with the first person."""

    label = "Second"
    supports_logo = False
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


def fields_of(client, address):
    """What a browser would send back when nothing was changed on the page."""
    sent: dict[str, object] = {}
    for field in client.get(address).context["adminform"].form:
        value = field.value()
        if field.widget_type == "checkbox":
            sent |= {field.html_name: "on"} if value else {}
        elif field.widget_type == "password" or isinstance(field.field, FileField) or value is None:
            sent[field.html_name] = ""
        else:
            sent[field.html_name] = value
    return sent


def edit_in_list(client, edits, shown=None, **query):
    """Send the list with other platforms for some rooms; `shown` is what the page showed them to have."""
    data = {"form-TOTAL_FORMS": len(edits), "form-INITIAL_FORMS": len(edits), "_save": "Save"}
    for number, (room, platform) in enumerate(edits.items()):
        data[f"form-{number}-id"] = str(room.pk)
        data[f"form-{number}-platform"] = platform
        if shown:
            data[f"initial-form-{number}-platform"] = shown[room]
    return client.post(LIST, data, **query)


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


# Editing in place


def options_of(markup, name):
    (inside,) = re.findall(rf'<select name="{name}".*?</select>', markup, re.DOTALL)
    return {value: (rest, text) for value, rest, text in re.findall(r'value="(\w*)"([^>]*)>([^<]*)', inside)}


def test_the_platform_is_edited_in_place(admin, make_room):
    room, other = make_room("board"), make_room("other")
    response = edit_in_list(admin, {room: "second", other: "first"})
    assert response.status_code == 302
    assert Room.objects.get(pk=room.pk).platform == "second"
    assert history_of(room) == [("staff", "Changed Platform from First to Second.")]
    assert history_of(other) == []


def test_a_room_is_made_automatic_in_place(admin, make_room):
    room = make_room("board", "second")
    edit_in_list(admin, {room: ""}, shown={room: "second"})
    assert Room.objects.get(pk=room.pk).platform == ""
    assert history_of(room) == [("staff", "Changed Platform from Second to Automatic.")]


def test_an_edit_in_place_says_what_it_means_for_the_room(admin, make_room):
    room = make_room("board", recording_trigger="prompt", logo="logos/a.png")
    meet(room)
    messages = messages_of(edit_in_list(admin, {room: "second"}))
    assert "board: 1 live meeting stays where it is until it ends." in messages
    assert "board: Lost by the move: logo: 1 room." in messages


def test_a_platform_that_is_not_configured_is_listed_with_the_reason_but_cannot_be_picked(admin, make_room):
    make_room("board")
    options = options_of(page(admin, LIST), "form-0-platform")
    assert options[""] == ("", "Automatic")
    assert options["second"] == ("", "Second")
    assert options["costly"] == (" disabled", NO_COSTLY)


def test_a_platform_that_is_not_configured_is_refused(admin, make_room):
    room = make_room("board")
    response = edit_in_list(admin, {room: "costly"})
    assert response.status_code == 200
    assert NO_COSTLY in text_of(response.content.decode())
    assert Room.objects.get(pk=room.pk).platform == "first"
    assert history_of(room) == []


@pytest.mark.parametrize("platform", ["costly", "gone"])
def test_a_room_keeps_a_platform_that_cannot_be_used_any_more(admin, make_room, platform):
    lost, room = make_room("lost", platform), make_room("board")
    options = options_of(page(admin, LIST + "?q=lost"), "form-0-platform")
    assert options[platform][0] == " selected"  # a browser would leave out a disabled one
    assert edit_in_list(admin, {lost: platform, room: "second"}).status_code == 302
    assert Room.objects.get(pk=lost.pk).platform == platform
    assert Room.objects.get(pk=room.pk).platform == "second"
    assert edit_in_list(admin, {lost: ""}, shown={lost: platform}).status_code == 302
    assert Room.objects.get(pk=lost.pk).platform == ""


def test_an_unknown_platform_is_refused(admin, make_room):
    room = make_room("board")
    assert edit_in_list(admin, {room: "no-such"}).status_code == 200
    assert Room.objects.get(pk=room.pk).platform == "first"


def test_a_page_that_is_out_of_date_does_not_move_rooms_back(admin, make_room):
    room, other = make_room("board"), make_room("other")
    assert 'name="initial-form-0-platform"' in page(admin, LIST)
    Room.objects.filter(pk=room.pk).update(platform="second")  # by a colleague, meanwhile
    edit_in_list(admin, {room: "first", other: "second"}, shown={room: "first", other: "first"})
    assert Room.objects.get(pk=room.pk).platform == "second"
    assert Room.objects.get(pk=other.pk).platform == "second"
    assert history_of(room) == []


# Actions


def test_there_is_an_action_for_each_configured_platform(admin, make_room):
    make_room("board")
    actions = options_of(page(admin, LIST), "action")
    assert actions["move_to_first"][1] == "Move to First"
    assert actions["move_to_second"][1] == "Move to Second"
    assert actions["follow_the_rollout"][1] == "Follow the rollout"
    assert "move_to_costly" not in actions


def test_rooms_are_moved_together(admin, make_room):
    one, automatic, there, unselected = (
        make_room("one"),
        make_room("automatic", ""),
        make_room("there", "second"),
        make_room("unselected"),
    )
    response = admin.post(LIST, select(one, automatic, there, action="move_to_second"))
    assert response.status_code == 302
    assert {room.name: room.platform for room in Room.objects.all()} == {
        "one": "second",
        "automatic": "second",
        "there": "second",
        "unselected": "first",
    }
    assert history_of(one) == [("staff", "Changed Platform from First to Second.")]
    assert history_of(automatic) == [("staff", "Changed Platform from Automatic to Second.")]
    assert history_of(there) == history_of(unselected) == []
    assert "2 rooms moved to Second." in messages_of(response)


def test_a_move_says_what_stays_and_what_is_lost(admin, make_room):
    one, two = make_room("one", logo="logos/a.png"), make_room("two")
    live = meet(one)
    response = admin.post(LIST, select(one, two, action="move_to_second"))
    assert messages_of(response) == [
        "2 rooms moved to Second.",
        "1 live meeting stays where it is until it ends.",
        "Lost by the move: recording starts with the first person instead of the second: 2 rooms; logo: 1 room.",
    ]
    live.refresh_from_db()
    assert (live.platform, live.state) == ("first", "live")


def test_rooms_follow_the_rollout(admin, make_room):
    one, automatic = make_room("one", "second"), make_room("automatic", "")
    response = admin.post(LIST, select(one, automatic, action="follow_the_rollout"))
    assert set(Room.objects.values_list("platform", flat=True)) == {""}
    assert history_of(one) == [("staff", "Changed Platform from Second to Automatic.")]
    assert messages_of(response) == ["1 room now following the rollout."]


def test_a_move_to_a_platform_that_is_switched_off_says_so(admin, make_room, settings):
    settings.SECOND_ENABLED = False
    response = admin.post(LIST, select(make_room("one"), action="move_to_second"))
    assert "Second is switched off (SECOND_ENABLED is false)." in " ".join(messages_of(response))


def test_moving_rooms_that_are_there_changes_nothing(admin, make_room):
    room = make_room("one", "second")
    response = admin.post(LIST, select(room, action="move_to_second"))
    assert messages_of(response) == ["Nothing to move: the rooms have that choice already."]
    assert history_of(room) == []


def test_all_rooms_that_a_filter_finds_are_moved_at_once(admin, make_room):
    for number in range(3):
        make_room(f"room-{number}", "")
    kept = make_room("kept")
    data = {**select(Room.objects.get(name="room-0"), action="move_to_second"), "select_across": "1"}
    admin.post(f"{LIST}?platform=automatic", data)
    assert Room.objects.filter(platform="second").count() == 3
    assert history_of(kept) == []
    assert LogEntry.objects.count() == 3


def test_rooms_with_a_live_meeting_are_moved_by_that_filter(admin, make_room):
    busy, quiet = make_room("busy"), make_room("quiet")
    meet(busy)
    admin.post(f"{LIST}?live=yes", {**select(busy, action="move_to_second"), "select_across": "1"})
    assert Room.objects.get(pk=busy.pk).platform == "second"
    assert Room.objects.get(pk=quiet.pk).platform == "first"


def test_a_platform_that_is_not_configured_is_no_action(admin, make_room):
    room = make_room("one")
    admin.post(LIST, select(room, action="move_to_costly"))
    assert Room.objects.get(pk=room.pk).platform == "first"


def test_moving_many_rooms_takes_as_many_queries_as_moving_two(admin, make_room):
    counts = []
    admin.post(LIST, select(make_room("first"), action="move_to_second"))  # whatever is looked up once and kept
    for start in (0, 2):
        rooms = [make_room(f"room-{number}") for number in range(start, 2 + 20 * start)]
        with CaptureQueriesContext(connection) as queries:
            admin.post(LIST, select(*rooms, action="move_to_second"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert LogEntry.objects.count() == 43


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
    assert response.status_code == 302
    room.refresh_from_db()
    assert (room.platform, room.is_locked) == ("second", True)
    assert history_of(room) == [("staff", "Changed Platform from Automatic to Second and Is locked.")]


def test_saving_a_page_unchanged_changes_nothing(admin, make_room):
    room = make_room("board", "second", webhook_url="https://example.com/hook")
    before = Room.objects.filter(pk=room.pk).values().get()
    address = f"{LIST}{room.pk}/change/"
    assert admin.post(address, fields_of(admin, address)).status_code == 302
    after = Room.objects.filter(pk=room.pk).values().get()
    assert before | {"updated_at": None} == after | {"updated_at": None}
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
    assert f"Lost by this room there nothing {lost} logo; cloud recording" in text
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


# The webhook secret


def test_a_stored_secret_is_kept_when_the_field_is_left_empty(admin, make_room):
    room = make_room("board", webhook_url="https://example.com/hook", webhook_secret="stored")
    address = f"{LIST}{room.pk}/change/"
    assert "A secret is stored and not shown." in page(admin, address)
    admin.post(address, fields_of(admin, address) | {"webhook_url": "https://example.com/other"})
    room.refresh_from_db()
    assert (room.webhook_url, room.webhook_secret) == ("https://example.com/other", "stored")
    assert history_of(room) == [("staff", "Changed Webhook address.")]


def test_a_secret_can_be_replaced(admin, make_room):
    room = make_room("board", webhook_url="https://example.com/hook", webhook_secret="stored")
    address = f"{LIST}{room.pk}/change/"
    admin.post(address, fields_of(admin, address) | {"webhook_secret": "another"})
    room.refresh_from_db()
    assert room.webhook_secret == "another"
    assert history_of(room) == [("staff", "Changed Webhook secret.")]


def test_a_secret_is_made_for_a_new_address(admin, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    admin.post(address, fields_of(admin, address) | {"webhook_url": "https://example.com/hook"})
    room.refresh_from_db()
    assert len(room.webhook_secret) >= 32


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
    assert "Webhook secret: stored, not shown" in text


def test_onlookers_cannot_move_rooms(onlooker, make_room):
    room = make_room("board")
    address = f"{LIST}{room.pk}/change/"
    assert edit_in_list(onlooker, {room: "second"}).status_code == 403
    for action in ("move_to_second", "follow_the_rollout"):
        onlooker.post(LIST, select(room, action=action))
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
    client.post(LIST, select(room, action="move_to_second"))
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
    assert "SECOND_ENABLED is on: 0 listed rooms and 0 % of the other automatic rooms go to Second." in text
    assert f"{NO_COSTLY} " in text
    settings.SECOND_ENABLED = False
    text = text_of(page(admin, "/admin/"))
    assert "SECOND_ENABLED is off: no meeting opens on Second, not even in rooms that chose it." in text


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
    assert '<a href="/">View site</a>' in markup


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
