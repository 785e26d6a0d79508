"""The product's own settings, and pages and a task that fail with all that they know in what they say."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.support.telemetry_urls"
CELERY_IMPORTS = ["tests.support.telemetry_urls"]
