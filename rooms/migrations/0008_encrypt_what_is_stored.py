from django.db import migrations
from django.db.models import TextField, Value

NAMES = ["ics_url", "webhook_secret", "webhook_url"]


def encrypt(apps, schema_editor):
    for room in apps.get_model("rooms", "Room").objects.only(*NAMES).iterator():
        if any(room.__dict__[name] for name in NAMES):
            room.save(update_fields=NAMES)


def decrypt(apps, schema_editor):
    rooms = apps.get_model("rooms", "Room").objects
    for room in rooms.only(*NAMES).iterator():
        texts = {name: text for name in NAMES if (text := getattr(room, name))}
        if texts:
            rooms.filter(pk=room.pk).update(**{name: Value(text, TextField()) for name, text in texts.items()})


class Migration(migrations.Migration):
    dependencies = [("rooms", "0007_encrypted_fields")]

    operations = [migrations.RunPython(encrypt, decrypt)]
