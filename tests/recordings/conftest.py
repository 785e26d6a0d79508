"""What tests of recordings have in common."""

import copy

import pytest

from recordings.storage import buckets


@pytest.fixture(autouse=True)
def _no_aws_clients_of_other_tests():
    """They keep the address and the key of their time."""
    buckets._made_client.cache_clear()


@pytest.fixture
def recordings_folder(settings, tmp_path):
    """The recordings storage is a folder of the test's own."""
    storages = copy.deepcopy(settings.STORAGES)
    storages["recordings"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "recordings"},
    }
    settings.STORAGES = storages
    return tmp_path / "recordings"
