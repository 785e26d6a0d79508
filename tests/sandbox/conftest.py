"""A sandbox that hurries: what takes a minute at a provider takes half a second here."""

import pytest

from platforms.sandbox.server import running_sandbox


@pytest.fixture
def sandbox():
    with running_sandbox(storage=False, time_scale=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def stored_sandbox():
    """With buckets and a queue."""
    with running_sandbox(time_scale=0.01) as sandbox:
        yield sandbox
