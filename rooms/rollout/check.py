"""What a rollout may be. Each problem names the field, what is wrong with it and what to do."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from platforms.handler import get_available_platforms, why_unavailable
from rooms.models import Rollout
from rooms.rollout.guard_settings import guards_of
from rooms.rollout.values import RolloutValues
from rooms.rollout.words import names_of_rooms

MOST_STAGES = 20
STAGE_FIELDS = {"percentage", "minimum_hours", "minimum_meetings"}


def require_valid(after: RolloutValues, before: RolloutValues) -> None:
    """Raises ValidationError with a message for each field. What stays as it is keeps nobody from changing the rest."""
    changed = set(after.changed_from(before))
    problems = {
        "default_platform": _of_platform(after.default_platform) if "default_platform" in changed else "",
        "target_platform": _of_platform(after.target_platform) if _brings_rooms(after, before) else "",
        "failover_order": _of_order(after.failover_order) if "failover_order" in changed else "",
        "held_back_rooms": _of_lists(after) if changed & {"listed_rooms", "held_back_rooms"} else "",
        "percentage": _of_percentage(after, changed),
        "stages": of_stages(after.stages) if "stages" in changed else "",
        "guards": _of_guards(after.guards) if "guards" in changed else "",
        "on_breach": "" if after.on_breach in Rollout.OnBreach.values else _one_of(Rollout.OnBreach.values),
    }
    if found := {name: problem for name, problem in problems.items() if problem}:
        raise ValidationError(found)


def _of_platform(name: str) -> str:
    known = get_available_platforms()
    if name not in known:
        return f"{_('There is no platform {platform!r}.').format(platform=name)} {_one_of(known)}"
    return why_unavailable(name) or ""


def _brings_rooms(after: RolloutValues, before: RolloutValues) -> bool:
    """Whether more rooms than before are to open on the target platform, or on another one."""
    return (
        after.target_platform != before.target_platform
        or after.switched_on > before.switched_on
        or after.percentage > before.percentage
        or bool(after.listed_rooms - before.listed_rooms or after.groups - before.groups)
        or (after.stages != before.stages and bool(after.stages))
    )


def _of_order(order: Sequence[Any]) -> str:
    known = get_available_platforms()
    if unknown := [name for name in order if name not in known]:
        return _of_platform(unknown[0])
    if twice := next((name for name in order if list(order).count(name) > 1), None):
        return _("{platform} is named twice. Name each platform once.").format(platform=twice)
    return ""


def _of_lists(values: RolloutValues) -> str:
    both = names_of_rooms(values.listed_rooms & values.held_back_rooms)
    if not both:
        return ""
    return _("On the list and held back at once: {rooms}. Take each from one of them.").format(
        rooms=", ".join(both[:10])
    )


def _of_percentage(after: RolloutValues, changed: set[str]) -> str:
    if isinstance(after.percentage, bool) or not isinstance(after.percentage, int) or not 0 <= after.percentage <= 100:
        return _("A whole number from 0 to 100.")
    if after.stages and "percentage" in changed and not changed & {"stages", "stage", "paused_at"}:
        return _("The plan says the percentage. Take the plan away first to choose one by hand.")
    return ""


def _of_guards(guards: Any) -> str:
    try:
        guards_of(guards)
    except ValidationError as error:
        return str(error.messages[0])
    return ""


def of_stages(stages: Any) -> str:
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        return _("A list of stages, each an object with percentage, minimum_hours and minimum_meetings.")
    if len(stages) > MOST_STAGES:
        return _("At most {most} stages.").format(most=MOST_STAGES)
    problems = (_of_stage(number, stage) for number, stage in enumerate(stages, 1))
    return next(filter(None, problems), "") or _rising(stages)


def _of_stage(number: int, stage: Mapping[str, Any]) -> str:
    if unknown := sorted(set(stage) - STAGE_FIELDS):
        return _("Stage {number} has {unknown!r}, which no stage has; there are {known}.").format(
            number=number, unknown=unknown[0], known=", ".join(sorted(STAGE_FIELDS))
        )
    if not _is_number(stage.get("percentage"), 1, 100):
        return _("Stage {number}: percentage is a whole number from 1 to 100.").format(number=number)
    if not _is_number(stage.get("minimum_hours", 0), 0, 10_000, whole=False):
        return _("Stage {number}: minimum_hours is a number from 0 to 10000.").format(number=number)
    if not _is_number(stage.get("minimum_meetings", 0), 0, 1_000_000):
        return _("Stage {number}: minimum_meetings is a whole number from 0 to 1000000.").format(number=number)
    return ""


def _is_number(value: Any, least: int, most: int, whole: bool = True) -> bool:
    kinds = int if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most


def _rising(stages: Sequence[Mapping[str, Any]]) -> str:
    for number, (before, after) in enumerate(pairwise(stages), 2):
        if after["percentage"] <= before["percentage"]:
            return _(
                "Stage {number} has {percentage} % after {before} %. Each stage must have more than the one before."
            ).format(number=number, percentage=after["percentage"], before=before["percentage"])
    return ""


def _one_of(names: Sequence[str]) -> str:
    return _("There are: {names}.").format(names=", ".join(names))
