"""What an owner does with a room on its page: settings, what happened in it, and deleting it."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from meetings.models import ParticipantSession
from meetings.opening import open_meeting
from recordings.models import Consent, Recording
from rooms.models import Room
from tests.conftest import make_user
from tests.support.meeting_reports import make_meeting as reported_meeting
from tests.support.meeting_reports import minute
from tests.support.transcripts import make_transcript

PAGE = "/rooms/standup"


@pytest.fixture
def client(owner, room):
    client = Client()
    client.force_login(owner)
    return client


def text(client, path=PAGE):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client, button, **fields):
    """The page that follows."""
    answer = client.post(f"{PAGE}/{button}", fields)
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}#{button.split('/')[0]}")
    return text(client)


# Settings


def settings_of(room, **changed):
    return {
        "title": room.title,
        "name": room.name,
        "recording": f"{room.recording_type} {room.recording_trigger}",
        "platform": room.platform,
        "recording_retention_days": "",
        **changed,
    }


def test_the_settings_are_shown_and_saved(client, room):
    wanted = {"title": "Morning talk", "name": "morning", "is_locked": "on", "is_shared": "on", "never_elsewhere": "on"}
    chosen = {"recording": "cloud automatic", "recording_retention_days": "30", "platform": "", "store_video": "on"}
    answer = client.post(f"{PAGE}/settings/save", settings_of(room, **wanted, **chosen))
    assert answer["Location"] == "/rooms/morning#settings"
    room.refresh_from_db()
    assert (room.title, room.name, room.platform) == ("Morning talk", "morning", "")
    assert (room.is_locked, room.is_shared, room.never_elsewhere, room.store_video) == (True,) * 4
    assert (room.recording_type, room.recording_trigger, room.recording_retention_days) == ("cloud", "automatic", 30)
    page = text(client, "/rooms/morning")
    assert "Saved. It counts from the next meeting on" in page
    assert '<option value="cloud automatic" selected>' in page
    assert room.history.first().history_user.username == "owner"


def test_what_was_set_elsewhere_is_kept_by_saving(client, room):
    Room.objects.update(recording_type="local", recording_trigger="prompt")
    assert '<option value="local prompt" selected>As it was set elsewhere' in text(client)
    room.refresh_from_db()
    press(client, "settings/save", **settings_of(room))
    room.refresh_from_db()
    assert (room.recording_type, room.recording_trigger) == ("local", "prompt")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "two words", "Use letters, digits, hyphens and underscores only"),
        ("name", "search", "one of the product&#x27;s own addresses"),
        ("name", "TAKEN", "Room name is not unique"),
        ("name", "", "This field is required"),
        ("title", "x" * 201, "at most 200 characters"),
        ("recording", "nonsense", "Select a valid choice"),
        ("recording", "cloud nonsense", "Select a valid choice"),
        ("recording_retention_days", "-1", "greater than or equal to 0"),
        ("recording_retention_days", "many", "Enter a whole number"),
        ("recording_retention_days", "99999999999", "less than or equal to 36500"),
        ("platform", "whereby", "Select a valid choice"),  # it has no key
    ],
)
def test_what_is_wrong_with_a_setting_is_said_beside_it(client, owner, room, field, value, words):
    Room.objects.create(name="taken", owner=owner)
    answer = client.post(f"{PAGE}/settings/save", settings_of(room, **{field: value}))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    room.refresh_from_db()
    assert room.name == "standup"


def test_what_each_platform_means_for_the_room_is_said(client, room):
    page = text(client)
    assert "<dt>Whereby</dt><dd>It cannot be used on this server at present.</dd>" in page
    assert "The next meeting opens on Mock." in page


# Meetings and recordings


def test_its_meetings_are_listed_with_people_and_answers(client, room, owner):
    assert "Nobody has met here yet." in text(client)
    meeting = attended(room, owner)
    page = text(client)
    assert f'href="{PAGE}/meetings/{meeting.pk}"' in page
    assert "<bdi>Ada</bdi>, <bdi>&lt;b&gt;Bo&lt;/b&gt;</bdi>" in page
    assert "1 agreed" in page
    assert "1 refused" in page


def test_many_meetings_come_in_pages(client, room):
    for number in range(12):
        reported_meeting(room, slot=str(number), start_date=timezone.now() - timedelta(hours=number))
    assert text(client).count('id="meeting-') == 10
    assert text(client, f"{PAGE}?meetings=2").count('id="meeting-') == 2


def test_its_recordings_are_listed_with_their_transcripts(client, room, owner):
    assert "Nothing has been recorded here yet." in text(client)
    meeting = attended(room, owner)
    recording = Recording.objects.create(meeting=meeting, platform="mock", provider_recording_id="rec-1")
    transcript = make_transcript(owner, recording=recording, room=room)
    page = text(client)
    assert f'href="/transcripts/{transcript.pk}"' in page
    assert f'href="/search?room={room.pk}"' in page


def test_a_meeting_says_who_answered_what(client, room, owner):
    meeting = attended(room, owner)
    page = text(client, f"{PAGE}/meetings/{meeting.pk}")
    found = re.findall(
        r"<bdi>([^<]+)</bdi>.*?<span class=\"badge[^>]*>([^<]+)<", page.split('<h2 id="people-title"')[1], re.DOTALL
    )
    assert found == [
        ("Ada", "agreed"),
        ("&lt;b&gt;Bo&lt;/b&gt;", "has not answered"),
        ("Somebody who was not signed in", "refused"),
    ]


@pytest.mark.parametrize("name", ["=1+1", "\uff1d1+1", "@SUM(A1)", "\n=1+1"])
def test_the_answers_can_be_taken_away_as_a_table(client, room, owner, name):
    meeting = attended(room, owner)
    ParticipantSession.objects.filter(session_id="2").update(user_name=name)
    Room.objects.update(title='Budget: "2"')
    answer = client.get(f"{PAGE}/meetings/{meeting.pk}/consent.csv")
    assert answer["Content-Disposition"].endswith(' Budget 2 consent.csv"')
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row[0], row[3]) for row in rows] == [
        ("name", "answer"),
        ("Ada", "agreed"),
        (f"'{name}", "has not answered"),
        ("Somebody who was not signed in", "refused"),
    ]
    assert rows[1][1] == "2026-01-05 09:00:00"


def test_a_guests_answer_stands_beside_the_name_that_they_gave(client, room, owner):
    """Once: two may give the same name, and a name proves nothing."""
    meeting = attended(room, owner)
    Consent.objects.filter(user=None).delete()
    for given in (True, False):
        Consent.objects.create(meeting=meeting, given=given, name="<b>Bo</b>")
    Consent.objects.create(meeting=meeting, given=True, name="=Cy")  # who never came in
    answer = client.get(f"{PAGE}/meetings/{meeting.pk}/consent.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row[0], bool(row[1]), row[3]) for row in rows[1:]] == [
        ("Ada", True, "agreed"),
        ("<b>Bo</b>", True, "agreed"),
        ("<b>Bo</b>", False, "refused"),
        ("'=Cy", False, "agreed"),
    ]
    page = text(client, f"{PAGE}/meetings/{meeting.pk}")
    assert page.count("<bdi>&lt;b&gt;Bo&lt;/b&gt;</bdi>") == 2
    assert "<b>Bo" not in page


def test_where_the_platform_does_not_tell_accounts_an_answer_stands_beside_the_name_of_its_account(client, room, owner):
    """And before that of a guest who typed the same."""
    meeting = attended(room, owner)
    name = owner.get_full_name() or owner.get_username()
    ParticipantSession.objects.filter(session_id="1").update(user_id="", user_name=name)
    Consent.objects.all().delete()
    Consent.objects.create(meeting=meeting, given=False, name=name)
    Consent.objects.create(meeting=meeting, user=owner, given=True)
    answer = client.get(f"{PAGE}/meetings/{meeting.pk}/consent.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row[0], bool(row[1]), row[3]) for row in rows[1:]] == [
        (name, True, "agreed"),
        ("<b>Bo</b>", True, "has not answered"),
        (name, False, "refused"),
    ]


def test_meetings_of_other_rooms_are_not_found_here(client, owner):
    other = Room.objects.create(name="other", owner=owner)
    meeting = reported_meeting(other)
    assert client.get(f"{PAGE}/meetings/{meeting.pk}").status_code == 404
    assert client.get(f"{PAGE}/meetings/{meeting.pk}/consent.csv").status_code == 404


def attended(room, owner):
    """Ada, who owns the room and agreed, and Bo, a guest; somebody refused."""
    meeting = reported_meeting(room)
    ParticipantSession.objects.create(
        meeting=meeting, session_id="1", user_id=str(owner.pk), user_name="Ada", joined_at=minute(0), left_at=minute(5)
    )
    ParticipantSession.objects.create(meeting=meeting, session_id="2", user_name="<b>Bo</b>", joined_at=minute(1))
    ParticipantSession.objects.create(meeting=meeting, session_id="3", user_name="Recorder", is_bot=True)
    Consent.objects.create(meeting=meeting, user=owner, given=True)
    Consent.objects.create(meeting=meeting, given=False)
    return meeting


# Deleting


def test_a_room_is_deleted_only_when_it_is_meant(client, room, owner):
    answer = client.post(f"{PAGE}/delete/delete")
    assert answer.status_code == 422
    assert "Tick this first, if you mean it." in answer.content.decode()
    meeting = open_meeting(room)
    assert client.post(f"{PAGE}/delete/delete", {"is_meant": "on"})["Location"] == "/"
    assert not Room.objects.exists()
    meeting.refresh_from_db()
    assert meeting.state == "ended"
    assert "The room “standup” is deleted." in text(client, "/")


def test_staff_who_may_not_delete_rooms_find_no_button_for_it(room):
    changer = make_user("changer", is_staff=True)
    changer.user_permissions.set(Permission.objects.filter(codename="change_room"))
    client = Client()
    client.force_login(changer)
    assert "Delete the room" not in text(client)
    assert client.post(f"{PAGE}/delete/delete", {"is_meant": "on"}).status_code == 404
    assert Room.objects.exists()
