"""The plan of the rollout: which stage it is at, and what a change of the plan makes of that."""

from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from rooms.rollout.check import of_stages
from rooms.rollout.values import RolloutValues

# Another one of these is another comparison.
COMPARED = {"default_platform", "target_platform", "switched_on"}
# Of a stage, where a command does not say otherwise.
HOURS = 24
MEETINGS = 20


def completed(after: RolloutValues, before: RolloutValues) -> RolloutValues:
    """A plan that is new or changed goes on from the percentage that is reached; without one there is no stage."""
    if of_stages(after.stages):
        return after
    if after.stages == before.stages:
        return _begin_anew(after) if after.stages and COMPARED & set(after.changed_from(before)) else after
    if not after.stages:
        return sound(after)
    stage = _stage_at(after)
    values = replace(after, stage=stage, percentage=after.stages[stage]["percentage"])
    return _begin_anew(replace(values, paused_at=None, paused_because=""))


def sound(values: RolloutValues) -> RolloutValues:
    """Without a plan there is neither a stage nor a pause, and no stage beyond its last one."""
    if not values.stages:
        return replace(values, stage=0, stage_began_at=None, watched_since=None, paused_at=None, paused_because="")
    return replace(values, stage=min(values.stage, len(values.stages) - 1))


def at_stage(values: RolloutValues, stage: int) -> RolloutValues:
    """Forward, the guards go on with all that they have seen. Raises IndexError for a stage that the plan has not."""
    there = replace(values, stage=stage, percentage=values.stages[stage]["percentage"])
    return replace(there, stage_began_at=timezone.now()) if stage > values.stage else _begin_anew(there)


def _stage_at(values: RolloutValues) -> int:
    """The last stage that is reached already, so that a new plan by itself brings in as few rooms as it can."""
    reached = [number for number, stage in enumerate(values.stages) if stage["percentage"] <= values.percentage]
    return max(reached, default=0)


def pause(values: RolloutValues, because: str) -> RolloutValues:
    """No further room moves; those that are in stay in."""
    return replace(values, paused_at=timezone.now(), paused_because=because)


def stop(values: RolloutValues, because: str) -> RolloutValues:
    """After a breach: paused, and at the stage before where the plan says so. Before the first one nobody is in."""
    paused = pause(values, because)
    if values.on_breach != "step-back":
        return paused
    return _begin_anew(replace(paused, percentage=0)) if values.stage == 0 else at_stage(paused, values.stage - 1)


def resume(values: RolloutValues) -> RolloutValues:
    """The stage begins anew, so that what was wrong before the pause does not count against it."""
    percentage = values.stages[values.stage]["percentage"]
    return _begin_anew(replace(values, percentage=percentage, paused_at=None, paused_because=""))


def finish(values: RolloutValues) -> RolloutValues:
    """There is no plan any more, and the percentage stays as it is."""
    return sound(replace(values, stages=[]))


def _begin_anew(values: RolloutValues) -> RolloutValues:
    now: datetime = timezone.now()
    return replace(values, stage_began_at=now, watched_since=now)
