"""What `manage.py import_reflector` brings from the database of a Reflector, whose rows are as some years make them."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from meetings.models import Meeting
from recordings.models import (
    Consent,
    Erasure,
    ImportedRow,
    Ingest,
    Recording,
    Summary,
    Transcript,
    TranscriptMail,
)
from recordings.privacy import consent
from recordings.transcripts import search
from recordings.transcripts.access import listed_for
from rooms.calendar import sync
from rooms.models import CalendarSync, FormerName, Room, WebhookDelivery
from tests.conftest import api_for, make_user
from tests.support.live import fresh_database

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

FILES = Path(__file__).resolve().parents[2] / "payloads" / "reflector"
SECRETS = [
    "weekly-hook",
    "weekly-hook-secret",
    "weekly-secret",
    "inner-hook",
    "inner-secret",
    "webcal-secret",
    "host-key",
]


def room_id(number):
    return f"10000000-0000-4000-8000-{number:012}"


def recording_id(number):
    return f"40000000-0000-4000-8000-{number:012}"


def transcript_id(number):
    return f"50000000-0000-4000-8000-{number:012}"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The address of a Reflector's database, which no test changes."""
    with fresh_database(tmp_path_factory.mktemp("source"), is_empty=True) as url:
        fill(url)
        yield url


@pytest.fixture
def own_source(tmp_path):
    """One that a test may change."""
    with fresh_database(tmp_path, is_empty=True) as url:
        fill(url)
        yield url


def fill(url):
    with psycopg.connect(url) as database:
        for name in ("schema.sql", "rows.sql"):
            database.execute((FILES / name).read_text())


def change(url, *statements):
    with psycopg.connect(url) as database:
        for statement in statements:
            database.execute(statement)


