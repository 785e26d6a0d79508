"""Tests that need a service which is not there are left out by name, and the first lines of a run say so.

`postgres` tests run when DATABASE_URL is a PostgreSQL database, `redis` tests when REDIS_URL is set, and `speech` tests
where `make speech` has installed what writes down speech.
"""

from django.conf import settings

SERVICES = {
    "postgres": "DATABASE_URL is no PostgreSQL database",
    "redis": "REDIS_URL is not set",
    "speech": "make speech has not been called",
}


def missing():
    there = {
        "postgres": settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
        "redis": bool(settings.REDIS_URL),
        "speech": bool(settings.SPEECH_MODEL),
    }
    return [name for name in SERVICES if not there[name]]


def pytest_configure(config):
    for name, reason in SERVICES.items():
        config.addinivalue_line("markers", f"{name}: left out when {reason}.")


def pytest_report_header(config):
    return [f"tests marked {name} are left out: {SERVICES[name]}" for name in missing()]


def pytest_collection_modifyitems(config, items):
    absent = set(missing())
    left_out = [item for item in items if absent & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
