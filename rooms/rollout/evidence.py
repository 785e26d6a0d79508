"""What numbers say about two platforms, however often they are looked at. Pure: no clock, no database.

Two questions, each with its own chance of a wrong yes (a *level*), which holds for all looks of a plan together:

- Do more meetings go wrong on the target than on the platform that is left, in the same time? `Comparison`.
- Do more of them go wrong than may at all? `Excess`.

Why not one interval after the other at 99 %: looked at every half minute, one of them would miss soon enough.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import erfc, exp, inf, lgamma, log, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
BY_HORIZON = 0.8  # of the level is spent as O'Brien and Fleming do; the rest is for what is seen at once, and later on
NEGLIGIBLE = 1e-12  # chance that is not followed up any more
SUSPICION = NORMAL.inv_cdf(0.9)  # standard deviations from which on a difference is no longer called fine


@dataclass(frozen=True)
class Counts:
    """How many went wrong, of how many."""

    bad: int = 0
    total: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.bad + other.bad, self.total + other.total)

    @property
    def share(self) -> float:
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True)
class Period:
    """What happened in the same time on both platforms."""

    began_at: datetime
    target: Counts
    other: Counts


def merged(periods: Iterable[Period], smallest: int = 10) -> list[Period]:
    """Periods of at least so many meetings on the target; by numbers of meetings only, not by what became of them."""
    whole: list[Period] = []
    for period in periods:
        if whole and whole[-1].target.total < smallest:
            last = whole.pop()
            period = Period(last.began_at, last.target + period.target, last.other + period.other)
        whole.append(period)
    return whole


def wilson_lower(counts: Counts, level: float) -> float:
    """The lower end of Wilson's one-sided interval (1927) for a share: the true one is less with chance `level`."""
    if not counts.total:
        return 0.0
    z, n, p = NORMAL.inv_cdf(1 - level), counts.total, counts.share
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (p + z * z / (2 * n) - spread) / (1 + z * z / n))


@dataclass
class Comparison:
    """Whether more goes wrong on the target than `tolerated` times the other platform's share.

    Of what goes wrong in a period, each is the target's with the chance that its part of the period's meetings gives,
    if the platforms are alike; whatever share that is, and however it changes from one period to the next (Mantel and
    Haenszel 1959; a test of log-rank kind). So the number of the target's is followed with each that went wrong, and
    compared with a boundary that is computed exactly: the chance that it is ever reached, though the platforms are
    alike, is at most the level. The chance is spent over the plan as Lan and DeMets (Biometrika 1983) do it: by
    meetings on the target, mostly until the `horizon` (O'Brien and Fleming 1979), and never all of it.
    """

    level: float
    horizon: float  # meetings on the target by which most of the level is spent
    tolerated: float = 1.0
    stride: int = 1  # so many that went wrong are taken at once, where there are a great many
    observed: int = 0  # that went wrong on the target
    expected: float = 0.0
    variance: float = 0.0
    weight: float = 0.0
    boundary: float = inf  # the number from which on the target is worse
    target: Counts = field(default_factory=Counts)
    other: Counts = field(default_factory=Counts)
    _spent: float = 0.0
    _lowest: int = 0
    _chances: list[float] = field(default_factory=lambda: [1.0])  # of having come so far, from _lowest on

    def add(self, period: Period) -> None:
        self.target += period.target
        self.other += period.other
        asked, left = self.tolerated * period.target.total, period.other.total
        if not asked or not left:
            return  # nothing to compare with
        part, wrong = asked / (asked + left), period.target.bad + period.other.bad
        before = self.target.total - period.target.total
        for done in range(0, wrong, self.stride):
            number = min(self.stride, wrong - done)
            meetings = before + period.target.total * (done + number) / wrong
            self._follow(number, part, spending(self.level, meetings / self.horizon))
        self.observed += period.target.bad
        self.expected += wrong * part
        self.variance += wrong * part * (1 - part)
        self.weight += period.target.total * left / (asked + left)

    def _follow(self, number: int, part: float, allowance: float) -> None:
        """So many more went wrong: how far it has come by now, and from where on that is more than chance allows."""
        before = self._chances
        after = [0.0] * (len(before) + number)
        for more, chance in enumerate(binomial(number, part)):
            if chance > NEGLIGIBLE:
                end = more + len(before)
                after[more:end] = [there + chance * here for there, here in zip(after[more:end], before, strict=True)]
        while after and after[-1] <= allowance - self._spent:
            self._spent += after.pop()
        self.boundary = self._lowest + len(after)
        likely = next((index for index, chance in enumerate(after) if chance > NEGLIGIBLE), 0)
        self._lowest += likely
        self._chances = after[likely:] or [0.0]

    @property
    def is_worse(self) -> bool:
        return self.observed >= self.boundary

    @property
    def is_suspect(self) -> bool:
        """Whether the numbers look bad, though it may be chance."""
        return self.observed - self.expected > SUSPICION * sqrt(self.variance)

    @property
    def difference(self) -> float:
        """Between the shares, each period weighed as Cochran (1954) does it."""
        return (self.observed - self.expected) / self.weight if self.weight else 0.0

    @property
    def least_difference(self) -> float:
        """The lower end of its one-sided interval, by the same boundary: above zero when the target is worse."""
        return (self.observed - self.boundary + 0.5) / self.weight if self.weight else -inf


