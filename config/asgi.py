"""What the web server runs in each of its processes; `manage.py web` starts it."""

import os
import resource

from django.core.wsgi import get_wsgi_application

from config.processes import end_with_parent
from platforms.health.pulse import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from config.web import guard  # noqa: E402  (needs the apps)
from config.web.front import Front  # noqa: E402

FILES = 65_536  # that may be open at a time; each connection is one

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most if most != resource.RLIM_INFINITY else FILES, most))
end_with_parent()
pulse.begin(keeps_connection=True)
guard.begin()
application = Front(django_application)
