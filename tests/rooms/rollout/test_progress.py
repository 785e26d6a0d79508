from datetime import UTC, datetime, timedelta

import pytest

from rooms.rollout.guards import DEFAULTS, Outcome, Verdict
from rooms.rollout.progress import Progress, Stage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STAGES = [
    Stage.of({"percentage": percentage, "minimum_hours": 24, "minimum_meetings": 20}) for percentage in (5, 25, 50, 100)
]


def progress(meetings=20, lasted=timedelta(hours=24), outcomes=(), index=1, stages=STAGES):
    verdicts = [Verdict(guard, outcome, guard.label) for guard, outcome in zip(DEFAULTS, outcomes, strict=False)]
    return Progress(stages, index, NOON, NOON + lasted, meetings, verdicts)


def test_it_says_where_it_stands_and_what_it_waits_for():
    early = progress(3, timedelta(hours=1, minutes=10), [Outcome.NOT_ENOUGH, Outcome.FINE])
    assert early.sentence == "Stage 2 of 4, 25 %: 3 of 20 meetings, 1 h 10 min of 24 h."
    assert early.waits_for == (
        "Waits for 17 more meetings and 22 h 50 min and enough to judge “Openings that fail” by."
    )
    assert progress(19).waits_for == "Waits for 1 more meeting."
    assert progress().waits_for == ""


def test_a_stage_without_a_shortest_time_or_a_number_says_what_is_left():
    bare = progress(0, timedelta(), stages=[Stage.of({"percentage": 5})], index=0)
    assert bare.sentence == "Stage 1 of 1, 5 %: as long as its guards ask for."
    assert bare.is_over
    assert bare.is_last


@pytest.mark.parametrize(
    ("given", "is_over"),
    [
        ({}, True),
        ({"outcomes": [Outcome.FINE] * 5}, True),
        ({"meetings": 19}, False),
        ({"lasted": timedelta(hours=23, minutes=59)}, False),
        ({"outcomes": [Outcome.FINE, Outcome.NOT_ENOUGH]}, False),
        ({"outcomes": [Outcome.FINE, Outcome.BREACH]}, False),
    ],
)
def test_a_stage_is_over_when_its_time_its_meetings_and_its_guards_say_so(given, is_over):
    assert progress(**given).is_over is is_over


def test_the_exposure_that_is_planned_is_that_of_all_stages():
    assert progress().planned == 80