def binomial(number: int, part: float) -> list[float]:
    """The chances of 0, 1, ... of so many."""
    if number == 1:
        return [1 - part, part]
    whole = lgamma(number + 1)
    return [
        exp(whole - lgamma(k + 1) - lgamma(number - k + 1) + k * log(part) + (number - k) * log(1 - part))
        for k in range(number + 1)
    ]


def spending(level: float, time: float) -> float:
    """How much of the level may have been spent when the horizon is reached `time` times; never all of it."""
    if time <= 0:
        return 0.0
    steep = erfc(-NORMAL.inv_cdf(level / 2) / sqrt(2 * min(time, 1)))
    return BY_HORIZON * steep + (1 - BY_HORIZON) * level * time / (1 + time)


@dataclass
class Excess:
    """Whether more goes wrong than a limit allows, of late or all along.

    For each period that it may have begun in, the numbers since then are weighed: how many times likelier they are by
    a share above the limit than by the limit. Such a weight reaches 1 / level with at most that chance, ever (Ville
    1939; Ramdas, Gruenwald, Vovk and Shafer, Statistical Science 2023), and the weights of all beginnings add up to 1.
    """

    level: float
    limit: float
    counts: Counts = field(default_factory=Counts)  # since it is most likely to have begun
    began_at: datetime | None = None
    is_over: bool = False
    _periods: int = 0
    _runs: list["_Run"] = field(default_factory=list)

    def __post_init__(self) -> None:
        above = (self.limit + (1 - self.limit) * step for step in (0.1, 0.3, 0.6, 0.9))
        self._runs = [_Run(share) for share in above]

    def add(self, began_at: datetime, counts: Counts) -> None:
        self._periods += 1
        start = -log(self._periods * (self._periods + 1) * len(self._runs))
        for run in self._runs:
            run.add(began_at, counts, self.limit, start)
        best = max(self._runs, key=lambda run: run.weight)
        self.counts, self.began_at = best.counts, best.began_at
        self.is_over = best.weight >= -log(self.level)


@dataclass
class _Run:
    """The best beginning for one share above the limit; `weight` is a logarithm."""

    share: float
    weight: float = -inf
    counts: Counts = field(default_factory=Counts)
    began_at: datetime | None = None

    def add(self, began_at: datetime, counts: Counts, limit: float, start: float) -> None:
        if start > self.weight:
            self.weight, self.counts, self.began_at = start, Counts(), began_at
        good = counts.total - counts.bad
        self.weight += counts.bad * log(self.share / limit) + good * log((1 - self.share) / (1 - limit))
        self.counts += counts
