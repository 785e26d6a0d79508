from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.work.heartbeat import keep_alive
from recordings.models import Recording, Submission
from tests.support.live import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(monkeypatch):
    """A row that a worker has just taken, for a third of a second."""
    monkeypatch.setattr(Submission, "LEASE", timedelta(seconds=0.3))
    recording = Recording.objects.create(provider_recording_id="r")
    Submission.objects.create(recording=recording)
    (job,) = Submission.claim_next()
    return job


def lease():
    return Submission.objects.get().lease_until


def test_the_lease_is_renewed_while_the_block_goes_on(job):
    with keep_alive(job):
        wait_until(lambda: lease() > job.lease_until + timedelta(seconds=0.5))
        assert Submission.claim_next() == []


def test_after_the_block_it_runs_out(job):
    with keep_alive(job):
        pass
    wait_until(lambda: lease() <= timezone.now())
    assert Submission.claim_next() == [job]


def test_a_row_that_another_worker_has_is_left_to_it(job):
    with keep_alive(job):
        Submission.objects.update(lease_token=None, lease_until=None)
        wait_until(lambda: lease() is None)
    assert lease() is None


def test_an_error_in_the_block_ends_the_renewing_too(job):
    with pytest.raises(ZeroDivisionError), keep_alive(job):
        raise ZeroDivisionError
    wait_until(lambda: lease() <= timezone.now())
