"""Tables full of rows, made by the database itself: a million take seconds, on SQLite and on PostgreSQL.

Row n of one table belongs to row n of the others. `HALF` owns every second room, `FEW` fifty of them whatever the
count, a thousand others have the rest; one room of a thousand is shared. One meeting of a thousand is live, and a
hundred at the least, as many as a page shows: a page of few rows costs less than a full one.
"""

from django.contrib.auth import get_user_model
from django.db import connection

from meetings.models import Meeting
from platforms.models import WebhookEvent
from recordings.models import Consent, Erasure, Ingest, Recording, SearchDocument, Segment, Submission, Transcript
from rooms.models import Room

HALF, FEW, OTHERS = 1, 2, 1000
ROOMS_OF_FEW = 50
LIVE = 100
PASSWORD = "!"  # nobody logs in by it
COMMON, RARE = "everywhere", "once"

# An id, a moment of the last year (the greater n, the longer ago), and n as text of a fixed length.
WORDS_OF = {
    "postgresql": {
        "id": "(lpad(to_hex({kind}), 8, '0') || lpad(to_hex(n), 24, '0'))::uuid",
        "moment": "now() - interval '365 days' * (n::float / {count})",
        "number": "lpad(n::text, 9, '0')",
    },
    "sqlite": {
        "id": "printf('%08x%024x', {kind}, n)",
        "moment": "strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%f seconds', -n * 31536000.0 / {count}))",
        "number": "printf('%09d', n)",
    },
}
KINDS = [Room, Meeting, Recording, Transcript, Consent, WebhookEvent]


