import pytest
from django.utils import timezone

from recordings import backlog
from recordings.backlog import Backlog
from recordings.models import Recording

pytestmark = pytest.mark.django_db


def recordings(platform, *states):
    return [Recording.objects.create(platform=platform, state=state) for state in states]


def test_what_waits_what_failed_and_what_is_unmatched_is_counted_by_platform(django_assert_num_queries):
    recordings("whereby", "reported", "fetching", "stored", "processing", "done", "no_audio", "failed", "unmatched")
    recordings("mock", "unmatched", "unmatched")
    recordings("daily", "done")
    with django_assert_num_queries(1):
        counted = backlog.by_platform()
    assert counted == {"whereby": Backlog(4, 1, 1), "mock": Backlog(0, 0, 2)}


def test_failures_of_long_ago_are_left_out_and_what_still_waits_is_not():
    for recording in recordings("whereby", "failed", "unmatched", "reported"):
        Recording.objects.filter(pk=recording.pk).update(created_at=timezone.now() - 2 * backlog.RECENT)
    assert backlog.by_platform() == {"whereby": Backlog(1, 0, 0)}
