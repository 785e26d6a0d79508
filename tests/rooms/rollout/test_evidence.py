"""What numbers say, beside the same computed in another way: by counting all that can happen, and by tables."""

from datetime import UTC, datetime, timedelta
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.rollout.evidence import Comparison, Counts, Excess, Period, merged, spending, wilson_lower

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def period(target_bad, target_total, other_bad, other_total, began_at=NOON):
    return Period(began_at, Counts(target_bad, target_total), Counts(other_bad, other_total))


def compared(*periods, level=0.01, horizon=400, tolerated=1.0):
    comparison = Comparison(level, horizon, tolerated)
    for each in periods:
        comparison.add(each)
    return comparison


# scipy 1.17: binomtest(bad, total).proportion_ci(1 - 2 * level, "wilson").low
@pytest.mark.parametrize(
    ("bad", "total", "level", "low"),
    [
        (9, 12, 0.001, 0.3304052869),
        (31, 640, 0.006, 0.0311788616),
        (0, 20, 0.01, 0.0),
        (20, 20, 0.01, 0.7870330193),
        (0, 0, 0.01, 0.0),
    ],
)
def test_wilsons_interval(bad, total, level, low):
    assert wilson_lower(Counts(bad, total), level) == pytest.approx(low, abs=1e-9)


# Lan and DeMets (1983), the spending function of O'Brien-Fleming's kind, one-sided 0.025.
@pytest.mark.parametrize(
    ("time", "steep"), [(0.2, 5.4e-07), (0.4, 0.00039415), (0.6, 0.00380806), (0.8, 0.01221179), (1, 0.025)]
)
def test_the_level_is_spent_as_in_the_table(time, steep):
    straight = 0.025 * time / (1 + time)
    assert spending(0.025, time) == pytest.approx(0.8 * steep + 0.2 * straight, abs=1e-8)


def test_the_level_is_never_spent_whole():
    spent = [spending(0.01, time) for time in (0, 0.01, 0.5, 1, 2, 100, 1e9)]
    assert spent == sorted(spent)
    assert spent[0] == 0
    assert spent[-1] <= 0.01


@pytest.mark.parametrize("shares", [[0.3] * 12, [0.05] * 4 + [0.25] * 4 + [0.5] * 4, [0.9, 0.1] * 6])
def test_the_boundary_is_reached_by_chance_as_seldom_as_was_asked(shares):
    """Of all the ways in which twelve failures can fall on two platforms that are alike."""
    boundaries = [compared(*alike(shares[:number]), level=0.2, horizon=100).boundary for number in range(1, 13)]
    crossed = sum(
        prod(share if is_target else 1 - share for share, is_target in zip(shares, way, strict=True))
        for way in product([True, False], repeat=12)
        if any(sum(way[: index + 1]) >= boundaries[index] for index in range(12))
    )
    assert 0.02 < crossed <= spending(0.2, 12 * 10 / 100)


def alike(shares):
    """One failure in each period, which is the target's with the given chance."""
    return [period(0, 10, 1, round(10 / share) - 10) for share in shares]


def test_the_difference_is_that_of_the_shares():
    only = compared(period(31, 640, 22, 1210))
    assert only.difference == pytest.approx(31 / 640 - 22 / 1210)
    assert (only.expected, only.variance) == (pytest.approx(53 * 640 / 1850), pytest.approx(53 * 640 * 1210 / 1850**2))


def test_the_interval_and_the_answer_agree():
    for bad in range(60):
        comparison = compared(period(bad, 640, 22, 1210))
        assert comparison.is_worse == (comparison.least_difference > 0)
        assert comparison.least_difference < comparison.difference


def test_in_strides_the_boundary_is_about_the_same():
    """Fewer looks leave a little more for each."""
    hours = [period(0, 100, 30, 300, NOON + timedelta(hours=hour)) for hour in range(20)]
    one, ten = compared(*hours), Comparison(0.01, 400, stride=10)
    for hour in hours:
        ten.add(hour)
    assert one.boundary - 6 <= ten.boundary <= one.boundary


