"""How long the first page of Admin takes with 10,000 rooms, 1,000,000 meetings and a plan that runs.

PostgreSQL only: its address is DATABASE_URL, and a database of its own is made there.
"""

import os
import sys
import time
import uuid
from datetime import timedelta

from django.core import management

from tests.bench.search import SERVER, bench_database, percentile, timed

ROOMS = int(os.environ.get("ROOMS", 10_000))
MEETINGS = int(os.environ.get("MEETINGS", 1_000_000))
DAYS = 30  # in which these were
LIVE, FAILED = 300, 3_000  # of the meetings, the latest ones
LOOKS = 40
TARGET = 300.0  # ms


def main():
    if not SERVER.startswith("postgres"):
        sys.exit("platforms-page: set DATABASE_URL to a PostgreSQL server; a database is made there and dropped again.")
    os.environ |= {"WHEREBY_API_KEY": "key", "DAILY_API_KEY": "key", "PUBLIC_URL": "http://localhost"}
    with bench_database():
        management.call_command("collectstatic", "--no-input", verbosity=0)
        from rooms.rollout import watching

        look = as_staff()
        watching.look()
        few = queries_of(look)
        fill()
        watching.look()  # as the clock does every half minute
        look()
        began = time.process_time()
        times = [timed(look) for _ in range(LOOKS)]
        cpu = (time.process_time() - began) * 1000 / LOOKS
        many = queries_of(look)
    print(f"{ROOMS:,} rooms, {MEETINGS:,} meetings: p50 {percentile(times, 50):.0f} ms, ", end="")
    print(f"p95 {percentile(times, 95):.0f} ms (target < {TARGET:.0f}); {cpu:.0f} ms of CPU here")
    print(f"statements: {many}, and {few} with hardly a room")
    if many != few:
        sys.exit("The number of statements is not constant.")


def as_staff():
    """A function that loads the page, as an operator."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from meetings.models import Meeting
    from recordings.models import Recording
    from rooms.models import Room
    from rooms.rollout.decide import decide

    staff = get_user_model().objects.create(username="staff", is_staff=True, is_superuser=True)
    client = Client(headers={"host": "localhost"})
    client.force_login(staff)
    stages = [{"percentage": share, "minimum_hours": 24, "minimum_meetings": 1000} for share in (5, 25, 50, 100)]
    decide({"switched_on": True, "target_platform": "daily", "stages": stages}, staff)
    room = Room.objects.create(name="room", owner=staff)
    values = {"room": room, "room_label": "room", "platform": "whereby", "room_url": "https://rooms.example.com/room"}
    from django.utils import timezone

    now = timezone.now()
    meeting = Meeting.objects.create(
        **values, state="ended", slot="0", provider_meeting_id="0", end_date=now, first_joined_at=now
    )
    Recording.objects.create(
        platform="whereby", provider_recording_id="0", state="done", meeting=meeting, recorded_at=now
    )

    def look():
        answer = client.get("/admin/")
        assert answer.status_code == 200, answer.content
        assert answer.content.count(b'class="module card"') >= 2

    return look


def queries_of(look):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    look()
    with CaptureQueriesContext(connection) as asked:
        look()
    return len(asked)


def fill():
    from django.db import connection
    from django.utils import timezone

    from meetings.models import Meeting
    from platforms.health.figures import BOUNDS, BUCKET, _floor
    from platforms.models import PlatformFigures, WebhookEvent
    from recordings.models import Recording
    from rooms.models import Rollout, Room

    ago = f"(n * interval '{DAYS} days' / {MEETINGS})"
    multiply(Room, ROOMS - 1, id="gen_random_uuid()", name="'room-' || n")
    multiply(
        Meeting, MEETINGS - 1, source=", (SELECT array_agg(id) AS ids FROM rooms_room) AS rooms",
        id="gen_random_uuid()", room_id=f"ids[1 + n % {ROOMS}]", slot="'s' || n", provider_meeting_id="'m' || n",
        platform="CASE WHEN n % 4 = 0 THEN 'daily' ELSE 'whereby' END",
        state=f"CASE WHEN n <= {LIVE} THEN 'live' WHEN n <= {LIVE + FAILED} THEN 'failed' ELSE 'ended' END",
        start_date=f"now() - {ago}", end_date=f"now() - {ago} + interval '1 hour'",
        ended_at=f"now() - {ago} + interval '1 hour'", first_joined_at=f"now() - {ago}",
        recording_started_at=f"now() - {ago}", room_name="'room-' || n",
    )  # fmt: skip
    multiply(
        Recording, MEETINGS // 3, meeting_id="held_in",
        source="JOIN (SELECT id AS held_in, row_number() OVER () AS nth FROM meetings_meeting) AS held ON nth = n",
        id="gen_random_uuid()", provider_recording_id="'r' || n", created_at=f"now() - {ago} * 3",
        platform="CASE WHEN n % 4 = 0 THEN 'daily' ELSE 'whereby' END",
        state="CASE WHEN n % 200 = 0 THEN 'failed' WHEN n < 500 THEN 'processing' ELSE 'done' END",
    )  # fmt: skip
    WebhookEvent.objects.create(id=uuid.uuid4(), platform="whereby", body=b"{}", state="done")
    multiply(
        WebhookEvent, MEETINGS // 2, id="gen_random_uuid()", received_at=f"now() - {ago} * 2",
        state="CASE WHEN n < 200 THEN 'waiting' ELSE 'done' END",
    )  # fmt: skip
    now = _floor(timezone.now(), BUCKET)
    PlatformFigures.objects.bulk_create(
        PlatformFigures(platform=name, since=now - BUCKET * number, calls=190, durations=[10] * len(BOUNDS), opened=60)
        for name in ("whereby", "daily", "mock")
        for number in range(DAYS * 288)
    )
    Rollout.objects.update(stage_began_at=timezone.now() - timedelta(days=2))
    if "watched_since" in {field.name for field in Rollout._meta.fields}:
        Rollout.objects.update(watched_since=timezone.now() - timedelta(days=2))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def multiply(model, times, source="", **values):
    """Copies of the model's one row, with other values where an SQL expression of `n` says so."""
    from django.db import connection

    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    if model._meta.pk.column not in values:
        columns.remove(model._meta.pk.column)
    chosen = ", ".join(values.get(column, f'one_row."{column}"') for column in columns)
    names, table = ", ".join(f'"{column}"' for column in columns), model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {chosen} FROM "  # noqa: S608  (of nothing but what stands here)
            f"(SELECT * FROM {table} LIMIT 1) AS one_row, generate_series(1, {times}) AS n {source}"
        )


if __name__ == "__main__":
    main()
