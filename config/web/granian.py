"""`python -m config.web.granian`: Granian, which forks its processes from one that has loaded the product already.

So it is in memory once, not once for each, and the first of them answers that much sooner.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application
from granian.cli import entrypoint


def load() -> None:
    """All but config.asgi, which begins threads: they would not be in the processes that are forked."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    get_wsgi_application()
    import config.urls
    import config.web.front
    import config.web.guard  # noqa: F401

    gc.freeze()  # what is never collected is never written to, and so stays shared


if __name__ == "__main__":
    load()
    entrypoint()  # type: ignore[no-untyped-call]
