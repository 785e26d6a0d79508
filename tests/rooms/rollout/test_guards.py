"""What the guards say of numbers, as staff read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.rollout import guard_settings
from rooms.rollout.evidence import Counts, Period
from rooms.rollout.guards import DEFAULTS, LIMIT_LEVEL, Figures, OpeningTimes, Outcome, Silence, judge_all

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FINE, NOT_ENOUGH, BREACH = Outcome.FINE, Outcome.NOT_ENOUGH, Outcome.BREACH


def period(target_bad, target_total, other_bad=0, other_total=0, at=NOON):
    return Period(at, Counts(target_bad, target_total), Counts(other_bad, other_total))


def figures(**given):
    return Figures(at=NOON, target="Daily", other="Whereby", **given)


def judged(name, **given):
    [verdict] = [each for each in judge_all(DEFAULTS, figures(**given)) if each.guard.name == name]
    return verdict.outcome, verdict.sentence


def openings(*periods, **given):
    return judged("failed-openings", shares={"failed-openings": periods}, **given)


def test_all_guards_together_err_once_in_a_hundred_plans():
    shares = [guard for guard in DEFAULTS if guard.name != "silent-webhooks"]
    assert sum(guard.level + LIMIT_LEVEL for guard in shares) == pytest.approx(0.01)


def test_too_few_meetings_are_not_enough_however_well_they_went():
    assert openings(period(0, 19, 0, 400)) == (
        NOT_ENOUGH,
        "Openings that fail: 0 of 19 (0 %) on Daily, 0 of 400 (0 %) on Whereby in the same time; "
        "not enough yet, 20 on Daily are needed.",
    )
    assert openings(period(0, 400, 0, 19))[1].endswith("not enough yet, 20 on Whereby are needed to compare with.")
    assert openings()[0] == NOT_ENOUGH


def test_enough_meetings_that_went_well_are_fine():
    outcome, sentence = openings(period(6, 310, 48, 2400))
    assert outcome == FINE
    assert sentence == (
        "Openings that fail: 6 of 310 (1.9 %) on Daily, 48 of 2,400 (2.0 %) on Whereby in the same time."
    )


def test_what_looks_worse_and_may_be_chance_is_not_called_fine():
    outcome, sentence = openings(period(6, 100, 20, 1000))
    assert outcome == NOT_ENOUGH
    assert "looks worse but may be chance" in sentence


def test_a_worse_platform_is_a_breach_and_the_sentence_says_by_how_much():
    outcome, sentence = openings(period(20, 310, 48, 2400))
    assert outcome == BREACH
    assert sentence == (
        "Openings that fail: 20 of 310 (6.5 %) on Daily, 48 of 2,400 (2.0 %) on Whereby in the same time: "
        "at least 1.3 percentage points more, chance and repeated looks allowed for."
    )


def test_the_limit_holds_also_where_nothing_is_left_to_compare_with():
    assert openings(period(0, 40), is_everywhere=True)[0] == FINE
    assert openings(period(0, 40), period(12, 14, at=NOON + timedelta(hours=2)), is_everywhere=True) == (
        BREACH,
        "Openings that fail: 12 of 14 (86 %) on Daily since 2026-01-01 14:00 UTC; more than 10 % is not allowed.",
    )


def test_few_meetings_that_all_fail_are_a_breach_although_they_are_few():
    assert openings(period(8, 8, 0, 24))[0] == BREACH


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 300), st.integers(1, 300), st.integers(1, 40))
def test_more_failures_never_turn_a_breach_into_anything_else(bad, total, other_bad, other_total, more):
    bad, other_bad = min(bad, total), min(other_bad, other_total)
    before = openings(period(bad, total, other_bad, other_total))[0]
    after = openings(period(min(bad + more, total), total, other_bad, other_total))[0]
    order = [FINE, NOT_ENOUGH, BREACH]
    assert order.index(after) >= order.index(before)


def test_a_guard_that_is_off_or_has_no_numbers_here_says_nothing():
    off = [replace(guard, is_on=False) for guard in DEFAULTS]
    assert judge_all(off, figures(shares={"failed-openings": [period(9, 9, 0, 9)]})) == []
    assert judge_all(DEFAULTS, figures()) == []


# Times


def times(target, other, tolerated, limit=()):
    return judged("slow-openings", opening_times=OpeningTimes(target, other, limit, tolerated))


def test_slow_openings_are_told_in_time():
    assert times(1234.5, 800, [period(5, 100, 10, 200)], [period(0, 100)]) == (
        FINE,
        "Opening time, p95: 1.2 s on Daily, 800 ms on Whereby in the same time.",
    )
    outcome, sentence = times(4000, 800, [period(60, 100, 10, 200)], [period(0, 100)])
    assert outcome == BREACH
    assert sentence.endswith("60 of 100 (60 %) take longer than 2 times that, chance and repeated looks allowed for.")
    outcome, sentence = times(20000, 15000, [period(5, 100, 10, 200)], [period(90, 100)])
    assert outcome == BREACH
    assert sentence.endswith(
        "90 of 100 (90 %) took longer than 10 s since 2026-01-01 12:00 UTC; more than 5 % is not allowed."
    )
    assert times(None, None, [], [])[0] == NOT_ENOUGH


# Silence


def silence(minutes, meetings, other=None, opened=20, lasted=timedelta(hours=9)):
    others = None if other is None else Silence(timedelta(minutes=other), 9)
    return judged(
        "silent-webhooks",
        silence=Silence(timedelta(minutes=minutes), meetings),
        other_silence=others,
        shares={"failed-openings": [period(0, opened, 0, 50)]},
        lasted=lasted,
    )


def test_silence_is_a_breach_where_there_was_something_to_tell():
    assert silence(14, 9)[0] == FINE
    assert silence(16, 3) == (
        BREACH,
        "Silence of webhooks: none from Daily for 16 min; 3 meetings have been joined on Daily since, and more than "
        "15 min is not allowed.",
    )
    assert silence(300, 2)[0] == FINE


def test_silence_is_a_breach_sooner_while_the_other_platform_tells():
    outcome, sentence = silence(6, 3, other=1)
    assert outcome == BREACH
    assert "none from Daily for 6 min, from Whereby for 1 min; " in sentence
    assert silence(4, 3, other=1)[0] == FINE
    assert silence(6, 3, other=6)[0] == FINE


def test_silence_says_nothing_before_there_were_meetings_or_a_webhook():
    assert silence(300, 0, opened=2)[0] == NOT_ENOUGH
    assert silence(60, 0, lasted=timedelta(minutes=60))[0] == NOT_ENOUGH


# What staff set


def test_guards_have_defaults_and_take_what_differs():
    assert guard_settings.guards_of({}) == list(DEFAULTS)
    first, *others = guard_settings.guards_of({"failed-openings": {"limit": 5, "tolerated": 1.5, "on": False}})
    assert (first.limit, first.tolerated, first.is_on, first.minimum) == (5, 1.5, False, 20)
    assert others == list(DEFAULTS[1:])
    assert guard_settings.guards_of(guard_settings.settings_of([first, *others])) == [first, *others]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "Guards are an object by name: failed-openings"),
        ({"failing": {}}, "There is no guard failing; there are: failed-openings"),
        ({"failed-openings": 5}, "Guard failed-openings: 5 is not an object"),
        ({"failed-openings": {"most": 5}}, "There is no setting of failed-openings most; there are: on, limit"),
        ({"failed-openings": {"on": "yes"}}, "“on” is 'yes', and should be true or false"),
        ({"failed-openings": {"limit": 100}}, "“limit” is 100, and should be a number above 0 to 99"),
        ({"failed-openings": {"limit": 0}}, "“limit” is 0, and should be a number above 0 to 99"),
        ({"failed-openings": {"limit": True}}, "“limit” is True"),
        ({"failed-openings": {"limit": float("nan")}}, "“limit” is nan"),
        ({"failed-openings": {"minimum": 2.5}}, "“minimum” is 2.5, and should be a whole number from 1 to 100000"),
        ({"failed-openings": {"minimum": float("inf")}}, "“minimum” is inf"),
        ({"failed-openings": {"tolerated": 0.5}}, "“tolerated” is 0.5, and should be a number from 1 to 100"),
        ({"silent-webhooks": {"tolerated": 2}}, "There is no setting of silent-webhooks tolerated"),
        ({"late-recordings": {"within_minutes": 0}}, "“within_minutes” is 0"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_would_be_right(given, words):
    with pytest.raises(ValidationError) as refused:
        guard_settings.guards_of(given)
    assert words in refused.value.messages[0]
