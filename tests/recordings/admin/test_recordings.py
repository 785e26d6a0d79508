"""Recordings and the work about them in Admin, over HTTP: what staff see, and what they can do."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recordings.models import Erasure, Ingest, Recording, Submission, Track, Transcript
from tests.conftest import make_user
from tests.meetings.test_admin import history_of, messages_of, names_in, page, select, signed_in, state_of, text_of
from tests.support.meeting_reports import make_meeting, minute

LIST = "/admin/recordings/recording/"
SIGNED = "https://files.example/a.mp4?signature=secret"


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
def meeting(room):
    return make_meeting(room)


def make_recording(meeting=None, **fields):
    number = Recording.objects.count()
    made = {
        "platform": "mock",
        "provider_recording_id": f"rec-{number}",
        "room_name": f"standup-{number}",
        "recorded_at": minute(number),
        "source_url": SIGNED,
        **fields,
    }
    return Recording.objects.create(meeting=meeting, **made)


@pytest.fixture
def stored(meeting, recordings_folder):
    recording = make_recording(meeting, state="done", file="1/a.mp4", content_type="video/mp4", duration=3725.4)
    storages["recordings"].save(recording.file, ContentFile(b"0123456789"))
    Ingest.objects.create(recording=recording, state="done", attempts=2)
    Submission.objects.create(recording=recording, state="done", attempts=1, checkpoint={"chunks": "what-was-said"})
    return recording


def page_of(recording, view="change"):
    return f"{LIST}{recording.pk}/{view}/"


def shown(markup):
    """The rows of the list, in words."""
    body = re.search(r'<table id="result_list">.*?<tbody>(.*?)</tbody>', markup, re.DOTALL)
    return [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)] if body else []


# The list


def test_the_list_says_where_each_stands_and_why(admin, meeting):
    make_recording(meeting, state="failed", error="The file ends too early.", duration=61.2)
    (row,) = shown(page(admin, LIST))
    assert re.search(r"standup .*File Failed 0:01:01 The file ends too early\. 2026-01-05", row)


def test_one_without_a_meeting_is_listed_by_the_providers_room(admin, db):
    make_recording(state="unmatched", room_name="lost-1")
    (row,) = shown(page(admin, LIST))
    assert row.startswith("lost-1 ")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?state__exact=failed", {"one"}),
        ("?platform__exact=whereby", {"two"}),
        ("?kind__exact=tracks", {"two"}),
        ("?q=prov-1", {"one"}),
        ("?q=TWO", {"two"}),
        ("?q=b/c.mp4", {"two"}),
        ("?q=standup", {"three"}),  # its meeting's room
        ("?q=nothing", set()),
    ],
)
def test_the_list_can_be_searched_and_filtered(admin, meeting, query, found):
    rows = {
        "one": make_recording(room_name="one", state="failed", provider_recording_id="prov-1"),
        "two": make_recording(room_name="two", platform="whereby", kind="tracks", bucket="a", key="b/c.mp4"),
        "three": make_recording(meeting, room_name="three"),
    }
    markup = page(admin, LIST + query)
    assert {name for name, row in rows.items() if page_of(row) in markup} == found


def test_a_recording_is_found_by_its_id(admin, db):
    recording = make_recording()
    make_recording()
    assert len(shown(page(admin, f"{LIST}?q={recording.pk}"))) == 1


def test_what_waits_for_staff_is_counted_and_one_click_away(admin, meeting):
    assert "without a meeting" not in page(admin, LIST)
    for state in ("unmatched", "unmatched", "failed", "done"):
        make_recording(state=state)
    markup = page(admin, LIST)
    assert '<a href="?state__exact=unmatched">2 without a meeting</a>' in markup
    assert '<a href="?state__exact=failed">1 failed</a>' in markup
    assert len(shown(page(admin, f"{LIST}?state__exact=unmatched"))) == 2


@pytest.mark.parametrize("address", [LIST, "/admin/recordings/ingest/", "/admin/recordings/submission/"])
def test_a_list_asks_the_database_as_often_for_many_as_for_few(admin, room, address):
    counts = []
    for more in (2, 20):
        for _ in range(more):
            recording = make_recording(make_meeting(room, room_name=f"r-{Recording.objects.count()}"))
            Ingest.objects.create(recording=recording)
            Submission.objects.create(recording=recording)
        page(admin, address)  # whatever is looked up once and kept
        with CaptureQueriesContext(connection) as queries:
            page(admin, address)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9


# The page


def test_the_page_tells_all_about_a_recording_but_its_signed_link(admin, stored):
    transcript = Transcript.objects.create(recording=stored, name="standup", source_kind="room")
    markup = page(admin, page_of(stored))
    text = text_of(markup)
    for told in ("State: Done", "Duration: 1:02:05", "rec-0", "standup-0", "1/a.mp4", "video/mp4", str(stored.pk)):
        assert told in text
    assert f"/admin/meetings/meeting/{stored.meeting_id}/change/" in markup
    assert f"/admin/recordings/transcript/{transcript.pk}/change/" in markup
    assert "/admin/platforms/webhookevent/?q=standup-0" in markup
    for address in (LIST, page_of(stored), page_of(stored, "history"), page_of(stored, "link")):
        content = page(admin, address)
        assert "signature=secret" not in content
        assert "/v1/recordings/files/" not in content


def test_the_page_shows_tracks_and_work_without_what_was_said(admin, stored):
    ada = stored.meeting.sessions.create(session_id="ada", user_name="Ada")
    track = Track.objects.create(
        recording=stored, medium="cam-audio", key="k", participant=ada, file="1/t", state="stored", offset=1.5, size=9
    )
    Erasure.objects.create(recording=stored, location="provider", state="failed", last_error="It answers 503.")
    Erasure.objects.create(recording=stored, location="bucket", state="done")
    markup = page(admin, page_of(stored))
    text = text_of(markup)
    assert re.search(r"the bucket .*kept there: it cannot be deleted .*Done", text)
    assert re.search(r"Ada cam-audio 1\.5 9 Stored .*Play", text)
    assert f"{LIST}{stored.pk}/tracks/{track.pk}/file/" in markup
    assert re.search(r"the provider .*Failed 0 .*It answers 503\.", text)
    assert f"/admin/recordings/ingest/{stored.ingest.pk}/change/" in markup
    job = page(admin, f"/admin/recordings/submission/{stored.submission.pk}/change/")
    assert "what-was-said" not in markup + job


def test_the_page_asks_the_database_as_often_for_many_tracks_as_for_few(admin, stored):
    counts = []
    for more in (2, 20):
        for number in range(more):
            person = stored.meeting.sessions.create(session_id=f"{more}-{number}", user_name="Ada")
            Track.objects.create(recording=stored, medium="cam-audio", key=f"{more}-{number}", participant=person)
        page(admin, page_of(stored))
        with CaptureQueriesContext(connection) as queries:
            page(admin, page_of(stored))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_recordings_are_neither_added_nor_edited_nor_forgotten(admin, stored):
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(page_of(stored), {"state": "failed"}).status_code == 403
    assert admin.post(page_of(stored, "delete"), {"post": "yes"}).status_code == 403
    admin.post(LIST, {**select(stored, action="delete_selected"), "post": "yes"})
    assert state_of(stored) == "done"


# Playing


@pytest.mark.parametrize(("has_video", "element"), [(True, "<video controls"), (False, "<audio controls")])
def test_what_is_stored_can_be_played_and_downloaded(admin, stored, settings, has_video, element):
    Recording.objects.update(has_video=has_video)
    markup = page(admin, page_of(stored))
    assert element in markup
    (address,) = set(re.findall(r'src="(/admin/recordings/[^"]+/file/)"', markup))
    for query, disposition in (("", "inline"), ("?download=1", "attachment")):
        answer = admin.get(address + query)
        assert answer.status_code == 302
        answer = Client().get(answer["Location"].removeprefix(settings.PUBLIC_URL), headers={"Range": "bytes=0-1"})
        assert (answer.status_code, answer.getvalue()) == (206, b"01")
        assert answer["Content-Disposition"].startswith(disposition)


def test_the_link_to_a_file_lasts_five_minutes(admin, stored, settings, monkeypatch):
    link = admin.get(page_of(stored, "file"))["Location"].removeprefix(settings.PUBLIC_URL)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=4))
    assert Client().head(link).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=6))
    assert Client().head(link).status_code == 404


def test_what_is_not_stored_or_not_to_be_seen_is_not_played(admin, stored, db):
    nobody = signed_in(make_user("nobody", is_staff=True))
    assert nobody.get(page_of(stored, "file")).status_code == 403
    assert Client().get(page_of(stored, "file")).status_code == 302  # to the sign-in
    Recording.objects.update(file="")
    assert admin.get(page_of(stored, "file")).status_code == 404
    assert "nothing is stored" in text_of(page(admin, page_of(stored)))


# Actions


def test_fetching_again_starts_over_and_is_kept_in_the_history(admin, meeting, staff):
    failed = make_recording(meeting, state="failed", error="Why.")
    Ingest.objects.create(recording=failed, state="failed", attempts=12)
    lost = make_recording(state="unmatched")
    answer = admin.post(LIST, select(failed, lost, action="fetch_again"))
    assert messages_of(answer) == [
        "To be fetched again: 1 recording.",
        "Left alone: 1 recording, in no state for it, in a worker's hands, or gone where it would come from.",
    ]
    assert (state_of(failed), state_of(failed.ingest), state_of(lost)) == ("reported", "waiting", "unmatched")
    assert history_of(failed) == [("staff", "To be fetched again.")]
    assert history_of(lost) == []


def test_handing_off_again_has_it_transcribed_anew(admin, stored):
    answer = admin.post(LIST, select(stored, action="submit_again"))
    assert messages_of(answer) == ["To be transcribed again: 1 recording."]
    assert (state_of(stored), state_of(stored.submission)) == ("stored", "waiting")
    assert history_of(stored) == [("staff", "To be transcribed again.")]


def test_deleting_everywhere_asks_first_and_says_what_it_means(admin, stored):
    answer = admin.post(LIST, select(stored, action="delete_everywhere"))
    assert answer.status_code == 200
    text = text_of(answer.content.decode())
    assert "from the storage, from the bucket and at the provider" in text
    assert str(stored) in text
    assert not Erasure.objects.exists()
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))
    answer = admin.post(LIST, fields)
    assert messages_of(answer) == ["To be deleted everywhere: 1 recording."]
    assert Erasure.objects.filter(recording=stored, location="storage", only_video=False).exists()
    assert history_of(stored) == [("staff", "To be deleted everywhere.")]


def test_what_is_deleted_already_is_not_asked_about(admin, meeting):
    recording = make_recording(meeting, state="deleted", deleted_at=timezone.now())
    answer = admin.post(LIST, select(recording, action="delete_everywhere"))
    assert messages_of(answer) == ["They are deleted already."]


def test_an_unmatched_recording_is_linked_to_one_of_the_likely_meetings(admin, meeting, room):
    recording = make_recording(state="unmatched", room_name="lost-1")
    other = make_meeting(room, room_name="standup-2", start_date=minute(90))
    answer = admin.post(LIST, select(recording, action="link_to_meeting"))
    assert answer["Location"] == page_of(recording, "link")
    markup = page(admin, answer["Location"])
    offered = re.findall(r'name="meeting" value="([^"]+)"', markup)
    assert offered == [str(meeting.pk), str(other.pk)]
    answer = admin.post(page_of(recording, "link"), {"meeting": offered[0]})
    assert answer["Location"] == page_of(recording)
    recording.refresh_from_db()
    assert (recording.state, recording.meeting) == ("reported", meeting)
    assert recording.ingest.state == "waiting"
    assert history_of(recording) == [("staff", f"Linked to the meeting {meeting} ({meeting.pk}).")]


def test_a_meeting_that_does_not_exist_or_never_opened_is_refused(admin, room):
    recording = make_recording(state="unmatched")
    failed = make_meeting(room, state="failed")
    for meeting in ("x", str(recording.pk), str(failed.pk), ""):
        answer = admin.post(page_of(recording, "link"), {"meeting": meeting})
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode()
    assert state_of(recording) == "unmatched"


def test_recordings_are_linked_one_at_a_time(admin, db):
    rows = [make_recording(state="unmatched"), make_recording(state="unmatched")]
    answer = admin.post(LIST, select(*rows, action="link_to_meeting"))
    assert messages_of(answer) == ["Choose one recording at a time to link."]


def test_a_deleted_recording_is_not_linked(admin, meeting):
    recording = make_recording(state="deleted", deleted_at=timezone.now())
    answer = admin.post(page_of(recording, "link"), {"meeting": str(meeting.pk)})
    assert messages_of(answer) == ["It is deleted, and stays as it is."]
    assert history_of(recording) == []


def test_the_page_of_a_recording_has_the_actions_of_the_list(admin, stored):
    markup = page(admin, page_of(stored))
    actions = re.findall(r'<button type="submit" class="button" name="action" value="(\w+)">', markup)
    assert actions == ["fetch_again", "submit_again", "link_to_meeting", "restore", "delete_everywhere"]
    fields = dict(
        re.findall(r'<input type="hidden" name="(_selected_action|select_across|index)" value="(.*?)"', markup)
    )
    admin.post(LIST, {**fields, "action": "submit_again"})
    assert state_of(stored) == "stored"


@pytest.mark.parametrize("action", ["fetch_again", "submit_again", "link_to_meeting", "delete_everywhere"])
def test_who_may_only_look_can_do_nothing(onlooker, stored, action):
    onlooker.post(LIST, {**select(stored, action=action), "confirmed": "yes"})
    assert (state_of(stored), Erasure.objects.count(), LogEntry.objects.count()) == ("done", 0, 0)
    assert "Fetch again" not in page(onlooker, LIST) + page(onlooker, page_of(stored))
    page(onlooker, page_of(stored, "link"), status=403)
    assert onlooker.post(page_of(stored, "link"), {"meeting": str(stored.meeting_id)}).status_code == 403


def test_deleting_everywhere_needs_the_permission_to_delete(stored):
    user = make_user("mover", is_staff=True)
    allowed = ["view_recording", "change_recording"]
    user.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    client = signed_in(user)
    client.post(LIST, {**select(stored, action="delete_everywhere"), "confirmed": "yes"})
    assert not Erasure.objects.exists()
    client.post(LIST, select(stored, action="submit_again"))
    assert state_of(stored) == "stored"


# Work and transcripts


@pytest.mark.parametrize(("job", "state"), [("ingest", "reported"), ("submission", "stored")])
def test_work_that_is_run_again_finds_its_recording_in_a_state_for_it(admin, stored, job, state):
    Recording.objects.update(state="failed", error="Why.")
    row = getattr(stored, job)
    type(row).objects.update(state="failed", last_error="Why.")
    answer = admin.post(f"/admin/recordings/{job}/", select(row, action="run_again"))
    assert messages_of(answer) == ["To be run again: 1."]
    assert (state_of(row), state_of(stored)) == ("waiting", state)
    assert history_of(row) == [("staff", "Run again.")]


def test_work_that_can_do_nothing_is_left_alone(admin, meeting):
    recording = make_recording(state="deleted", deleted_at=timezone.now())
    job = Ingest.objects.create(recording=recording, state="failed")
    answer = admin.post(f"/admin/recordings/ingest/{job.pk}/run-again/")
    assert messages_of(answer)[0].startswith("Left alone: 1 recording")
    assert state_of(job) == "failed"


def test_deletions_that_failed_can_be_run_again(admin, stored):
    job = Erasure.objects.create(recording=stored, location="storage", state="failed", last_error="Disk full.")
    assert "Disk full." in html.unescape(page(admin, "/admin/recordings/erasure/?state__exact=failed"))
    admin.post("/admin/recordings/erasure/", select(job, action="run_again"))
    assert state_of(job) == "waiting"


def test_transcripts_are_listed_without_what_was_said(admin, stored):
    transcript = Transcript.objects.create(
        recording=stored, name="standup", source_kind="room", room=stored.meeting.room
    )
    transcript.segments.create(start=0, end=1, text="our secret")
    assert "standup" in names_in(page(admin, "/admin/recordings/transcript/"))
    markup = page(admin, f"/admin/recordings/transcript/{transcript.pk}/change/")
    assert "our secret" not in markup
    assert "Save" not in text_of(markup)
