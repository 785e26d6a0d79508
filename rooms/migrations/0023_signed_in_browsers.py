from datetime import timedelta

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models

AT_ONCE = 500  # rows


def note_those_there_are(apps, schema_editor):
    """A session that is not noted could not be ended by its user."""
    User = apps.get_model(settings.AUTH_USER_MODEL)
    Browser = apps.get_model("rooms", "SignedInBrowser")
    Session = apps.get_model("sessions", "Session")
    users = {str(key): key for key in User.objects.values_list("pk", flat=True)}
    store, found = SessionStore(), []
    sessions = Session.objects.filter(expire_date__gt=django.utils.timezone.now())
    for session in sessions.iterator(AT_ONCE):
        user = users.get(store.decode(session.session_data).get("_auth_user_id", ""))
        if user is not None:
            saved_at = session.expire_date - timedelta(seconds=settings.SESSION_COOKIE_AGE)
            found.append(Browser(session_id=session.pk, user_id=user, since=saved_at, last_seen_at=saved_at))
    Browser.objects.bulk_create(found, batch_size=AT_ONCE)


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0022_flat_lists'),
        ('sessions', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SignedInBrowser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(blank=True, help_text='Such as Firefox on Linux.', max_length=60)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now, help_text='To ten minutes.')),
                ('session', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='browser', to='sessions.session')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='browsers', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-last_seen_at', '-pk'],
                'default_permissions': (),
            },
        ),
        migrations.RunPython(note_those_there_are, migrations.RunPython.noop),
    ]
