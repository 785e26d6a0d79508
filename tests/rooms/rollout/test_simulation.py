"""A few of the runs that `make bench rollout` makes a thousand of, and that it asks what the product asks."""

from tests.bench import rollout
from tests.bench.rollout import PLANS, most_possible, paused_at

SMALL, LARGE = PLANS


def test_a_platform_that_is_as_good_is_not_paused():
    paused = [paused_at(seed, SMALL, 0.02, 0.02) for seed in range(20)]
    assert sum(exposed is not None for exposed in paused) <= 1


def test_one_that_fails_twice_as_often_is_paused_before_a_tenth_of_the_exposure():
    tenth = LARGE.exposure * rollout.HORIZON
    paused = [paused_at(seed, LARGE, 0.04, 0.02, everything=False, until=tenth) for seed in range(20)]
    assert sum(exposed is not None and exposed <= tenth for exposed in paused) >= 18


def test_one_that_fails_ten_times_as_often_is_paused_at_once():
    paused = [paused_at(seed, SMALL, 0.2, 0.02, everything=False, until=450) for seed in range(20)]
    assert max(paused) <= 120


def test_what_no_test_can_do_better():
    assert round(most_possible(1_000), 3) == 0.930
    assert round(most_possible(450), 3) == 0.623
