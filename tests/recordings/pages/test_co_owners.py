"""Running a room together: what co-owners may, and who names them."""

import pytest
from django.test import Client

from meetings.opening import open_meeting
from recordings.models import Recording
from rooms import co_owners
from rooms.models import Room
from tests.conftest import api_for, make_user
from tests.support.transcripts import make_transcript

PAGE = "/rooms/standup"


@pytest.fixture
def shared(room, colleague):
    room.co_owners.add(colleague)
    return room


@pytest.fixture
def meeting(shared):
    return open_meeting(shared)


def browser_of(user):
    client = Client()
    client.force_login(user)
    return client


def text(user, path=PAGE):
    answer = browser_of(user).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("typed", ["colleague", "COLLEAGUE@example.com"])
def test_the_owner_names_and_removes_them(room, owner, colleague, typed):
    client = browser_of(owner)
    assert "You run it alone." in text(owner)
    assert client.post(f"{PAGE}/owners/add", {"person": typed})["Location"] == f"{PAGE}#owners"
    assert "<bdi>colleague</bdi>" in text(owner)
    assert browser_of(colleague).get(PAGE).status_code == 200
    client.post(f"{PAGE}/owners/remove", {"person": colleague.pk})
    assert browser_of(colleague).get(PAGE).status_code == 404


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "This field is required."),
        ("nobody", "There is no account of this address or name."),
        ("owner", "This is the room&#x27;s owner."),
        ("same@example.com", "Several accounts have this address"),
        ("a\x00b", "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_with_a_person_is_said(room, owner, typed, words):
    for name in ("one", "two"):
        make_user(name)
    type(owner).objects.filter(username__in=["one", "two"]).update(email="same@example.com")
    answer = browser_of(owner).post(f"{PAGE}/owners/add", {"person": typed})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not room.co_owners.exists()


def test_a_room_has_so_many_at_most(shared, owner, colleague, monkeypatch):
    monkeypatch.setattr(co_owners, "MOST", 1)
    make_user("grace")
    client = browser_of(owner)
    answer = client.post(f"{PAGE}/owners/add", {"person": "grace"})
    assert answer.status_code == 422
    assert "A room has at most" in answer.content.decode()
    assert client.post(f"{PAGE}/owners/add", {"person": "colleague"}).status_code == 302
    assert list(shared.co_owners.all()) == [colleague]


@pytest.mark.parametrize("person", ["", "x", "0", "999999999999999999999", "²"])
def test_nobody_else_can_be_removed(shared, owner, person):
    assert browser_of(owner).post(f"{PAGE}/owners/remove", {"person": person}).status_code == 404
    assert shared.co_owners.count() == 1


def test_they_do_all_but_deleting_and_naming_others(meeting, shared, colleague):
    page = text(colleague)
    assert "Delete the room" not in page
    assert "Co-owners" not in page
    client = browser_of(colleague)
    assert client.post(f"{PAGE}/delete/delete", {"is_meant": "on"}).status_code == 404
    assert client.post(f"{PAGE}/owners/add", {"person": "staff"}).status_code == 404
    assert client.get(f"{PAGE}/meetings/{meeting.pk}").status_code == 200
    assert 'href="/rooms/standup"' in text(colleague, "/")
    assert "End for everyone" in text(colleague, f"/standup/{meeting.pk}")
    api = api_for(colleague)
    assert [room["name"] for room in api.get("/v1/rooms").json()["items"]] == ["standup"]
    assert api.patch(f"/v1/rooms/{shared.pk}", {"is_locked": True}, format="json").status_code == 200
    assert "host=" in api.post(f"/v1/rooms/standup/meetings/{meeting.pk}/join").json()["room_url"]
    assert api.patch(f"/v1/meetings/{meeting.pk}/deactivate").status_code == 200
    assert api.delete(f"/v1/rooms/{shared.pk}").status_code == 403


def test_they_see_its_recordings(meeting, colleague, owner):
    recording = Recording.objects.create(meeting=meeting, platform="mock", provider_recording_id="rec-1")
    for user in (colleague, owner):
        assert [one["id"] for one in api_for(user).get("/v1/recordings").json()["items"]] == [str(recording.pk)]
    assert api_for(make_user("stranger")).get("/v1/recordings").json()["items"] == []


def test_lists_ask_for_co_owners_once(shared, owner, colleague, django_assert_max_num_queries):
    api = api_for(make_user("stranger"))
    Room.objects.bulk_create(Room(name=f"r-{n}", owner=owner, is_shared=True) for n in range(20))
    with django_assert_max_num_queries(12):
        assert len(api.get("/v1/rooms").json()["items"]) == 20


def test_a_person_who_goes_runs_it_no_more(shared, colleague):
    colleague.delete()
    assert not shared.co_owners.exists()


def test_why_there_is_nothing_to_read_is_said(shared, owner, colleague, meeting):
    private = "Its transcript is private: only its owner can read it, until they share it."
    recording = Recording.objects.create(platform="mock", meeting=meeting, state="processing")
    pages = (PAGE, "/", f"{PAGE}/meetings/{meeting.pk}")
    for page in pages:
        assert private not in text(colleague, page)  # as it is not there yet
    transcript = make_transcript(owner, recording=recording, room=shared)
    for page in pages:
        assert (private in text(colleague, page), private in text(owner, page)) == (True, False)
        assert str(transcript.pk) not in text(colleague, page)
    transcript.share_mode = "semi-private"
    transcript.save()
    for page in pages:
        assert private not in text(colleague, page)
        assert str(transcript.pk) in text(colleague, page)
    transcript.delete()
    assert "There is no transcript of it." in text(colleague)
