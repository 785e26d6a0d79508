"""Closing a platform to new meetings: who, when and why, known to every process at its next opening."""

import pytest

from platforms.exceptions import PlatformNotConfigured
from platforms.health import states
from platforms.models import PlatformState

pytestmark = pytest.mark.django_db


def test_a_cordon_says_by_whom_when_and_why(staff):
    staff.first_name, staff.last_name = "Ada", "Lovelace"
    staff.save()
    states.cordon("mock", by=staff, reason="Moving house.")
    state = states.current()["mock"]
    assert states.cordon_sentence(state) == "Mock is cordoned by Ada Lovelace: Moving house."
    assert state.cordoned_at is not None
    states.uncordon("mock", by=staff)
    assert states.cordon_sentence(states.current()["mock"]) == ""


def test_by_a_command_and_without_a_reason_it_says_just_that():
    assert states.cordon_sentence(states.cordon("mock")) == "Mock is cordoned."


def test_both_are_in_the_history_with_who_did_it(staff, owner):
    states.cordon("mock", by=staff, reason="It is slow")
    states.uncordon("mock", by=owner)
    records = PlatformState.history.filter(platform="mock").order_by("history_id")
    assert [(record.history_user, record.cordon_reason) for record in records] == [(staff, "It is slow"), (owner, "")]


def test_the_states_cost_one_small_statement_while_nothing_changes(django_assert_num_queries):
    states.cordon("mock")
    states.current()
    with django_assert_num_queries(1):
        assert states.current()["mock"].cordoned_at


def test_a_platform_that_there_is_not_cannot_be_cordoned():
    with pytest.raises(PlatformNotConfigured, match="no platform 'zoom'; it has: "):
        states.cordon("zoom")
    assert not PlatformState.objects.exists()
