import os

from django.core.wsgi import get_wsgi_application

from platforms.health.pulse import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from config.web import guard  # noqa: E402  (needs the apps)

pulse.begin(keeps_connection=True)
guard.begin()
