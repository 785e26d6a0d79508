"""The moves that are known so far become part of the rooms' history, behind a record of each room as it is."""

from django.db import migrations

BATCH = 1000  # rooms
LEFT_OUT = {"left", "moved", "change", "history_id", "history_date", "history_type", "history_change_reason", "history_user"}


def keep_moves(apps, schema_editor):
    Room, Record = apps.get_model("rooms", "Room"), apps.get_model("rooms", "HistoricalRoom")
    Move = apps.get_model("rooms", "PlatformChange")
    names = [field.attname for field in Record._meta.fields if field.name not in LEFT_OUT]
    rooms = []
    for room in Room.objects.order_by("pk").only("created_at", *names).iterator(chunk_size=BATCH):
        rooms.append(room)
        if len(rooms) == BATCH:
            keep(rooms, names, Record, Move)
            rooms = []
    keep(rooms, names, Record, Move)


def keep(rooms, names, Record, Move):
    moves = {}
    for move in Move.objects.filter(room__in=rooms).order_by("at", "pk"):
        moves.setdefault(move.room_id, []).append(move)
    records = []
    for room in rooms:
        its = moves.get(room.pk, [])
        values = {name: getattr(room, name) for name in names}
        first = values | {"platform": its[0].left if its else room.platform}
        records.append(Record(history_date=room.created_at, history_type="+", **first))
        records += [
            Record(
                history_date=move.at,
                history_type="~",
                history_user_id=move.by_id,
                moved=True,
                left=move.left,
                **values | {"platform": move.chosen},
            )
            for move in its
        ]
    Record.objects.bulk_create(records, batch_size=BATCH)


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0010_room_history"),
    ]

    operations = [
        migrations.RunPython(keep_moves, migrations.RunPython.noop, elidable=True),
    ]
