import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Lower

LONGEST = 100


def rename_look_alikes(apps, schema_editor):
    """Of rooms whose names differ in capital letters alone, the oldest keeps its name."""
    rooms = apps.get_model("rooms", "Room")
    taken = set()
    everyone = {name.lower() for name in rooms.objects.values_list("name", flat=True)}
    for room in rooms.objects.order_by("created_at", "pk").only("name"):
        if room.name.lower() in taken:
            room.name = free_name(room.name, everyone)
            everyone.add(room.name.lower())
            room.save(update_fields=["name"])
        taken.add(room.name.lower())


def free_name(name, taken):
    count = 2
    while f"{name[: LONGEST - 5]}-{count}".lower() in taken:
        count += 1
    return f"{name[: LONGEST - 5]}-{count}"


class Migration(migrations.Migration):
    dependencies = [("rooms", "0018_api_key_scopes")]

    operations = [
        migrations.AddField(
            "room",
            "title",
            models.CharField(
                blank=True,
                default="",
                help_text="What people read, in any words and letters. Empty: the name.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            "historicalroom",
            "title",
            models.CharField(
                blank=True,
                default="",
                help_text="What people read, in any words and letters. Empty: the name.",
                max_length=200,
            ),
        ),
        migrations.CreateModel(
            name="FormerName",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("since", models.DateTimeField(auto_now=True)),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="former_names", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.RunPython(rename_look_alikes, migrations.RunPython.noop),
        migrations.AddConstraint(
            "room",
            models.UniqueConstraint(
                Lower("name"), name="room_name_unique_in_any_case", violation_error_message="Room name is not unique"
            ),
        ),
    ]
