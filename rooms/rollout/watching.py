"""Looks at the plan that runs, every half minute: takes it on to the next stage, or stops it and tells staff why.

Several may look at once: what one of them decides is written for the version that it saw, so that the others' is not.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone, translation

from platforms.handler import platform_label, why_unavailable
from platforms.health import notices, states
from rooms.models import Change, Rollout
from rooms.rollout import plan, sources
from rooms.rollout.decide import Outdated, write
from rooms.rollout.guard_settings import guards_of
from rooms.rollout.guards import Figures, judge_all
from rooms.rollout.progress import Progress, Stage
from rooms.rollout.values import RolloutValues
from rooms.rollout.wording import lasting

logger = logging.getLogger(__name__)

NOTICE = "rollout:breach"
STALE = timedelta(minutes=3)  # several looks
SHARES = ("failed-openings", "late-recordings", "silent-recordings")


@dataclass(frozen=True)
class Standing:
    """What Admin and the API say of a plan."""

    progress: Progress
    paused_because: str = ""
    held_because: str = ""  # by something that is not the guards'

    @property
    def sentence(self) -> str:
        """Where it is, and what comes next."""
        return " ".join(filter(None, (self.progress.sentence, self._next())))

    def _next(self) -> str:
        if self.paused_because:
            return f"Paused: {self.paused_because}"
        return self.held_because or self.progress.waits_for

    def as_json(self) -> dict[str, Any]:
        """For the API and the commands."""
        progress = self.progress
        return {
            "stage": progress.index + 1,
            "of": len(progress.stages),
            "percentage": progress.stage.percentage,
            "began_at": progress.began_at.isoformat(),
            "at": progress.at.isoformat(),
            "meetings": progress.meetings,
            "sentence": self.sentence,
            "paused_because": self.paused_because,
            "guards": [
                {
                    "name": verdict.guard.name,
                    "label": str(verdict.guard.label),
                    "outcome": str(verdict.outcome),
                    "sentence": verdict.sentence,
                }
                for verdict in progress.verdicts
            ],
        }


def standing(rollout: Rollout | None = None) -> Standing | None:
    """None where there is no plan. A number of queries that stays the same."""
    rollout = rollout or Rollout.objects.filter(pk=Rollout.ONLY).first()
    if rollout is None or rollout.decided_at is None or not rollout.stages:
        return None
    because = rollout.paused_because or "by staff." if rollout.paused_at else ""
    return Standing(progress_of(rollout, timezone.now()), because, _held_because(rollout))


def describe(rollout: Rollout | None) -> dict[str, Any] | None:
    """What `Standing.as_json` says, of the last look: for pages, which must not wait for the numbers."""
    if rollout is None or not rollout.stages:
        return None
    kept: dict[str, Any] = rollout.standing
    if kept.get("version") == rollout.version and datetime.fromisoformat(kept["at"]) > timezone.now() - STALE:
        return kept
    with translation.override(settings.LANGUAGE_CODE):  # as it is stored
        found = standing(rollout)
        return found.as_json() if found else None


def look() -> Change | None:
    """What was decided, if anything. Cheap where there is no plan."""
    rollout = Rollout.objects.filter(pk=Rollout.ONLY).first()
    found = standing(rollout) if rollout else None
    if rollout is None or found is None:
        return None
    change = _decide_on(rollout, found)
    if change:
        rollout.refresh_from_db()
        found = standing(rollout)
    if found:
        _keep(rollout, found)
    return change


def _decide_on(rollout: Rollout, found: Standing) -> Change | None:
    progress = found.progress
    if found.paused_because:
        return None
    if found.held_because:
        # Openings that go elsewhere for that are nobody's failure.
        Rollout.objects.filter(pk=rollout.pk, version=rollout.version).update(watched_since=timezone.now())
        return None
    if breach := progress.breach:
        return _stop(rollout, progress, breach.sentence)
    if not progress.is_over:
        return None
    took = f"{progress.name} took {lasting(progress.lasted)} and {progress.meetings:,} meetings; its guards are fine."
    if progress.is_last:
        return _decide(rollout, plan.finish, f"The plan is complete. {took}", "the plan")
    return _decide(rollout, lambda now: plan.at_stage(now, progress.index + 1), took, "the plan")


def _keep(rollout: Rollout, found: Standing) -> None:
    kept = {"version": rollout.version, **found.as_json()}
    Rollout.objects.filter(pk=rollout.pk, version=rollout.version).update(standing=kept)


def settle_notice(rollout: Rollout) -> None:
    """Nothing is told any more of a breach after which staff went on, rolled back or took the plan away."""
    if not (rollout.paused_at and rollout.switched_on and rollout.stages):
        notices.resolve(NOTICE)


def progress_of(rollout: Rollout, at: datetime) -> Progress:
    stages = [Stage.of(stage) for stage in rollout.stages]
    began_at = rollout.stage_began_at or at
    meetings = sources.meetings_on(rollout.target_platform, began_at)
    progress = Progress(stages, rollout.stage, began_at, at, meetings)
    guards = guards_of(rollout.guards)
    asked = sources.Asked(
        rollout.target_platform,
        rollout.default_platform,
        rollout.watched_since or began_at,
        at,
        {guard.name: guard for guard in guards},
    )
    verdicts = judge_all(guards, _figures(asked, progress))
    return Progress(stages, rollout.stage, began_at, at, meetings, verdicts)


def _figures(asked: sources.Asked, progress: Progress) -> Figures:
    shares = {name: periods for name in SHARES if (periods := sources.read(name, asked)) is not None}
    silence, other_silence = sources.read("silent-webhooks", asked) or (None, None)
    return Figures(
        at=asked.at,
        target=platform_label(asked.target),
        other=platform_label(asked.other),
        shares=shares,
        opening_times=sources.read("slow-openings", asked),
        silence=silence,
        other_silence=other_silence,
        lasted=asked.at - asked.since,
        planned=progress.planned,
        is_everywhere=progress.stage.percentage == 100,
    )


def _held_because(rollout: Rollout) -> str:
    """Why the plan neither goes on nor is judged, although nobody paused it; empty where it is."""
    if not rollout.switched_on:
        return "It waits while the master switch is off."
    for platform in (rollout.target_platform, rollout.default_platform):
        state = states.current().get(platform)
        cordon = states.cordon_sentence(state) if state else ""
        if why := why_unavailable(platform) or cordon:
            return f"It waits: {why}"
    return ""


def _stop(rollout: Rollout, progress: Progress, because: str) -> Change | None:
    change = _decide(rollout, lambda now: plan.stop(now, because), because, "a guard")
    if change:
        went = f"went back from {progress.stage.percentage} %" if rollout.on_breach == "step-back" else "is paused"
        notices.report(NOTICE, f"The rollout to {platform_label(rollout.target_platform)} {went}. {because}")
    return change


def _decide(
    rollout: Rollout, change_of: Callable[[RolloutValues], RolloutValues], note: str, via: str
) -> Change | None:
    try:
        change = write(change_of, note=note, version=rollout.version, via=via)
    except Outdated:
        return None  # the next look sees what was decided
    logger.warning("rollout_decided by=%s stage=%s why=%s", via, rollout.stage + 1, note)
    return change
