from datetime import timedelta

import pytest
from django.utils import timezone

from recordings.leases import kept
from recordings.models import HandOff, Recording
from tests.live import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work(monkeypatch):
    """A row that a worker has just taken, for a third of a second."""
    monkeypatch.setattr(HandOff, "LEASE", timedelta(seconds=0.3))
    recording = Recording.objects.create(provider_recording_id="r")
    HandOff.objects.create(recording=recording)
    (work,) = HandOff.claim_next()
    return work


def lease():
    return HandOff.objects.get().lease_until


def test_the_lease_is_renewed_while_the_block_goes_on(work):
    with kept(work):
        wait_until(lambda: lease() > work.lease_until + timedelta(seconds=0.5))
        assert HandOff.claim_next() == []


def test_after_the_block_it_runs_out(work):
    with kept(work):
        pass
    wait_until(lambda: lease() <= timezone.now())
    assert HandOff.claim_next() == [work]


def test_a_row_that_another_worker_has_is_left_to_it(work):
    with kept(work):
        HandOff.objects.update(lease_token=None, lease_until=None)
        wait_until(lambda: lease() is None)
    assert lease() is None


def test_an_error_in_the_block_ends_the_renewing_too(work):
    with pytest.raises(ZeroDivisionError), kept(work):
        raise ZeroDivisionError
    wait_until(lambda: lease() <= timezone.now())
