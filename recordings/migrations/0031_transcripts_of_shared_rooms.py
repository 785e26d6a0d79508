"""PostgreSQL knows of each transcript whether its room is shared, so that lists need not look into every shared room.

Triggers keep that true, whoever writes: no model knows of the column, so that nobody saves what it was before. SQLite,
which is for small installations, goes on to look into the rooms.
"""

from django.db import migrations, transaction

COLUMN = "ALTER TABLE recordings_transcript ADD COLUMN IF NOT EXISTS in_shared_room boolean NOT NULL DEFAULT false"
TRIGGERS = [
    # The room is locked until the transcript is there for others: who changes the room meanwhile waits, and finds it.
    """
    CREATE OR REPLACE FUNCTION transcript_learns_of_its_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        SELECT is_shared INTO NEW.in_shared_room FROM rooms_room WHERE id = NEW.room_id FOR SHARE;
        NEW.in_shared_room := coalesce(NEW.in_shared_room, false);
        RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION room_tells_its_transcripts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE recordings_transcript SET in_shared_room = NEW.is_shared
        WHERE room_id = NEW.id AND in_shared_room <> NEW.is_shared;
        RETURN NULL;
    END $$
    """,
    "DROP TRIGGER IF EXISTS transcript_made ON recordings_transcript",
    """
    CREATE TRIGGER transcript_made BEFORE INSERT ON recordings_transcript
    FOR EACH ROW WHEN (NEW.room_id IS NOT NULL) EXECUTE FUNCTION transcript_learns_of_its_room()
    """,
    "DROP TRIGGER IF EXISTS transcript_moved ON recordings_transcript",
    """
    CREATE TRIGGER transcript_moved BEFORE UPDATE OF room_id ON recordings_transcript
    FOR EACH ROW WHEN (NEW.room_id IS DISTINCT FROM OLD.room_id) EXECUTE FUNCTION transcript_learns_of_its_room()
    """,
    # A transaction may make the room after the transcript.
    "DROP TRIGGER IF EXISTS shared_room_made ON rooms_room",
    """
    CREATE TRIGGER shared_room_made AFTER INSERT ON rooms_room
    FOR EACH ROW WHEN (NEW.is_shared) EXECUTE FUNCTION room_tells_its_transcripts()
    """,
    "DROP TRIGGER IF EXISTS room_sharing_changed ON rooms_room",
    """
    CREATE TRIGGER room_sharing_changed AFTER UPDATE OF is_shared ON rooms_room
    FOR EACH ROW WHEN (NEW.is_shared IS DISTINCT FROM OLD.is_shared) EXECUTE FUNCTION room_tells_its_transcripts()
    """,
]
OF_ROOM = """
    UPDATE recordings_transcript SET in_shared_room = room.is_shared
    FROM (SELECT id, is_shared FROM rooms_room WHERE id = %s FOR SHARE) AS room
    WHERE room_id = room.id AND in_shared_room <> room.is_shared
"""
INDEX = [
    "DROP INDEX CONCURRENTLY IF EXISTS transcript_of_shared_room",
    """
    CREATE INDEX CONCURRENTLY transcript_of_shared_room ON recordings_transcript (created_at, id)
    INCLUDE (user_id, is_everybodys, share_mode) WHERE in_shared_room AND deleted_at IS NULL
    """,
]
BACK = [
    "DROP INDEX CONCURRENTLY IF EXISTS transcript_of_shared_room",
    "DROP TRIGGER IF EXISTS room_sharing_changed ON rooms_room",
    "DROP TRIGGER IF EXISTS shared_room_made ON rooms_room",
    "DROP TRIGGER IF EXISTS transcript_moved ON recordings_transcript",
    "DROP TRIGGER IF EXISTS transcript_made ON recordings_transcript",
    "DROP FUNCTION IF EXISTS room_tells_its_transcripts",
    "DROP FUNCTION IF EXISTS transcript_learns_of_its_room",
    "ALTER TABLE recordings_transcript DROP COLUMN IF EXISTS in_shared_room",
]


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with transaction.atomic(schema_editor.connection.alias):
        for statement in [COLUMN, *TRIGGERS]:
            schema_editor.execute(statement)
    mark(apps, schema_editor)
    for statement in INDEX:
        schema_editor.execute(statement)


def mark(apps, schema_editor):
    """Room by room, so that writers wait for no more than one of them."""
    rooms = apps.get_model("rooms", "Room").objects.using(schema_editor.connection.alias)
    for pk in list(rooms.filter(is_shared=True).values_list("pk", flat=True)):
        schema_editor.execute(OF_ROOM, [pk])


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in BACK:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("recordings", "0030_mail_to_the_log"), ("rooms", "0027_shared_rooms_of_owners")]

    operations = [migrations.RunPython(make, remove)]