def fill(count, segments=1, lines=1, events=1):
    """`segments` of each transcript, `lines` of text in what the search reads of it, `events` for each meeting."""
    make_people()
    moment = word("moment", count=count)
    owner = f"CASE WHEN n % 2 = 0 THEN {HALF} WHEN n % {count // ROOMS_OF_FEW} = 1 THEN {FEW} ELSE 3 + n % {OTHERS} END"
    number = word("number")
    is_shared = "n % 1000 = 1"
    is_live = f"n % {min(1000, count // LIVE)} = 1"
    insert(
        Room,
        count,
        id=id_of(Room),
        name=f"'room-' || {number}",
        owner_id=owner,
        is_shared=is_shared,
        created_at=moment,
        updated_at=moment,
    )
    insert(
        Meeting,
        count,
        id=id_of(Meeting),
        room_id=id_of(Room),
        room_label=f"'room-' || {number}",
        state=f"CASE WHEN {is_live} THEN 'live' ELSE 'ended' END",
        slot=number,
        platform="'whereby'",
        platform_reason="'The default platform.'",
        provider_meeting_id=number,
        room_name=f"'/team-' || {number}",
        room_url="'https://example.invalid/' || n",
        start_date=moment,
        end_date=f"CASE WHEN {is_live} THEN {word('moment', count=-count)} ELSE {moment} END",
        num_clients=f"CASE WHEN {is_live} THEN 1 ELSE 0 END",
        recording_started_at=moment,
        recording_ended_at=moment,
    )
    is_refused = "n % 100 = 50"
    insert(
        Recording,
        count,
        id=id_of(Recording),
        platform="'whereby'",
        meeting_id=id_of(Meeting),
        state=f"CASE WHEN {is_refused} THEN 'deleted' ELSE 'done' END",
        deleted_at=f"CASE WHEN {is_refused} THEN {moment} END",
        provider_recording_id=number,
        room_name=f"'/team-' || {number}",
        recorded_at=moment,
        created_at=moment,
        updated_at=moment,
        enforced_at=moment,
        duration="60",
        size="1000",
        **owned_by(Recording, owner),
    )
    insert(
        Erasure,
        count,
        where=is_refused,
        state="'done'",
        recording_id=id_of(Recording),
        location="'storage'",
        next_attempt_at=moment,
        created_at=moment,
        finished_at=moment,
    )
    for job in (Ingest, Submission):
        insert(
            job,
            count,
            state="'done'",
            recording_id=id_of(Recording),
            next_attempt_at=moment,
            created_at=moment,
            finished_at=moment,
        )
    insert(
        Transcript,
        count,
        id=id_of(Transcript),
        user_id=owner,
        recording_id=id_of(Recording),
        room_id=id_of(Room),
        name=f"'meeting ' || {number}",
        status="'ended'",
        source_kind="'room'",
        share_mode="'semi-private'",
        duration="60",
        change_seq=f"{count} - n",
        created_at=moment,
    )
    said = " || ".join([f"'{COMMON} word' || (n % 1000) || ' {RARE}' || {number}"])
    row = f"' ' || {said} || ' '"
    body = repeated(f"{said}{newline()}", lines)
    vector = {"vector": f"setweight(to_tsvector('simple', {row}), 'B')"} if is_postgresql() else {}
    insert(
        SearchDocument,
        count,
        id="n",
        transcript_id=id_of(Transcript),
        title=f"'meeting ' || {number}",
        body=body,
        title_words=f"' meeting ' || {number} || ' '",
        body_words=repeated(row, lines),
        **vector,
    )
    for line in range(segments):
        insert(Segment, count, transcript_id=id_of(Transcript), start=str(line), end=str(line + 1), text=said)
    insert(
        Consent, count, id=id_of(Consent), meeting_id=id_of(Meeting), given=f"NOT ({is_refused})", answered_at=moment
    )
    lately = word("moment", count=count * events * 20)  # what is older is forgotten
    insert(
        WebhookEvent,
        count * events,
        id=id_of(WebhookEvent),
        platform="'daily'",
        event_id=number,
        type="'participant.joined'",
        body="'{}'",
        state="'done'",
        outcome="'applied'",
        received_at=lately,
        next_attempt_at=lately,
        finished_at=lately,
    )
    if is_postgresql():  # which counts by itself in production; nobody has SQLite do it
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def make_people():
    people = get_user_model()
    names = ["half", "few", *(f"person{number}" for number in range(OTHERS))]
    people.objects.bulk_create(
        people(pk=pk, username=name, email=f"{name}@example.com", password=PASSWORD)
        for pk, name in enumerate(names, start=1)
    )
    people.objects.create(pk=len(names) + 1, username="staff", password=PASSWORD, is_staff=True, is_superuser=True)
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('auth_user_id_seq', %s)", [len(names) + 1])


def insert(model, count, where="", **expressions):
    """A row for each n from 1 to `count`; what has no expression is as in a new row."""
    columns, values, parameters = [], [], []
    for field in model._meta.concrete_fields:
        if field.generated or (field.primary_key and field.attname not in expressions):
            continue
        columns.append(f'"{field.column}"')
        if field.attname in expressions:
            values.append(expressions.pop(field.attname))
        else:
            values.append("%s")
            parameters.append(field.get_db_prep_save(field.get_default(), connection))
    for column, expression in expressions.items():  # which Django knows nothing of
        columns.append(column)
        values.append(expression)
    values = [value if value == "%s" else value.replace("%", "%%") for value in values]
    chosen = f"WHERE {where}".replace("%", "%%") if where else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "  # noqa: S608  (nothing comes from outside)
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) "
            f"SELECT {', '.join(values)} FROM numbers {chosen}",
            parameters,
        )


def is_postgresql():
    return connection.vendor == "postgresql"


def word(name, **values):
    return WORDS_OF[connection.vendor][name].format(**values)


def id_of(model):
    return word("id", kind=KINDS.index(model) + 1)


def newline():
    return " || chr(10)" if is_postgresql() else " || char(10)"


def repeated(text, times):
    return text if times == 1 else f"repeat({text}, {times})"


def owned_by(model, owner):
    return {"owner_id": owner} if any(field.attname == "owner_id" for field in model._meta.concrete_fields) else {}
