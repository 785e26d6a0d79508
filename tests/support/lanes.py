"""Which tests run where. Each gets a marker by which `-m` chooses, on top of those that it has:

logic    opens no database, so that it runs once
db       opens one, or needs Redis: runs on SQLite, and on PostgreSQL with Redis
drill    a storm, a killed process, events in every order: takes long, so that it runs once, on PostgreSQL with Redis
         (marked by hand)
browser  needs Chromium: runs once, on SQLite (marked by hand)
"""

import re

import pytest
from django.test import SimpleTestCase

LANES = {
    "logic": "opens no database; told by its fixtures.",
    "db": "opens a database, or needs Redis; told by its fixtures, and by helpers that its file imports.",
    "drill": "a storm, a killed process, events in every order; runs once, on PostgreSQL with Redis.",
    "browser": "needs Chromium; `make test-browser` runs these, `make test` the others.",
}
DATABASE = {"db", "transactional_db", "django_db_setup", "django_db_reset_sequences", "live_server"}
DATABASE_MARKS = ("django_db", "postgres", "redis")
# What makes databases for processes of their own.
DATABASE_HELPERS = {"running_product", "fresh_database", "served_product"}
MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{10,}")


def pytest_configure(config):
    for name, words in LANES.items():
        config.addinivalue_line("markers", f"{name}: {words}")


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(lane_of(item))


def lane_of(item):
    for lane in ("browser", "drill"):
        if item.get_closest_marker(lane):
            return lane
    return "db" if opens_a_database(item) else "logic"


def opens_a_database(item):
    if any(item.get_closest_marker(name) for name in DATABASE_MARKS) or DATABASE & set(item.fixturenames):
        return True
    return bool(DATABASE_HELPERS & set(vars(item.module))) or issubclass(item.cls or object, SimpleTestCase)


def pytest_make_parametrize_id(val):
    """A made-up id or a time in the name of a test would be another one in each of several processes."""
    return MADE_UP.sub("any", val) if isinstance(val, str) and MADE_UP.search(val) else None


# Of several processes that share the tests (pytest-xdist), each has its own data, its own Redis database, and tests
# on its own database (pytest-django's part).


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    from django.conf import settings

    server, _, number = (settings.REDIS_URL or "").rpartition("/")
    for worker, spec in enumerate(specs):
        spec.env["DATA_DIR"] = str(settings.DATA_DIR / f"worker-{worker}")
        if settings.REDIS_URL:
            spec.env["REDIS_URL"] = f"{server}/{int(number) - worker}"
