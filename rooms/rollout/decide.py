"""Deciding on the rollout: one decision is checked, written, and told of in the history, or nothing is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from rooms.history import changed_by
from rooms.models import Change, Rollout, Room
from rooms.rollout import plan
from rooms.rollout.check import require_valid
from rooms.rollout.values import LISTS, NAMES, RolloutValues, of_environment, of_row, snapshot
from rooms.rollout.words import changes_after, differences


class Outdated(Exception):
    """Somebody decided meanwhile; `changes` says who, when and what, a sentence each."""

    def __init__(self, changes: list[str], version: int) -> None:
        super().__init__(" ".join(["The rollout was changed meanwhile:", *changes]))
        self.changes, self.version = changes, version


def decide(
    edits: Mapping[str, Any], by: Any = None, note: str = "", version: int | None = None, via: str = ""
) -> Change | None:
    """Change the fields that are given; None where they are so already.

    `version` is that of the row which whoever decides has seen. Raises Outdated and ValidationError.
    """
    return write(lambda before: after_edits(before, edits), by, note, version, via)


def after_edits(before: RolloutValues, edits: Mapping[str, Any]) -> RolloutValues:
    """Raises ValidationError."""
    after = plan.completed(replace(before, **edits), before)
    require_valid(after, before)
    if edits.get("percentage", before.percentage) not in (before.percentage, after.percentage):
        raise ValidationError(
            {
                "percentage": _("The plan says {percentage} %. Leave the percentage to it.").format(
                    percentage=after.percentage
                )
            }
        )
    return after


@transaction.atomic
def write(
    change_of: Callable[[RolloutValues], RolloutValues],
    by: Any = None,
    note: str = "",
    version: int | None = None,
    via: str = "",
    *,
    undoes: Change | None = None,
    to_environment: bool = False,
) -> Change | None:
    """Replace what holds by what `change_of` makes of it. `to_environment` lets the variables hold again."""
    rollout = locked_row()
    if version is not None and version != rollout.version:
        raise Outdated(changes_after(version), rollout.version)
    before = of_row(rollout)
    after = change_of(before)
    if not to_environment:
        require_valid(after, before)
    if not after.changed_from(before) and not to_environment:
        return None
    with translation.override(settings.LANGUAGE_CODE):  # it is stored
        summary = f"{'; '.join(differences(before, after)) or 'The variables hold again'}."
    change = Change.objects.create(kind=Change.Kind.ROLLOUT, summary=summary, note=note, by=by, via=via, undoes=undoes)
    with changed_by(by, note, change):
        rollout.decided_at, rollout.decided_by = (None, None) if to_environment else (change.at, by)
        rollout.version += 1
        _store(rollout, after)
    return change


def locked_row() -> Rollout:
    """The one row, for the rest of the transaction; made of the environment where there is none yet."""
    Rollout.objects.bulk_create([Rollout(pk=Rollout.ONLY)], ignore_conflicts=True)
    rollout = Rollout.objects.select_for_update().get(pk=Rollout.ONLY)
    if not rollout.history.exists():
        _store(rollout, of_environment())
    return rollout


def _store(rollout: Rollout, values: RolloutValues) -> None:
    """The lists first, so that one record of the history holds all of it."""
    for name in NAMES:
        if name not in LISTS:
            setattr(rollout, name, getattr(values, name))
    rollout.environment = snapshot()
    rollout.skip_history_when_saving = True  # type: ignore[attr-defined]
    rollout.listed_rooms.set(Room.objects.filter(pk__in=values.listed_rooms))
    rollout.held_back_rooms.set(Room.objects.filter(pk__in=values.held_back_rooms))
    rollout.groups.set(Group.objects.filter(pk__in=values.groups))
    del rollout.skip_history_when_saving  # type: ignore[attr-defined]
    rollout.save()
