"""Of plain views: nothing between them and the web server."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.plain"
globals()["MIDDLEWARE"] = []
