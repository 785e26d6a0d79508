from dataclasses import replace

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from platforms import revision
from rooms.history import changed_by
from rooms.models import Rollout, Room
from rooms.selection import current_policy, select_for_room

pytestmark = pytest.mark.django_db


def test_there_is_one_row():
    Rollout.objects.create(pk=Rollout.ONLY)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rollout.objects.create(pk=2)


def test_every_process_hears_of_a_change():
    before = revision.current()
    rollout = Rollout.objects.create(pk=Rollout.ONLY)
    made = revision.current()
    rollout.save()
    assert len({before, made, revision.current()}) == 3


def test_the_history_says_who_and_keeps_the_lists(owner, room):
    rollout = Rollout.objects.create(pk=Rollout.ONLY)
    rollout.listed_rooms.add(room)
    with changed_by(owner):
        rollout.percentage = 10
        rollout.save()
    record = rollout.history.first()
    assert (record.percentage, record.history_user) == (10, owner)
    assert [row.room for row in record.listed_rooms.all()] == [room]


@pytest.fixture
def decided(settings):
    """On the mock, while the variables name another default."""
    settings.DEFAULT_VIDEO_PLATFORM = "whereby"
    return Rollout.objects.create(
        pk=Rollout.ONLY,
        switched_on=True,
        default_platform="mock",
        target_platform="daily",
        failover_order=["mock"],
        decided_at=timezone.now(),
    )


@pytest.fixture
def automatic(owner):
    return Room.objects.create(name="automatic", owner=owner)


def wanted(room):
    policy = current_policy()
    return select_for_room(room, replace(policy, platforms=dict.fromkeys(policy.platforms))).platform


def test_the_variables_hold_until_staff_decide(automatic, decided):
    Rollout.objects.update(decided_at=None)
    revision.renew()
    assert wanted(automatic) == "whereby"
    decided.save()
    assert wanted(automatic) == "mock"


@pytest.mark.parametrize("name", ["listed_rooms", "groups"])
def test_lists_take_effect_at_the_next_look(automatic, decided, name):
    group = Group.objects.create(name="pilots")
    automatic.owner.groups.add(group)
    entry = automatic if name == "listed_rooms" else group
    for entries, platform in (([], "mock"), ([entry], "daily"), ([], "mock")):
        getattr(decided, name).set(entries)
        assert wanted(automatic) == platform


def test_who_is_in_a_group_takes_effect_at_the_next_look(automatic, decided):
    group = Group.objects.create(name="pilots")
    decided.groups.add(group)
    assert wanted(automatic) == "mock"
    automatic.owner.groups.add(group)
    assert wanted(automatic) == "daily"
    group.user_set.clear()
    assert wanted(automatic) == "mock"
    group.user_set.add(automatic.owner)
    assert wanted(automatic) == "daily"
    group.delete()
    assert wanted(automatic) == "mock"


def test_an_opening_that_finds_nothing_changed_asks_once(automatic, decided, django_assert_num_queries):
    decided.listed_rooms.add(automatic)
    current_policy()
    with django_assert_num_queries(1):
        assert select_for_room(automatic, current_policy()).wanted == "daily"


def test_one_that_finds_a_change_reads_the_row_and_its_lists(automatic, decided, django_assert_num_queries):
    with django_assert_num_queries(6):  # and the states of the platforms
        current_policy()