def bring(url, *arguments):
    out = io.StringIO()
    call_command("import_reflector", url, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def numbers(said):
    """The table: name -> new, here already, of these other, deleted here, cannot come."""
    rows = re.findall(r"^(\w+)((?:\s+[\d,]+){5})$", said, re.MULTILINE)
    return {name: [int(number.replace(",", "")) for number in found.split()] for name, found in rows}


@pytest.fixture
def taken(owner):
    """A room here that has the name of one there."""
    return Room.objects.create(name="Standup", owner=owner)


@pytest.fixture
def brought(source, taken):
    """What the command said."""
    return bring(source)


def test_the_table_counts_each_kind(brought):
    assert numbers(brought) == {
        "accounts": [2, 0, 0, 0, 0],
        "rooms": [5, 0, 0, 0, 2],
        "webhooks": [1, 0, 0, 0, 1],
        "calendars": [1, 0, 0, 0, 1],
        "meetings": [3, 0, 0, 0, 4],
        "answers": [5, 0, 0, 0, 0],
        "recordings": [6, 0, 0, 0, 1],
        "transcripts": [6, 0, 0, 0, 4],
    }


def test_the_report_says_what_cannot_come_and_why(brought):
    for line in (
        "2: the account of whose it is, is not there any more: --owner NAME gives it to somebody (orphan, odd)",
        "1: it is going on: bring it once it is over",
        "1: there is no platform “smoke-signals” here",
        "1: it has no time",
        "1: what it belongs to does not come either (orphan",
        "1: it was deleted there (deleted)",
        "1: Reflector is at work on it: bring it once that is over (under way)",
        "1: nothing was recorded or uploaded for it (empty)",
        "1: This address is not on the public internet. (Ben's Büro)",
        "1: platform: There is no such platform;",
        "4: the name that they had: it is taken, or none for an address (Weekly → Weekly-2, Ben's Büro → ben-s-buro, ",
    ):
        assert line in brought


def test_no_secret_is_said(brought):
    assert [secret for secret in SECRETS if secret in brought] == []


def test_a_dry_run_counts_the_same_and_changes_nothing(source, taken):
    said = bring(source, "--dry-run")
    assert "Nothing was changed." in said
    assert Room.objects.get() == taken
    for model in (Meeting, Recording, Transcript, ImportedRow):
        assert model.objects.count() == 0
    assert get_user_model().objects.count() == 1
    assert numbers(said) == numbers(bring(source))


def test_a_room_keeps_its_id_its_settings_and_its_owner(brought):
    room = Room.objects.get(pk=room_id(1))
    assert (room.name, room.title, room.platform) == ("weekly", "", "daily")
    assert (room.is_shared, room.is_locked, room.room_mode, room.recording_trigger) == (
        True,
        True,
        "group",
        "automatic",
    )
    assert (room.skip_consent, room.store_video) == (True, True)
    assert room.owner.email == "Ada@Example.com"
    assert not room.owner.has_usable_password()
    assert f"{room.created_at:%Y-%m-%d %H:%M}" == "2025-02-01 08:00"


def test_a_room_on_the_default_platform_is_left_to_the_rollout(brought):
    assert Room.objects.get(pk=room_id(5)).platform == ""


def test_the_webhook_goes_on_with_its_secret_and_is_told_what_its_receiver_knows(brought):
    room = Room.objects.get(pk=room_id(1))
    assert (room.webhook_url, room.webhook_secret) == ("https://hooks.example.com/weekly-hook", "weekly-hook-secret")
    assert "transcript.completed" not in room.webhook_muted
    assert len(room.webhook_muted) > 4
    assert not Room.objects.get(pk=room_id(3)).has_webhook


def test_secrets_are_stored_encrypted(brought):
    with connection.cursor() as cursor:
        cursor.execute("SELECT webhook_url, webhook_secret, ics_url FROM rooms_room WHERE id = %s", [room_id(1)])
        assert [value.split(":")[0] for value in cursor.fetchone()] == ["fernet"] * 3


def test_the_calendar_is_read_from_now_on(brought):
    room = Room.objects.get(pk=room_id(1))
    assert (room.ics_url, room.ics_enabled) == ("https://calendar.example.com/weekly-secret.ics", True)
    assert sync.interval_seconds(room) == 600
    assert CalendarSync.objects.get().room == room


def test_names_that_cannot_be_addresses_or_are_taken_become_others(brought, taken):
    names = dict(Room.objects.exclude(pk=taken.pk).values_list("name", "title"))
    assert names == {
        "weekly": "",
        "Weekly-2": "Weekly",
        "ben-s-buro": "Ben's Büro",
        "search-2": "search",
        "standup-2": "standup",
    }


def test_a_room_is_found_by_its_old_name_where_nobody_else_has_it(brought):
    assert dict(FormerName.objects.values_list("name", "room__name")) == {
        "ben's büro": "ben-s-buro",
        "search": "search-2",
    }


def test_accounts_here_with_the_same_address_are_theirs(source):
    ada = make_user("ada", is_staff=True)
    get_user_model().objects.filter(pk=ada.pk).update(email="ADA@example.com")
    said = bring(source)
    assert numbers(said)["accounts"][:2] == [1, 1]
    assert set(Room.objects.filter(owner=ada).values_list("name", flat=True)) == {"weekly", "search-2", "standup"}


def test_an_address_that_two_accounts_have_is_nobodys(source):
    for name in ("one", "two"):
        get_user_model().objects.create_user(name, "ada@example.com")
    assert "two accounts here have the e-mail address of whose it is (weekly, search, standup)" in bring(source)


def test_what_is_nobodys_goes_to_who_is_named(source, taken, owner):
    bring(source)
    said = bring(source, "--owner", "owner@example.com")
    assert numbers(said)["rooms"] == [2, 5, 0, 0, 0]
    assert Room.objects.get(name="orphan").owner == owner
    assert Meeting.objects.get(provider_meeting_id="71234570").room.name == "orphan"
    assert Transcript.objects.get(pk=transcript_id(8)).user == owner


def test_a_meeting_that_is_over_has_its_room_its_people_and_their_answers(brought):
    meeting = Meeting.objects.get(provider_meeting_id="daily-meeting-1")
    assert (meeting.state, meeting.room.name, meeting.platform) == ("ended", "weekly", "daily")
    assert f"{meeting.ended_at:%H:%M:%S}" == "09:42:00"
    ada = get_user_model().objects.get(email="Ada@Example.com")
    people = {(one.user_name, one.user_id, f"{one.left_at:%H:%M:%S}") for one in meeting.sessions.all()}
    assert people == {("Ada", str(ada.pk), "09:41:30"), ("Grace", "stranger", "09:42:00")}
    answers = set(meeting.consents.values_list("user", "given"))
    assert answers == {(ada.pk, True), (None, True)}
    assert f"{meeting.consents.get(user=ada).answered_at:%Y-%m-%d %H:%M}" == "2025-03-01 09:05"


def test_a_meeting_without_a_room_comes_without_one(brought):
    assert Meeting.objects.get(provider_meeting_id="71234568").room is None


def test_the_way_in_of_a_host_stays_behind(brought):
    assert set(Meeting.objects.values_list("host_room_url", flat=True)) == {""}


def test_recordings_are_known_by_what_the_provider_calls_them(brought):
    tracks, file = (Recording.objects.get(pk=recording_id(number)) for number in (1, 2))
    assert (tracks.kind, tracks.platform, tracks.provider_recording_id) == ("tracks", "daily", recording_id(1))
    assert (file.kind, file.platform, file.bucket, file.key) == ("file", "whereby", "whereby-bucket", "weekly.mp4")
    found = set(tracks.tracks.values_list("session_id", "medium", "state"))
    assert found == {
        ("30000000-0000-4000-8000-000000000001", "cam-audio", "reported"),
        ("", "cam-audio", "reported"),
    }


@pytest.mark.parametrize(
    ("number", "state"),
    [(1, "done"), (2, "deleted"), (3, "deleted"), (4, "failed"), (5, "no_audio"), (7, "done")],
    ids=["transcribed", "refused", "in the trash", "failed", "silent", "completed"],
)
def test_a_recording_is_what_became_of_it(brought, number, state):
    assert Recording.objects.get(pk=recording_id(number)).state == state


def test_nothing_is_fetched_told_or_deleted_for_what_came(brought):
    consent.enforce_all()
    for model in (Ingest, Erasure, WebhookDelivery, TranscriptMail):
        assert model.objects.count() == 0


def test_a_recording_that_is_here_already_is_the_same_one(source):
    here = Recording.objects.create(platform="whereby", bucket="whereby-bucket", key="both.mp4")
    assert numbers(bring(source))["recordings"] == [5, 1, 0, 0, 1]
    assert not Recording.objects.filter(pk=recording_id(7)).exists()
    assert ImportedRow.objects.get(source_id=recording_id(7)).row == here.pk


def test_a_transcript_keeps_its_id_and_all_that_was_made_of_it(brought):
    transcript = Transcript.objects.get(pk=transcript_id(1))
    assert (transcript.title, transcript.short_summary, transcript.long_summary) == (
        "The budget",
        "In short",
        "At length",
    )
    assert (transcript.locked, transcript.reviewed, transcript.share_mode) == (True, True, "semi-private")
    assert (transcript.status, transcript.duration, transcript.source_language) == ("ended", 63.5, "en")
    assert (transcript.room.name, transcript.user.email) == ("weekly", "Ada@Example.com")
    assert transcript.recording.pk == Recording.objects.get(platform="daily", kind="tracks", state="done").pk
    assert Summary.objects.get(transcript=transcript).action_items == {
        "decisions": [{"decision": "Hire", "decided_by": "Ada", "context": "Growth"}],
        "next_steps": [{"task": "Write it", "assigned_to": "", "deadline": "", "context": ""}],
    }


def test_words_become_lines_with_their_times(brought):
    lines = Transcript.objects.get(pk=transcript_id(1)).segments.values_list("speaker", "start", "end", "text")
    assert list(lines) == [
        (0, 0.0, 1.0, "Good morning."),
        (1, 1.5, 2.2, "The budget!"),
        (1, 61.0, 62.0, "Later."),
        (0, 66.0, 66.4, "Good bye."),
    ]
    other = Transcript.objects.get(pk=transcript_id(2)).segments.get()
    assert (other.text, other.start, other.end, other.words) == ("Only as a text.", 3.0, 7.0, None)


def test_a_voice_has_one_name_and_an_account_where_there_is_one(brought):
    people = Transcript.objects.get(pk=transcript_id(1)).participants.values_list("name", "speaker", "user__email")
    assert set(people) == {
        ("Ada", 0, "Ada@Example.com"),
        ("Grace", 1, None),
        ("Heidi", None, None),
        ("Ivan", None, None),
    }


def test_who_may_read_a_transcript_stays(brought):
    modes = dict(Transcript.objects.values_list("name", "share_mode"))
    assert modes == {
        "weekly": "semi-private",
        "Weekly": "private",
        "stuck": "public",
        "broken": "private",
        "everybody's": "private",
        "again": "private",
    }
    assert Transcript.objects.get(is_everybodys=True).name == "everybody's"


def test_what_was_not_finished_there_is_not_waited_for(brought):
    stuck, broken = (Transcript.objects.get(pk=transcript_id(number)) for number in (3, 4))
    assert (stuck.status, broken.status, broken.duration) == ("error", "error", 0)
    assert "Reflector had not finished it" in stuck.note


def test_of_two_transcripts_of_a_recording_both_come(brought):
    again = Transcript.objects.get(pk=transcript_id(10))
    assert again.recording is None
    assert again.segments.get().text == "会议讨论"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 10])
