"""Where a plan stands, what it waits for, and what is to become of it. Pure: the numbers are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rooms.rollout.guards import Outcome, Verdict
from rooms.rollout.wording import lasting


@dataclass(frozen=True)
class Stage:
    percentage: int
    shortest: timedelta
    meetings: int  # on the target, at the least

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Stage":
        hours = timedelta(hours=given.get("minimum_hours", 0))
        return cls(given["percentage"], hours, given.get("minimum_meetings", 0))


@dataclass(frozen=True)
class Progress:
    stages: Sequence[Stage]
    index: int
    began_at: datetime  # of the stage
    at: datetime
    meetings: int  # on the target since the stage began
    verdicts: Sequence[Verdict] = ()

    @property
    def stage(self) -> Stage:
        return self.stages[self.index]

    @property
    def is_last(self) -> bool:
        return self.index == len(self.stages) - 1

    @property
    def name(self) -> str:
        return f"Stage {self.index + 1} of {len(self.stages)}, {self.stage.percentage} %"

    @property
    def lasted(self) -> timedelta:
        return self.at - self.began_at

    @property
    def breach(self) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.outcome == Outcome.BREACH), None)

    @property
    def undecided(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.outcome == Outcome.NOT_ENOUGH]

    @property
    def has_waited(self) -> bool:
        """Whether the stage took its time and had its meetings."""
        return self.lasted >= self.stage.shortest and self.meetings >= self.stage.meetings

    @property
    def is_over(self) -> bool:
        return self.has_waited and all(verdict.outcome == Outcome.FINE for verdict in self.verdicts)

    @property
    def sentence(self) -> str:
        """Stage 2 of 4, 25 %: 3 of 20 meetings, 1 h 10 min of 24 h."""
        counted = f"{self.meetings:,} of {self.stage.meetings:,} meetings" if self.stage.meetings else ""
        timed = f"{lasting(self.lasted)} of {lasting(self.stage.shortest)}" if self.stage.shortest else ""
        return f"{self.name}: {', '.join(filter(None, (counted, timed))) or 'as long as its guards ask for'}."

    @property
    def waits_for(self) -> str:
        """What is missing for the next stage; empty where nothing is."""
        missing = []
        if (meetings := self.stage.meetings - self.meetings) > 0:
            missing.append(f"{meetings:,} more {'meeting' if meetings == 1 else 'meetings'}")
        if (time := self.stage.shortest - self.lasted) > timedelta():
            missing.append(lasting(time))
        if labels := [f"“{verdict.guard.label}”" for verdict in self.undecided]:
            missing.append(f"enough to judge {', '.join(labels)} by")
        return f"Waits for {' and '.join(missing)}." if missing else ""

    @property
    def planned(self) -> int:
        """Meetings on the target over the whole plan, at the least."""
        return sum(stage.meetings for stage in self.stages)
