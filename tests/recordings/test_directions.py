"""Names, titles and what was said in scripts that run from right to left, and names that would turn or hide."""

from html.parser import HTMLParser

import pytest

from meetings.models import ParticipantSession
from platforms.visible import visible
from recordings.models import Recording
from recordings.privacy import deletion
from rooms.models import Room
from tests.conftest import api_for
from tests.support.transcripts import make_meeting, make_transcript, said

pytestmark = pytest.mark.django_db

HEBREW = "שלום"
VOID = {"input", "link", "meta", "img", "br", "hr", "source"}
# Plain text by their nature: what is in them cannot be marked up.
PLAIN = {"title", "script"}


class Directions(HTMLParser):
    """Which texts and fields with Hebrew in them take their direction from nobody."""

    def __init__(self):
        super().__init__()
        self.open, self.found, self.astray = [], 0, []

    def handle_starttag(self, tag, attrs):
        if any(HEBREW in (value or "") for name, value in attrs if name == "value"):
            self._look([*self.open, (tag, dict(attrs))])
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if HEBREW in data:
            self._look(self.open)

    def _look(self, around):
        self.found += 1
        if not any(tag == "bdi" or attrs.get("dir") == "auto" or tag in PLAIN for tag, attrs in around):
            self.astray.append([tag for tag, _ in around])


@pytest.mark.parametrize("path", ["/", "/search?q={q}", "/transcripts/{open}?q={q}", "/transcripts/{trash}", "admin"])
def test_every_text_of_people_has_a_direction_of_its_own(client, staff, colleague, path):
    for person in (colleague, *([staff] if path != "admin" else [])):  # the head of Admin's pages is Django's own
        person.first_name = HEBREW
        person.save()
    Room.objects.create(name="shared", owner=colleague, is_shared=True, platform="mock")
    recording = Recording.objects.create(platform="mock", state="processing", room_name=HEBREW)
    shown = make_transcript(staff, said(f"{HEBREW}, 12!", speaker=HEBREW), recording, title=HEBREW, note=HEBREW)
    trashed = make_transcript(staff, title=HEBREW)
    deletion.trash(trashed)
    path = f"/admin/recordings/recording/{recording.pk}/link/" if path == "admin" else path
    client.force_login(staff)
    page = client.get(path.format(q=HEBREW, open=shown.pk, trash=trashed.pk))
    directions = Directions()
    directions.feed(page.content.decode())
    assert directions.found > 1
    assert directions.astray == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada", "Ada"),
        (" Ada ", " Ada "),
        ("\u202eadA\u202c", "adA"),
        ("\u2066\u2067", ""),
        ("\u200b", ""),
        (" \t", ""),
        ("\u3164\u2800\u00ad", ""),
        ("\u0301", ""),
        (HEBREW, HEBREW),
        ("👩‍💻", "👩‍💻"),
        ("می‌خواهم", "می‌خواهم"),
        ("हिन्दी", "हिन्दी"),
        ("", ""),
    ],
)
def test_what_can_be_seen_of_a_text(text, expected):
    assert visible(text) == expected


def test_a_voice_without_a_name_that_can_be_seen_is_called_by_its_number(client, owner):
    talk = [(0.0, 1.0, "\u200b", "Hello."), (1.0, 2.0, "\u202eadA", "Hi.")]
    transcript = make_transcript(owner, talk, title="\u3164")
    client.force_login(owner)
    text = client.get(f"/transcripts/{transcript.pk}/download/txt").content.decode()
    assert text.endswith("\n\n[00:00] Speaker 1: Hello.\n[00:01] adA: Hi.\n")
    assert '<h1 id="title" dir="auto">standup</h1>' in client.get(f"/transcripts/{transcript.pk}").content.decode()


def test_a_name_that_cannot_be_seen_is_refused_and_one_that_turns_does_not(owner):
    api, transcript = api_for(owner), make_transcript(owner)
    path = f"/v1/transcripts/{transcript.pk}"
    for name in ("\u200b", "  ", "\u202e"):
        assert api.post(f"{path}/participants", {"name": name}, format="json").status_code == 422
        assert api.patch(path, {"name": name}, format="json").status_code == 422
    made = api.post(f"{path}/participants", {"name": "\u202eadA"}, format="json")
    assert (made.status_code, made.json()["name"]) == (200, "adA")
    assert api.patch(path, {"title": "\u202egpj.exe"}, format="json").json()["title"] == "gpj.exe"


def test_people_in_a_meeting_keep_a_name_that_can_be_seen(owner):
    meeting = make_meeting(owner)
    session = ParticipantSession(meeting=meeting, session_id="s1", joined_at=meeting.start_date)
    session.set_name("", "\u202eadA", meeting.start_date)
    session.set_name("", "\u200b", meeting.end_date)
    assert session.user_name == "adA"