def test_the_pages_and_the_api_show_it(brought, client, number):
    transcript = Transcript.objects.get(pk=transcript_id(number))
    client.force_login(transcript.user)
    assert client.get(f"/transcripts/{transcript.pk}").status_code == 200
    api = api_for(transcript.user)
    for path in ("", "/topics/with-words", "/participants"):
        assert api.get(f"/v1/transcripts/{transcript.pk}{path}").status_code == 200


def test_a_room_s_page_shows_its_meetings_with_the_names_of_topics(brought, client):
    ada = get_user_model().objects.get(email="Ada@Example.com")
    client.force_login(ada)
    assert client.get("/rooms/weekly").status_code == 200
    topics = api_for(ada).get(f"/v1/transcripts/{transcript_id(1)}/topics").json()
    assert [(topic["title"], topic["summary"]) for topic in topics] == [
        ("Money", "What there is"),
        ("The end", ""),
    ]


def test_the_search_finds_it(brought):
    ada = get_user_model().objects.get(email="Ada@Example.com")
    for query, number in (("budget", 1), ("grace", 1), ("会议", 10)):
        ranks, total = search.ranked(listed_for(ada), search.Query.parse(query), 10, 0)
        assert ([str(pk) for pk in ranks], total) == ([transcript_id(number)], 1), query


