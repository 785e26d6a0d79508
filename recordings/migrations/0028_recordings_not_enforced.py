from django.db import migrations, models

from platforms.indexing import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('recordings', '0027_recording_enforced_at'),
    ]

    operations = [
        AddIndexOnline(
            model_name='recording',
            index=models.Index(condition=models.Q(('enforced_at', models.F('updated_at')), _negated=True), fields=['state', 'updated_at'], name='recording_not_enforced'),
        ),
    ]
