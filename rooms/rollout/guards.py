"""The guards of a plan: what each asks of the numbers, and what it says of them. Pure: the numbers are given.

Together they stop a plan without cause with a chance of at most one in a hundred (LEVELS and LIMIT_LEVEL add up to it).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from rooms.rollout.evidence import Comparison, Counts, Excess, Period, merged
from rooms.rollout.wording import lasting, milliseconds, percent, points, share

LIMIT_LEVEL = 0.00025  # of each guard's limit
SMALLEST_HORIZON = 400  # meetings; below, nothing less than a catastrophe could be told from chance
HORIZON = 0.1  # of the plan's meetings on the target: until then a worse platform should be found out
MOST_STEPS = 400  # that a judgement takes, however much there was
SOONER = 3  # so many times sooner silence is a breach while the other platform's webhooks come


class Outcome(StrEnum):
    FINE = "fine"
    NOT_ENOUGH = "not-enough-yet"
    BREACH = "breach"


@dataclass(frozen=True)
class Guard:
    """What staff may set of a guard; `limit` is in percent, of time in `unit`."""

    name: str
    label: str | Promise
    limit: float
    unit: str = "%"
    tolerated: float = 1.0  # times what the other platform has
    minimum: int = 20  # meetings, below which nothing is called fine
    level: float = 0.001
    within_minutes: int | None = None  # that a recording may take
    is_optional: bool = False  # says nothing where there is nothing of the kind on either platform
    is_on: bool = True


DEFAULTS = (
    Guard("failed-openings", gettext_lazy("Openings that fail"), limit=10, level=0.006),
    Guard("slow-openings", gettext_lazy("Opening time, p95"), limit=10, unit="s", tolerated=2),
    Guard(
        "late-recordings",
        gettext_lazy("Recordings that have not arrived"),
        limit=10,
        minimum=10,
        within_minutes=60,
        is_optional=True,
    ),
    Guard("silent-webhooks", gettext_lazy("Silence of webhooks"), limit=15, unit="min", minimum=3),
    Guard("silent-recordings", gettext_lazy("Recordings without audio"), limit=20, minimum=10, is_optional=True),
)


@dataclass(frozen=True)
class OpeningTimes:
    """Periods count openings that took longer than the limit, and than what the other platform's p95 tolerates."""

    target: float | None  # p95 in ms
    other: float | None
    over_limit: Sequence[Period]
    over_tolerated: Sequence[Period]


@dataclass(frozen=True)
class Silence:
    """Since a platform's last webhook, and how many meetings have been joined there since then."""

    lasted: timedelta
    meetings: int


@dataclass(frozen=True)
class Figures:
    """The numbers at hand, since the plan began or was resumed. What is None cannot be had of these platforms."""

    at: datetime
    target: str  # labels, for sentences
    other: str
    shares: Mapping[str, Sequence[Period]] = field(default_factory=dict)  # by the guard's name
    opening_times: OpeningTimes | None = None
    silence: Silence | None = None
    other_silence: Silence | None = None
    lasted: timedelta = timedelta()
    planned: int = 0  # meetings on the target over the whole plan, at the least
    is_everywhere: bool = False  # no automatic room is left to compare with


@dataclass(frozen=True)
class Verdict:
    guard: Guard
    outcome: Outcome
    sentence: str


def judge_all(guards: Sequence[Guard], figures: Figures) -> list[Verdict]:
    """In the order of the guards; those that are off, or of which there are no numbers here, say nothing."""
    verdicts = (_judge(guard, figures) for guard in guards if guard.is_on)
    return [verdict for verdict in verdicts if verdict]


def _judge(guard: Guard, figures: Figures) -> Verdict | None:
    if guard.name == "silent-webhooks":
        return _judge_silence(guard, figures)
    if guard.name == "slow-openings":
        return _judge_times(guard, figures)
    periods = figures.shares.get(guard.name)
    if periods is None or (guard.is_optional and not periods):
        return None
    return _judge_share(guard, figures, periods)


# Shares


def _judge_share(guard: Guard, figures: Figures, periods: Sequence[Period]) -> Verdict:
    compared = compare(guard, figures, periods, guard.tolerated)
    excess = exceed(periods, guard.limit / 100)
    said = f"{share(compared.target)} on {figures.target}, {share(compared.other)} on {figures.other} in the same time"
    if compared.is_worse:
        return _say(guard, Outcome.BREACH, f"{said}: {_more(guard, compared)}.")
    if excess.is_over and excess.began_at:
        since = f"{share(excess.counts)} on {figures.target} since {excess.began_at:%Y-%m-%d %H:%M} UTC"
        return _say(guard, Outcome.BREACH, f"{since}; more than {percent(guard.limit / 100)} is not allowed.")
    outcome, why = _short_of_breach(guard, figures, compared)
    return _say(guard, outcome, f"{said}{why}.")