# Twice


def test_a_second_time_nothing_is_new(source, taken, brought):
    before = snapshot()
    again = numbers(bring(source))
    assert [
        (name, row[:4]) for name, row in again.items() if name in ("rooms", "meetings", "recordings", "transcripts")
    ] == [
        ("rooms", [0, 5, 0, 0]),
        ("meetings", [0, 3, 0, 0]),
        ("recordings", [0, 6, 0, 0]),
        ("transcripts", [0, 6, 0, 0]),
    ]
    assert snapshot() == before


def snapshot():
    models = (Room, Meeting, Consent, Recording, Transcript, get_user_model(), ImportedRow)
    return repr([list(model.objects.order_by("pk").values()) for model in models])


def test_what_was_changed_here_stays_and_is_counted(source, taken, brought):
    Room.objects.filter(pk=room_id(1)).update(name="renamed", is_locked=False)
    Transcript.objects.filter(pk=transcript_id(1)).update(title="My own", share_mode="public")
    again = numbers(bring(source))
    assert (again["rooms"][2], again["transcripts"][2]) == (1, 1)
    assert (Room.objects.get(pk=room_id(1)).name, Room.objects.get(pk=room_id(1)).is_locked) == ("renamed", False)
    assert Transcript.objects.get(pk=transcript_id(1)).share_mode == "public"


def test_what_was_deleted_here_does_not_come_back(source, taken, brought):
    Transcript.objects.get(pk=transcript_id(1)).delete()
    Room.objects.get(pk=room_id(1)).delete()
    again = numbers(bring(source))
    assert (again["rooms"][3], again["transcripts"][3]) == (1, 1)
    assert not Room.objects.filter(pk=room_id(1)).exists()
    assert not Transcript.objects.filter(pk=transcript_id(1)).exists()


def test_what_is_new_there_comes_the_second_time(own_source):
    bring(own_source)
    change(own_source, "UPDATE meeting SET is_active = false WHERE id = '71234569'")
    again = numbers(bring(own_source))
    assert (again["meetings"][0], again["recordings"][0]) == (1, 1)
    running = Meeting.objects.get(provider_meeting_id="71234569")
    assert Recording.objects.get(pk=recording_id(6)).meeting == running


# Other versions, other databases


