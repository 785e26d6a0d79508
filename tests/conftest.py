"""Fixtures that every test may use: the cast, an API client for each, and surroundings that are the same each time."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from rest_framework.test import APIClient

from rooms.models import Room


@pytest.fixture(autouse=True)
def _clean_surroundings(settings, tmp_path):
    """Throttles and files of one test must not be seen by another."""
    cache.clear()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.CELERY_BROKER_URL = "memory://"


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
