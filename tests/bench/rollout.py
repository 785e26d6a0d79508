"""What a plan's guards do in 10,000 meetings: how often they pause it without cause, and how soon with one.

Beside what is reached stands what cannot be passed: the power of the best test that there is (Neyman and Pearson) with
as many meetings on the target, were the other platform's share known and the numbers looked at only once.
"""

import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import exp, lgamma, log

from rooms.rollout.evidence import Comparison, Counts, Excess, Period
from rooms.rollout.guards import DEFAULTS, HORIZON, LIMIT_LEVEL, SMALLEST_HORIZON

RUNS = int(os.environ.get("RUNS", 1000))
SEED = 11
PERCENTAGES = (5, 25, 50, 100)
LOOK = 20  # meetings on both platforms, after which the guards look again
GOOD, BAD = 0.02, 0.04
FALSE_PAUSES, FOUND_OUT = 0.01, 0.95
# What goes wrong on both platforms alike, beside openings.
OTHERWISE = {"slow-openings": 0.05, "late-recordings": 0.03, "silent-recordings": 0.01}
BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    name: str
    meetings: int  # on both platforms, in each stage

    @property
    def exposure(self):
        """Meetings on the target over the whole plan."""
        return sum(self.meetings * percentage // 100 for percentage in PERCENTAGES)


PLANS = (Plan("10,000 meetings in all", 2_500), Plan("10,000 meetings in each stage", 10_000))


class Watch:
    """One guard of a share, told of one period after the other."""

    def __init__(self, guard, plan):
        self.compared = Comparison(guard.level, max(HORIZON * plan.exposure, SMALLEST_HORIZON), guard.tolerated)
        self.excess = Excess(LIMIT_LEVEL, 0.05 if guard.unit == "s" else guard.limit / 100)

    def is_breached_by(self, period):
        self.compared.add(period)
        self.excess.add(period.began_at, period.target)
        return self.compared.is_worse or self.excess.is_over


def paused_at(seed, plan, target_fails, other_fails, everything=True, until=None):
    """How many meetings there were on the target when the plan was paused; None when it was not."""
    chance = random.Random(f"{SEED} {seed}")
    shares = {"failed-openings": (target_fails, other_fails)}
    if everything:
        shares |= {name: (share, share) for name, share in OTHERWISE.items()}
    watches = {guard.name: Watch(guard, plan) for guard in DEFAULTS if guard.name in shares}
    exposed = 0
    for on_target, on_other in _numbers(chance, plan):
        exposed += on_target
        for name, (target_share, other_share) in shares.items():
            counts = (_count(chance, on_target, target_share), _count(chance, on_other, other_share))
            if watches[name].is_breached_by(Period(BEGAN_AT, *counts)):
                return exposed
        if until is not None and exposed >= until:
            return None
    return None


def _numbers(chance, plan):
    """Meetings on the target and on the other, by periods with ten on the target at least."""
    on_target = on_other = 0
    for percentage in PERCENTAGES:
        for _ in range(0, plan.meetings, LOOK):
            drawn = sum(chance.random() * 100 < percentage for _ in range(LOOK))
            on_target, on_other = on_target + drawn, on_other + LOOK - drawn
            if on_target >= 10:
                yield on_target, on_other
                on_target = on_other = 0
    yield on_target, on_other


def _count(chance, number, share):
    return Counts(sum(chance.random() < share for _ in range(number)), number)


def false_pauses(plan, runs=RUNS):
    """The share of plans that are paused although the platforms are alike, by any guard of a share."""
    return _share_of(partial(paused_at, plan=plan, target_fails=GOOD, other_fails=GOOD), runs)


def found_out(plan, runs=RUNS, target_fails=BAD):
    """The share of plans that are paused before a tenth of the exposure, where the target fails more often."""
    tenth = plan.exposure * HORIZON
    ask = partial(paused_at, plan=plan, target_fails=target_fails, other_fails=GOOD, everything=False, until=tenth)
    return _share_of(ask, runs, at_most=tenth)


def _share_of(ask, runs, at_most=float("inf")):
    with ProcessPoolExecutor() as pool:
        paused = list(pool.map(ask, range(runs), chunksize=10))
    return sum(exposed is not None and exposed <= at_most for exposed in paused) / runs


def most_possible(meetings, good=GOOD, bad=BAD, level=FALSE_PAUSES):
    """The power of the randomised test of Neyman and Pearson for so many meetings."""
    power = spent = 0.0
    for failures in range(meetings, -1, -1):
        chance = _binomial(meetings, failures, good)
        if spent + chance > level:
            return power + (level - spent) / chance * _binomial(meetings, failures, bad)
        spent, power = spent + chance, power + _binomial(meetings, failures, bad)
    return power


def _binomial(number, count, share):
    ways = lgamma(number + 1) - lgamma(count + 1) - lgamma(number - count + 1)
    return exp(ways + count * log(share) + (number - count) * log(1 - share))


def main():
    print(f"A plan of {', '.join(f'{each} %' for each in PERCENTAGES)}; {RUNS:,} runs of each; seed {SEED}.")
    print(f"{'plan':<31}{'on target':>10}{'a tenth':>9}{'false pauses':>14}{'found out in time':>19}{'possible':>10}")
    reached = {}
    for plan in PLANS:
        reached[plan] = false_pauses(plan), found_out(plan)
        tenth = round(plan.exposure * HORIZON)
        row = f"{plan.name:<31}{plan.exposure:>10,}{tenth:>9,}{reached[plan][0]:>14.2%}{reached[plan][1]:>19.1%}"
        print(f"{row}{most_possible(tenth):>10.1%}", flush=True)
    worst, best = max(false for false, _ in reached.values()), max(found for _, found in reached.values())
    print(f"false pauses of a whole plan, {GOOD:.0%} on both: {worst:.2%} (target <= {FALSE_PAUSES:.0%})")
    print(f"found out before a tenth, {BAD:.0%} against {GOOD:.0%}: {best:.1%} (target >= {FOUND_OUT:.0%})")
    print(
        f"Were all of 10,000 meetings on the target, at most {most_possible(1_000):.1%} could be found out by a tenth:"
    )
    print(f"no plan of 10,000 meetings in all reaches {FOUND_OUT:.0%} with {FALSE_PAUSES:.0%} false pauses.")
    if worst > FALSE_PAUSES or best < FOUND_OUT:
        sys.exit("The guards miss a target.")


if __name__ == "__main__":
    main()
