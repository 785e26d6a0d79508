"""Fixtures that every test may use: the cast, an API client for each, and surroundings that are the same each time."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connections
from rest_framework.test import APIClient

from config.celery import app as celery_app
from platforms import inbox
from rooms.models import Room
from tests.services import (  # noqa: F401  (hooks of pytest)
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_report_header,
)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory):
    """SQLite in a file, as in production: in memory, threads would lock each other out in ways of their own."""
    if connections["default"].vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connections["default"].settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(autouse=True, scope="session")
def _broker_in_memory():
    """Nudges go nowhere: a test that wants work done does it."""
    celery_app.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(autouse=True)
def _clean_surroundings(settings, tmp_path):
    """Throttles and files of one test must not be seen by another."""
    cache.clear()
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "recordings"},
    }
    settings.STORAGES = {**settings.STORAGES, "recordings": folder}
    # How slow a password's hash is decides nothing here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    yield
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
