"""Making a room by a page."""

import pytest

from rooms.models import Room

pytestmark = pytest.mark.django_db


def make(client, user=None, **fields):
    if user:
        client.force_login(user)
    return client.post("/new", {"platform": "", "is_recorded": "on", **fields})


def test_the_form_begins_with_sensible_choices(client, owner):
    client.force_login(owner)
    text = client.get("/new").content.decode()
    assert 'type="checkbox" aria-describedby="recorded-hint" checked' in text
    assert '<option value="">Automatic</option>' in text
    assert '<option value="mock">Mock' in text
    assert "whereby" not in text  # it has no key, so that no meeting can open on it


def test_automatic_says_what_it_is_at_present(client, owner, settings):
    settings.DEFAULT_VIDEO_PLATFORM = "mock"
    client.force_login(owner)
    assert '<option value="">Automatic (now: Mock' in client.get("/new").content.decode()


def test_a_room_is_made_and_shown(client, owner):
    response = make(client, owner, name="retro")
    assert (response.status_code, response["Location"]) == (302, "/rooms/retro")
    room = Room.objects.get()
    assert (room.name, room.owner, room.platform, room.is_shared) == ("retro", owner, "", False)
    assert (room.recording_type, room.recording_trigger) == ("cloud", "automatic")
    text = client.get("/rooms/retro").content.decode()
    assert "The room “retro” is ready." in text
    assert 'href="/retro"' in text


def test_what_is_chosen_is_kept(client, owner):
    client.force_login(owner)
    client.post("/new", {"name": "retro", "platform": "mock", "is_shared": "on"})
    room = Room.objects.get()
    assert (room.platform, room.is_shared) == ("mock", True)
    assert (room.recording_type, room.recording_trigger) == ("none", "none")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Please give the room a name."),
        ({}, "Please give the room a name."),
        ({"name": "two words"}, "Use letters, digits, hyphens and underscores only"),
        ({"name": "search"}, "one of the product&#x27;s own addresses"),
        ({"name": "standup"}, "There is a room at /standup already"),
        ({"name": "x" * 101}, "no more than 100 characters"),
        ({"name": "a\x00b"}, "Use letters, digits, hyphens and underscores only"),
        ({"name": "retro", "platform": "nonsense"}, "There is no such platform"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(client, owner, room, fields, words):
    response = make(client, owner, **fields)
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert 'aria-invalid="true"' in text
    assert Room.objects.count() == 1


def test_what_was_filled_in_stays(client, owner):
    client.force_login(owner)
    response = client.post("/new", {"name": "<b>two</b> words", "platform": "mock", "is_shared": "on"})
    text = response.content.decode()
    assert 'value="&lt;b&gt;two&lt;/b&gt; words"' in text
    assert '<option value="mock" selected>' in text
    assert 'type="checkbox" aria-describedby="shared-hint" checked' in text
    assert 'aria-describedby="recorded-hint" checked' not in text


def test_guests_log_in_first(client):
    assert client.get("/new")["Location"] == "/login?next=/new"
    assert make(client, name="retro")["Location"] == "/login?next=/new"
    assert not Room.objects.exists()


def test_other_methods_are_refused(client, owner):
    client.force_login(owner)
    assert client.delete("/new").status_code == 405


def test_a_name_in_any_words_becomes_an_address_and_stays_a_title(client, owner):
    response = make(client, owner, title="Weekly Team Meeting", name="")
    assert response["Location"] == "/rooms/weekly-team-meeting"
    room = Room.objects.get()
    assert (room.name, room.title) == ("weekly-team-meeting", "Weekly Team Meeting")
    text = client.get("/").content.decode()
    assert "Weekly Team Meeting" in text
    assert 'href="/weekly-team-meeting"' in text
    assert "Weekly Team Meeting" in client.get("/weekly-team-meeting").content.decode()


def test_an_address_may_be_chosen_beside_the_name(client, owner):
    make(client, owner, title="预算会议", name="budget")
    assert [(room.name, room.title) for room in Room.objects.all()] == [("budget", "预算会议")]


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("预算", "Nothing of this name can stand in an address"),
        ("…", "Nothing of this name can stand in an address"),
        ("Search", "one of the product&#x27;s own addresses"),
        ("Stand Up", "There is a room at /stand-up already"),
        ("x" * 201, "no more than 200 characters"),
    ],
)
def test_what_is_wrong_with_the_address_of_a_name_is_said(client, owner, room, title, words):
    Room.objects.create(name="stand-up", owner=owner)
    response = make(client, owner, title=title, name="")
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Room.objects.count() == 2
