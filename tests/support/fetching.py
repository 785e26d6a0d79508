"""What tests of fetching have in common: a server whose files go wrong, and a hold on work that can be lost."""

from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.storage import storages

from platforms.work.models import LeaseLost
from recordings.fetching.download import UrlSource, fetch
from recordings.storage.reader import open_stored
from tests.drills import faulty_server
from tests.drills.faulty_server import FaultyServer

CONTENT = bytes(range(256)) * 4000  # a megabyte
NAME = "some-recording/recording"


class Hold:
    """In the place of a job; after `renewals` it is lost."""

    def __init__(self, renewals=1_000_000, seconds=12.0):
        self.LEASE = timedelta(seconds=seconds)
        self.renewals = renewals
        self.renewed = 0

    def renew(self):
        self.renewed += 1
        if self.renewed > self.renewals:
            raise LeaseLost


@pytest.fixture
def server(settings):
    settings.RECORDING_SILENCE_SECONDS = 0.5
    with FaultyServer() as running:
        settings.OUTBOUND_ALLOWED_HOSTS = [running.place]
        yield running


def source_of(server, file):
    return UrlSource(lambda: server.link(file))


def fetched(server, file, held=None, **kwargs):
    return fetch(source_of(server, file), NAME, held or Hold(), **kwargs)


def stored():
    with open_stored(NAME) as file:
        return file.read()


def is_file(found, content):
    """Whether what was fetched, and what is stored, is exactly this."""
    return (found.size, found.sha256) == (len(content), sha256(content).hexdigest()) and stored() == content


def files_left():
    """All files in the recordings folder, by their names in it."""
    folder = Path(storages["recordings"].path(""))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def serving(file, fault):
    """Let something else go wrong with a file meanwhile."""
    before, file.fault = file.fault, fault
    yield
    file.fault = before


def part_then(share, then=faulty_server.nothing):
    """A share of the file to the first request, then something else."""

    def fault(x):
        if x.number == 1:
            x.serve(share)
        else:
            then(x)

    return fault
