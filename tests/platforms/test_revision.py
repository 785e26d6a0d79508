import pytest
from django.db import transaction

from platforms import revision
from platforms.models import StaffNotice
from platforms.revision import Cached

pytestmark = pytest.mark.django_db(transaction=True)


def read():
    return StaffNotice.objects.count()


def write():
    StaffNotice.objects.create(key="x", text="x", opened_at="2026-01-01T00:00Z", last_seen_at="2026-01-01T00:00Z")
    revision.renew()


def test_what_is_kept_costs_one_small_statement_until_it_is_renewed(django_assert_num_queries):
    kept = Cached(read)
    assert kept.get() == 0
    with django_assert_num_queries(1):
        assert kept.get() == 0
    write()
    assert kept.get() == 1


def test_a_change_that_is_rolled_back_leaves_nothing_behind():
    kept = Cached(read)
    with transaction.atomic():
        write()
        assert kept.get() == 1
        transaction.set_rollback(True)
    assert kept.get() == 0
    with transaction.atomic():
        revision.renew()
    assert kept.get() == 0
    assert Cached(read).get(revision.current()) == 0


def test_a_revision_is_never_used_twice():
    seen = {revision.current()}
    for _ in range(3):
        revision.renew()
        seen.add(revision.current())
    assert len(seen) == 4
