"""Small charts as SVG, drawn here: a page under a strict policy needs no script for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from platforms.health.figures import Tally

WIDTH, HEIGHT = 120.0, 28.0
GAP = 1.0  # between two bars

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Series = Sequence[tuple[datetime, Tally]]


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    height: float  # of all calls
    failed: float  # of those that failed, at the foot

    @property
    def y(self) -> float:
        return round(HEIGHT - self.height, 1)

    @property
    def failed_y(self) -> float:
        return round(HEIGHT - self.failed, 1)


@dataclass(frozen=True)
class CallChart:
    """How many calls there were in each step, and how many of them failed."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class TimeChart:
    """How long calls took in each step, as paths that break off where there were none."""

    title: str
    median: str
    slow: str


def call_chart(series: Series, span: str) -> CallChart:
    most = max((tally.calls for _, tally in series), default=0) or 1
    step = WIDTH / max(len(series), 1)
    bars = [_bar(number * step, step, tally, most) for number, (_, tally) in enumerate(series) if tally.calls]
    calls, failures = (sum(getattr(tally, name) for _, tally in series) for name in ("calls", "failures"))
    return CallChart(
        _("{span}: {calls} calls, of which {failures} failed").format(span=span, calls=calls, failures=failures), bars
    )


def _bar(x: float, step: float, tally: Tally, most: int) -> Bar:
    height = max(2.0, HEIGHT * tally.calls / most)
    failed = max(2.0, height * tally.failures / tally.calls) if tally.failures else 0.0
    return Bar(round(x, 1), round(step - GAP, 1), round(height, 1), round(failed, 1))


def time_chart(series: Series, span: str) -> TimeChart:
    median, slow = ([tally.percentile(percent) for _, tally in series] for percent in (50, 95))
    top = max((value for value in slow if value is not None), default=0.0)
    title = (
        _("{span}: how long calls took, of which 95 % at most {top:.0f} ms").format(span=span, top=top)
        if top
        else _("{span}: no calls").format(span=span)
    )
    return TimeChart(title, _path(median, top), _path(slow, top))


def _path(values: Sequence[float | None], top: float) -> str:
    """A dot where a value stands alone: a line without length, with round ends."""
    step = WIDTH / max(len(values), 1)
    pieces, is_down = [], False
    for number, value in enumerate(values):
        if value is not None:
            x, y = (number + 0.5) * step, (HEIGHT - 2) * (1 - value / (top or 1)) + 1
            pieces.append(f"{'L' if is_down else 'M'}{x:.1f} {y:.1f}{'' if is_down else 'h.1'}")
        is_down = value is not None
    return "".join(pieces)