def test_an_older_version_lacks_some_columns_and_tables(own_source, owner):
    change(
        own_source,
        'DROP TABLE meeting_consent, daily_participant_session, "user"',
        "ALTER TABLE room DROP ics_url, DROP ics_enabled, DROP webhook_url, DROP webhook_secret, DROP skip_consent, "
        "DROP email_transcript_to, DROP store_video",
        "ALTER TABLE meeting DROP store_video, ALTER start_date TYPE timestamp, ALTER end_date TYPE timestamp",
        "ALTER TABLE recording DROP track_keys, DROP deleted_at",
        "ALTER TABLE transcript DROP deleted_at, DROP action_items",
    )
    found = numbers(bring(own_source, "--owner", owner.username))
    assert (found["rooms"][0], found["rooms"][4]) == (7, 0)
    assert found["transcripts"][0] == 8
    assert f"{Meeting.objects.get(provider_meeting_id='71234567').start_date:%Y-%m-%d %H:%M}" == "2025-03-02 09:00"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE transcript", "This is not the database of a Reflector: it has no table “transcript”."),
        ("ALTER TABLE room DROP COLUMN name", "its table “room” has no column “name”."),
    ],
)
def test_another_database_is_refused_by_what_it_lacks(own_source, statement, said):
    change(own_source, statement)
    with pytest.raises(CommandError, match=re.escape(said)):
        bring(own_source)
    assert Room.objects.count() == 0


def test_nothing_is_written_to_the_source(source, taken):
    before = pg_state(source)
    bring(source)
    assert pg_state(source) == before


def pg_state(url):
    with psycopg.connect(url) as database:
        return database.execute("SELECT relname, xmin FROM pg_class WHERE relnamespace = 2200 ORDER BY 1").fetchall(), [
            database.execute(f"SELECT xmin, ctid, id FROM {table} ORDER BY id").fetchall()  # noqa: S608
            for table in ('"user"', "room", "meeting", "recording", "transcript")
        ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:1/reflector", "The database cannot be reached: "),
        ("postgresql+asyncpg://ada:hunter2@127.0.0.1:1/reflector", "The database cannot be reached: "),
        ("postgresql://ada:hunter2%zz@127.0.0.1/reflector", "The address of the database cannot be read."),
        ("mysql://ada:hunter2@127.0.0.1/reflector", "Only databases of PostgreSQL can be read"),
        ("no-such-file.sql", "A dump is restored into an empty database first"),
    ],
)
def test_a_source_that_cannot_be_read_is_named_without_its_password(db, url, said):
    with pytest.raises(CommandError, match=re.escape(said)) as found:
        bring(url)
    assert "hunter2" not in str(found.value)
    assert found.value.__cause__ is None


@pytest.mark.parametrize(("name", "said"), [("nobody", "there is no account 'nobody'")])
def test_an_owner_who_is_not_here_is_named(db, source, name, said):
    with pytest.raises(CommandError, match=said):
        bring(source, "--owner", name)


@override_settings(RECORDING_RETENTION_DAYS=30)
def test_recordings_are_kept_for_their_time_from_now_on(brought):
    call_command("prune", stdout=io.StringIO())
    assert Recording.objects.get(pk=recording_id(1)).deleted_at is None


# Dumps


def dumped(url, path, *options):
    program = shutil.which("pg_dump")
    if program is None:
        pytest.skip("pg_dump is not installed")
    subprocess.run([program, "--no-owner", "--no-privileges", *options, "--file", str(path), url], check=True)
    return str(path)


@pytest.mark.parametrize("options", [[], ["--format=custom"]], ids=["plain", "custom"])
def test_a_dump_is_read_by_way_of_an_empty_database(source, tmp_path, taken, options):
    dump = dumped(source, tmp_path / "reflector.dump", *options)
    with fresh_database(tmp_path, is_empty=True) as scratch:
        assert numbers(bring(dump, "--scratch", scratch))["transcripts"][0] == 6
        with pytest.raises(CommandError, match="not empty"):
            bring(dump, "--scratch", scratch)
        assert numbers(bring(scratch))["transcripts"][:2] == [0, 6]


def test_a_dump_that_cannot_be_restored_says_why_and_leaves_nothing(source, tmp_path, taken):
    dump = Path(dumped(source, tmp_path / "reflector.sql"))
    broken = dump.read_text().replace("CREATE TABLE public.transcript", "CREATE TABLE nowhere.transcript")
    dump.write_text(broken)
    with fresh_database(tmp_path, is_empty=True) as scratch:
        with pytest.raises(CommandError, match="psql could not restore the dump: schema") as found:
            bring(str(dump), "--scratch", scratch)
        assert [secret for secret in SECRETS if secret in str(found.value)] == []
        with psycopg.connect(scratch) as database:
            assert database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_compressed_dump_is_to_be_unpacked_first(db, tmp_path):
    (tmp_path / "reflector.sql.gz").write_bytes(b"\x1f\x8b\x08\x00rest")
    with pytest.raises(CommandError, match="unpack it first"):
        bring(str(tmp_path / "reflector.sql.gz"), "--scratch", "postgresql://127.0.0.1:1/scratch")
