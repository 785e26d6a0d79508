from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0011_keep_moves"),
    ]

    operations = [
        migrations.DeleteModel(
            name="PlatformChange",
        ),
    ]
