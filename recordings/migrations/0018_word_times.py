from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0017_search_folds_accents")]

    operations = [
        migrations.AddField(
            "segment",
            "words",
            models.JSONField(
                null=True, editable=False, help_text="[start, end, text] each; joined they are the text. Null: not known."
            ),
        ),
    ]
