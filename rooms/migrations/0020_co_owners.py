from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0019_titles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='room',
            name='co_owners',
            field=models.ManyToManyField(blank=True, help_text='They may do all that its owner may, but for deleting it and naming others.', related_name='co_owned_rooms', to=settings.AUTH_USER_MODEL),
        ),
    ]
