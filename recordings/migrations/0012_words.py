import django.db.models.deletion
from django.db import migrations, models

RENAMED = {"destruction": "erasure", "handoff": "submission"}


def rename_permissions(apps, schema_editor):
    """Whoever may see or repeat such jobs goes on to: a permission is known by its name."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for old, new in RENAMED.items():
        for permission in permissions.filter(content_type__app_label="recordings", codename__endswith=f"_{old}"):
            action = permission.codename.removesuffix(f"_{old}")
            permission.codename, permission.name = f"{action}_{new}", f"Can {action} {new}"
            permission.save()


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("recordings", "0011_uploads_in_a_line_of_their_own"),
    ]

    operations = [
        migrations.DeleteModel(name="UploadHandOff"),
        migrations.RenameModel(old_name="HandOff", new_name="Submission"),
        migrations.RenameField(model_name="submission", old_name="kept", new_name="checkpoint"),
        migrations.RenameIndex(model_name="submission", old_name="handoff_due", new_name="submission_due"),
        migrations.CreateModel(
            name="UploadSubmission",
            fields=[],
            options={"proxy": True, "default_permissions": (), "indexes": [], "constraints": []},
            bases=("recordings.submission",),
        ),
        migrations.RemoveConstraint(model_name="destruction", name="one_destruction_per_place"),
        migrations.RenameModel(old_name="Destruction", new_name="Erasure"),
        migrations.RenameField(model_name="erasure", old_name="place", new_name="location"),
        migrations.RenameIndex(model_name="erasure", old_name="destruction_due", new_name="erasure_due"),
        migrations.AlterField(
            model_name="erasure",
            name="recording",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="erasures", to="recordings.recording"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(fields=("recording", "location"), name="one_erasure_per_location"),
        ),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]
