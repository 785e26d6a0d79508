from django.db import migrations, models

from platforms.indexing import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("rooms", "0026_rooms_with_calendars")]

    operations = [
        AddIndexOnline(
            "room",
            models.Index(
                fields=["created_at", "id", "owner"], condition=models.Q(is_shared=True), name="room_shared_of_owner"
            ),
        ),
        RemoveIndexOnline("room", "room_shared"),
    ]
