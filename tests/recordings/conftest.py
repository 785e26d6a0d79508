"""What tests of recordings have in common."""

import copy

import pytest


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
