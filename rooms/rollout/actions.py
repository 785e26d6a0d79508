"""What staff do with the rollout by one press: rolling it back, pausing its plan and going on with it."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from rooms.models import Change
from rooms.rollout import plan
from rooms.rollout.decide import decide, write
from rooms.rollout.values import RolloutValues


def roll_back(by: Any = None, note: str = "", via: str = "") -> Change | None:
    """Switch off: the next meetings open on the default platform. None where it is off already."""
    return decide({"switched_on": False}, by, note, via=via)


def pause(by: Any = None, because: str = "", via: str = "") -> Change | None:
    """None where it is paused already. Raises ValidationError where there is no plan."""
    return _of_plan(lambda now: now if now.paused_at else plan.pause(now, because), by, because, via)


def resume(by: Any = None, note: str = "", via: str = "") -> Change | None:
    """None where it is not paused. Raises ValidationError where there is no plan."""
    return _of_plan(lambda now: plan.resume(now) if now.paused_at else now, by, note, via)


def go_to_stage(stage: int, by: Any = None, note: str = "", via: str = "") -> Change | None:
    """To the stage of that index, also back. None where it is there already. Raises ValidationError."""
    return _of_plan(lambda now: now if now.stage == stage else _at_stage(now, stage), by, note, via)


def _of_plan(change_of: Callable[[RolloutValues], RolloutValues], by: Any, note: str, via: str) -> Change | None:
    return write(lambda now: change_of(with_plan(now)), by, note, via=via)


def with_plan(values: RolloutValues) -> RolloutValues:
    """Raises ValidationError where there is none."""
    if not values.stages:
        raise ValidationError({"stages": _("The rollout has no plan. Give it stages first.")})
    return values


def _at_stage(values: RolloutValues, stage: int) -> RolloutValues:
    if not 0 <= stage < len(values.stages):
        raise ValidationError({"stage": _("The plan has {count} stages.").format(count=len(values.stages))})
    return plan.at_stage(values, stage)
