"""No list reads a large table as a whole: the plans of its statements, on thousands of rows."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from config.celery import app
from platforms import listing
from recordings.models import Transcript
from tests.conftest import api_for
from tests.support.rows import COMMON, FEW, HALF, RARE, fill

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

ROWS = 20_000
LARGE = {
    *("rooms_room", "meetings_meeting", "platforms_webhookevent", "recordings_recording", "recordings_transcript"),
    *("recordings_ingest", "recordings_submission", "recordings_searchdocument", "recordings_segment"),
    "recordings_consent",
}
LISTS = [
    "/v1/rooms",
    "/v1/rooms?page=100",
    "/v1/transcripts",
    "/v1/transcripts?sort_by=change_seq&change_seq_from=5",
    "/v1/transcripts?size=5",
    "/v1/transcripts?source_kind=live",
    "/v1/transcripts/search?q=",
    f"/v1/transcripts/search?q={COMMON}&source_kind=live",
    "/v1/recordings",
    "/v1/rooms/name/room-000000020",
    "/v1/rooms/room-000000001/meetings/active",
    f"/v1/transcripts/search?q={RARE}000000020",
    f"/v1/transcripts/search?q={COMMON}",
]
# In Admin.
TABLES = [
    *("rooms/room/", "meetings/meeting/", "meetings/meeting/?state__exact=failed"),
    *("recordings/recording/", "recordings/recording/?kind__exact=upload", "recordings/recording/?can_retry__exact=1"),
    *("recordings/transcript/", "recordings/transcript/?status__exact=error"),
    *("recordings/transcript/?source_kind__exact=live", "recordings/transcript/?audio_deleted__exact=1"),
    *("rooms/room/?o=-5", "meetings/meeting/?o=1", "recordings/recording/?o=3", "recordings/transcript/?o=2"),
    *("recordings/ingest/", "recordings/submission/", "recordings/consent/", "recordings/ingest/?q=nobody"),
]
TASKS = [
    "platforms.tasks.sweep",
    "recordings.tasks.enforce_consent",
    "recordings.tasks.enforce_all_consent",
    "recordings.tasks.prune_recordings",
    "rooms.tasks.sync_calendars",
]


@pytest.fixture(scope="module", autouse=True)
def _rows(django_db_setup, django_db_blocker, request):
    """Filled once, and emptied when the last test of this file is over."""
    if connection.vendor != "postgresql":
        yield
        return
    with django_db_blocker.unblock():
        fill(ROWS)
        yield
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(sorted(LARGE))}, auth_user CASCADE")


@pytest.fixture(autouse=True)
def _counts_are_small(monkeypatch):
    """Beside the tables, as in production."""
    monkeypatch.setattr(listing, "COUNTED", 500)
    monkeypatch.setattr("rooms.api.pagination.COUNTED", 500)


def read_as_a_whole(queries):
    """Large tables of which a statement reads all rows."""
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            sql = query["sql"].strip().removeprefix("SET LOCAL enable_seqscan = off;").lstrip()
            if sql.startswith(("SELECT", "WITH")):
                cursor.execute(f"EXPLAIN {sql}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
                found += [plan for table in LARGE if f"Seq Scan on {table} " in plan]
    return found


def most_rows(queries):
    """That a step of a statement's plan read, all its loops together; and that statement."""
    most = (0, "")
    with connection.cursor() as cursor:
        for query in queries:
            if query["sql"].lstrip().startswith(("SELECT", "WITH", "(SELECT")):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                most = max(most, (most_of(cursor.fetchone()[0][0]["Plan"]), query["sql"]))
    return most


def most_of(step):
    read = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
    return max(read * step["Actual Loops"], *map(most_of, step.get("Plans", [])), 0)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("person", [HALF, FEW])
def test_a_list(person, path):
    api = api_for(get_user_model().objects.get(pk=person))
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).status_code == 200
    assert read_as_a_whole(queries) == []


def plans_of_counts(queries):
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            for sql in query["sql"].split("; "):
                if sql.startswith("SELECT count(*) FROM ("):
                    cursor.execute(f"EXPLAIN {sql}")
                    found.append("\n".join(line for (line,) in cursor.fetchall()))
    return found


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/v1/rooms", "room_shared_of_owner"),
        ("/v1/transcripts", "transcript_of_shared_room"),
        ("/v1/transcripts/search?q=", "transcript_of_shared_room"),
    ],
)
def test_what_is_shared_is_counted_by_an_index_alone(path, index):
    api = api_for(get_user_model().objects.get(pk=FEW))
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).status_code == 200
    [plan] = plans_of_counts(queries)
    assert f"Index Only Scan using {index} on" in plan


@pytest.mark.parametrize("person", [HALF, FEW])
@pytest.mark.parametrize("term", ["nobody has it", "meeting"])
def test_a_part_of_a_name_is_looked_for_among_the_newest(person, term):
    api = api_for(get_user_model().objects.get(pk=person))
    with CaptureQueriesContext(connection) as queries:
        assert api.get("/v1/transcripts", {"search_term": term}).status_code == 200
    assert read_as_a_whole(queries) == []
    rows, statement = most_rows(queries)
    assert rows < ROWS / 5, statement


@pytest.mark.parametrize("person", [HALF, FEW])
def test_the_first_page(client, person):
    client.force_login(get_user_model().objects.get(pk=person))
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    assert read_as_a_whole(queries) == []
    rows, statement = most_rows(queries)
    assert rows < ROWS / 5, statement


def test_the_first_page_of_admin_counts_live_meetings_by_an_index_alone(client):
    client.force_login(get_user_model().objects.get(username="staff"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/admin/").status_code == 200
    [counted] = [query["sql"] for query in queries if 'FROM "meetings_meeting"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {counted}")
        assert "Index Only Scan using meeting_by_state" in str(cursor.fetchall())


@pytest.mark.parametrize("path", TABLES)
def test_a_list_in_admin(client, path):
    client.force_login(get_user_model().objects.get(username="staff"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/admin/{path}").status_code == 200
    rows, statement = most_rows(queries)
    assert rows < ROWS / 5, statement


@pytest.mark.parametrize("kind", ["rooms/room", "meetings/meeting", "recordings/recording", "recordings/transcript"])
@pytest.mark.parametrize("words", ["000000020", "room-000000020", "nobody has it"])
def test_a_search_in_admin(client, kind, words):
    client.force_login(get_user_model().objects.get(username="staff"))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/admin/{kind}/", {"q": words}).status_code == 200
    assert read_as_a_whole(queries) == []


@pytest.mark.parametrize("name", TASKS)
def test_a_task_of_the_clock(name):
    app.loader.import_default_modules()
    with CaptureQueriesContext(connection) as queries:
        app.tasks[name]()
    assert read_as_a_whole(queries) == []


def test_of_a_common_word_the_newest_are_ranked_and_older_ones_follow_by_date():
    api = api_for(get_user_model().objects.get(pk=HALF))
    pages = [api.get(f"/v1/transcripts/search?q={COMMON}&limit=100&offset={offset}").json() for offset in (0, 250, 600)]
    assert [page["total"] for page in pages] == [301, 351, 701]
    assert [len(page["results"]) for page in pages] == [100, 100, 100]
    visible = Transcript.objects.filter(Q(user=HALF) | Q(room__is_shared=True)).order_by("-created_at")
    older = visible.values_list("pk", flat=True)[600:700]
    assert [found["id"] for found in pages[2]["results"]] == [str(pk) for pk in older]