def compare(guard: Guard, figures: Figures, periods: Sequence[Period], tolerated: float = 1.0) -> Comparison:
    horizon = max(HORIZON * figures.planned, SMALLEST_HORIZON)
    wrong = sum(period.target.bad + period.other.bad for period in periods)
    comparison = Comparison(guard.level, horizon, tolerated, stride=1 + wrong // MOST_STEPS)
    for period in merged(periods):
        comparison.add(period)
    return comparison


def exceed(periods: Sequence[Period], limit: float) -> Excess:
    excess = Excess(LIMIT_LEVEL, limit)
    for period in merged(periods):
        excess.add(period.began_at, period.target)
    return excess


def _more(guard: Guard, compared: Comparison) -> str:
    times = f" than {guard.tolerated:g} times as many" if guard.tolerated != 1 else ""
    return f"at least {points(compared.least_difference)} more{times}, chance and repeated looks allowed for"


def _short_of_breach(guard: Guard, figures: Figures, compared: Comparison) -> tuple[Outcome, str]:
    if why := _too_few(guard, figures, compared.target, compared.other):
        return Outcome.NOT_ENOUGH, why
    if compared.is_suspect:
        return Outcome.NOT_ENOUGH, f"; that looks worse but may be chance ({compared.boundary:g} would not be)"
    return Outcome.FINE, ""


def _too_few(guard: Guard, figures: Figures, target: Counts, other: Counts) -> str:
    if target.total < guard.minimum:
        return f"; not enough yet, {guard.minimum} on {figures.target} are needed"
    if other.total < guard.minimum and not figures.is_everywhere:
        return f"; not enough yet, {guard.minimum} on {figures.other} are needed to compare with"
    return ""


# Times


def _judge_times(guard: Guard, figures: Figures) -> Verdict | None:
    times = figures.opening_times
    if times is None:
        return None
    compared = compare(guard, figures, times.over_tolerated)
    excess = exceed(times.over_limit, 0.05)
    said = (
        f"{milliseconds(times.target)} on {figures.target}, {milliseconds(times.other)} on {figures.other} "
        f"in the same time"
    )
    if compared.is_worse:
        longer = f"{share(compared.target)} take longer than {guard.tolerated:g} times that"
        return _say(guard, Outcome.BREACH, f"{said}: {longer}, chance and repeated looks allowed for.")
    if excess.is_over and excess.began_at:
        longer = f"{share(excess.counts)} took longer than {guard.limit:g} s since {excess.began_at:%Y-%m-%d %H:%M} UTC"
        return _say(guard, Outcome.BREACH, f"{said}: {longer}; more than 5 % is not allowed.")
    outcome, why = _short_of_breach(guard, figures, compared)
    return _say(guard, outcome, f"{said}{why}.")


# Silence


def _judge_silence(guard: Guard, figures: Figures) -> Verdict | None:
    silence, other = figures.silence, figures.other_silence
    if silence is None:
        return None
    limit = timedelta(minutes=guard.limit)
    others = ""
    if other is not None and other.lasted * SOONER < limit:
        limit /= SOONER
        others = f", from {figures.other} for {lasting(other.lasted)}"
    said = f"none from {figures.target} for {lasting(silence.lasted)}{others}"
    if silence.meetings < guard.minimum:
        return _say(guard, *_quiet(guard, figures, silence, said))
    if silence.lasted > limit:
        opened = f"{silence.meetings} meetings have been joined on {figures.target} since"
        return _say(guard, Outcome.BREACH, f"{said}; {opened}, and more than {lasting(limit)} is not allowed.")
    return _say(guard, Outcome.FINE, f"{said}.")


def _quiet(guard: Guard, figures: Figures, silence: Silence, said: str) -> tuple[Outcome, str]:
    """Nobody need have told anything; that is fine once meetings were told of since the plan began."""
    openings = sum(period.target.total for period in figures.shares.get("failed-openings", ()))
    if openings < guard.minimum or silence.lasted >= figures.lasted:
        return Outcome.NOT_ENOUGH, f"{said}; not enough yet, {guard.minimum} meetings on {figures.target} are needed."
    return Outcome.FINE, f"{said}."


def _say(guard: Guard, outcome: Outcome, sentence: str) -> Verdict:
    return Verdict(guard, outcome, f"{guard.label}: {sentence}")