def test_what_goes_wrong_on_both_at_one_time_is_not_the_targets():
    """A quiet day at 5 %, and a bad one at 50 %: together the target's share is much larger, day by day it is alike."""
    quiet, bad_day = period(1, 100, 19, 1900), period(100, 1000, 100, 1000)
    assert compared(quiet, bad_day).difference == pytest.approx(0, abs=1e-9)
    assert not compared(quiet, bad_day).is_suspect
    assert compared(period(101, 1100, 119, 2900)).is_worse


def test_more_than_the_others_share_may_be_tolerated():
    twice = period(84, 1000, 42, 1000)
    assert compared(twice).is_worse
    assert not compared(twice, tolerated=2).is_suspect
    assert compared(period(170, 1000, 42, 1000), tolerated=2).is_worse


@pytest.mark.parametrize("nothing", [period(5, 5, 0, 0), period(0, 0, 5, 50), period(0, 100, 0, 100)])
def test_without_anything_to_compare_with_nothing_is_worse(nothing):
    assert not compared(nothing).is_worse
    assert not compared(nothing).is_suspect


def test_a_platform_that_opens_nothing_is_worse_soon():
    assert compared(period(9, 9, 0, 27)).is_worse
    assert not compared(period(3, 3, 0, 9)).is_worse


periods = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200), st.integers(0, 200)).map(
        lambda drawn: period(min(drawn[:2]), max(drawn[:2]), min(drawn[2:]), max(drawn[2:]))
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(periods, st.data())
def test_one_more_failure_of_the_target_never_makes_it_better(drawn, data):
    open_to = [index for index, each in enumerate(drawn) if each.target.bad < each.target.total]
    if not open_to:
        return
    index = data.draw(st.sampled_from(open_to))
    was = drawn[index]
    worse = [*drawn]
    worse[index] = Period(was.began_at, Counts(was.target.bad + 1, was.target.total), was.other)
    before, after = compared(*drawn), compared(*worse)
    assert after.is_worse >= before.is_worse
    assert after.is_suspect >= before.is_suspect
    assert over(*worse).is_over >= over(*drawn).is_over


# Excess


def over(*periods, level=0.001, limit=0.1):
    excess = Excess(level, limit)
    for each in periods:
        excess.add(each.began_at, each.target)
    return excess


@pytest.mark.parametrize("limit", [0.1, 0.3, 0.5])
def test_at_the_limit_it_is_over_by_chance_as_seldom_as_was_asked(limit):
    """Of all the ways in which eleven meetings can go, looked at thrice."""
    chance = sum(
        prod(limit if bad else 1 - limit for bad in way)
        for way in product([0, 1], repeat=11)
        if any(
            over(*(period(bad, 1, 0, 0) for bad in way[:end]), level=0.05, limit=limit).is_over for end in (5, 8, 11)
        )
    )
    assert chance <= 0.05


def test_what_begins_late_is_found_and_dated():
    good = [period(0, 50, 0, 0, NOON + timedelta(hours=hour)) for hour in range(20)]
    dead = period(10, 10, 0, 0, NOON + timedelta(hours=20))
    assert not over(*good).is_over
    found = over(*good, dead)
    assert found.is_over
    assert (found.counts, found.began_at) == (Counts(10, 10), dead.began_at)


def test_below_the_limit_it_is_never_over():
    assert not over(*(period(10, 100, 0, 0) for _ in range(200))).is_over


# Periods


def test_small_periods_are_joined_with_the_next():
    joined = merged([period(1, 4, 2, 40), period(1, 5, 0, 50), period(0, 3, 1, 30), period(2, 20, 0, 10)])
    assert joined == [period(2, 12, 3, 120), period(2, 20, 0, 10)]
