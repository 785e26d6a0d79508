"""Fixtures that every test may use: the cast, an API client for each, and surroundings that are the same each time."""

from unittest import mock

import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.db import connections
from rest_framework.test import APIClient

from config.celery import app as celery_app
from config.postgresql import base
from platforms import logs
from platforms.audit import trail
from platforms.bounded import children
from platforms.webhooks import inbox, refusals
from rooms.models import Room

pytest_plugins = ["tests.support.documented", "tests.support.lanes", "tests.support.live", "tests.support.services"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """SQLite in a file, as in production: in memory, threads would lock each other out in ways of their own.

    On PostgreSQL tests may empty the audit trail, as they do all tables; and the transaction that a test is in may be
    left alone for long, while it waits for processes that it has started.
    """
    if connections["default"].vendor == "postgresql":
        base.IDLE_SECONDS = 3600
        options = connections["default"].settings_dict["OPTIONS"]
        options["options"] = f"{options.get('options', '')} -c audit.truncating=on".strip()
    else:
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connections["default"].settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(autouse=True, scope="session")
def _broker_in_memory():
    """Messages go nowhere: a test that wants work done does it."""
    celery_app.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(autouse=True, scope="session")
def _end_hosts_of_children():
    yield
    children.stop_all()


@pytest.fixture(autouse=True)
def _clean_surroundings(request, settings, tmp_path):
    """Files of one test must not be seen by another."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MIDDLEWARE = ["tests.support.documented.CheckAnswers", *settings.MIDDLEWARE]
    if request.node.get_closest_marker("drill"):
        settings.WAIT_DIVISOR = 1  # it keeps the machine so busy that what is under way may last longer
    folder = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "recordings"},
    }
    settings.STORAGES = {**settings.STORAGES, "recordings": folder}
    # How slow a password's hash is decides nothing here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    trail.looks.forget()  # of the same people, by other tests
    yield
    assert not logs.current(), "what lines of the log are about has not ended"
    assert current_app.main == celery_app.main, "a test made another Celery application the current one"
    refusals.forget()  # a worker would be told, in the broker of the next test
    inbox.close()  # its connections would keep the database from being dropped


def make_user(name, **fields):
    return get_user_model().objects.create_user(name, f"{name}@example.com", "correct horse battery", **fields)


@pytest.fixture
def owner(db):
    return make_user("owner")


@pytest.fixture
def colleague(db):
    """Signed in, but neither owner nor staff."""
    return make_user("colleague")


@pytest.fixture
def staff(db):
    return make_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def room(owner):
    return Room.objects.create(name="standup", owner=owner, platform="mock")


def api_for(user=None):
    client = APIClient()
    if user:
        client.force_login(user)
    return client


def error(detail):
    """The body of an error, whatever its code."""
    return {"detail": detail, "code": mock.ANY}
