"""Taking a decision back: what it changed becomes what it was, also hours later, and nothing else does."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from rooms.models import Change, Rollout, Room
from rooms.rollout import moves, plan
from rooms.rollout.decide import write
from rooms.rollout.preview import Preview, preview_choices, preview_values
from rooms.rollout.values import LISTS, RolloutValues, of_record, of_row
from rooms.rollout.words import LABELS, UNTOLD, differences, in_words, time_of, who


class CannotUndo(Exception):
    """There is nothing that could be taken back; the text says why."""


@dataclass(frozen=True)
class Undoing:
    """What taking back would do: `restores` in words, and what it leaves since somebody changed it meanwhile."""

    change: Change
    restores: list[str] = field(default_factory=list)
    changed_since: list[str] = field(default_factory=list)
    preview: Preview = field(default_factory=Preview)


def preview_undo(change: Change) -> Undoing:
    """What `undo` would do now. Raises CannotUndo where it could not."""
    if change.kind == Change.Kind.ROOMS:
        return _preview_moves_back(change)
    rollout = Rollout.objects.filter(pk=Rollout.ONLY).first()
    now = of_row(rollout)
    before, after = _sides(change)
    restored = _restored(now, before, after)
    preview = preview_values(restored)
    if _first_and_last(change, rollout):
        return Undoing(change, [*differences(now, restored), _("The environment's variables hold again")], [], preview)
    return Undoing(change, differences(now, restored), _since(now, before, after), preview)


def _preview_moves_back(change: Change) -> Undoing:
    back = moves.way_back(change)
    left = {each.record.id: each.record.left for each in back.moves}
    preview = preview_choices(Room.objects.filter(pk__in=left), lambda room: left[room.pk])
    return Undoing(
        change, [each.in_words() for each in back.moves], [each.in_words() for each in back.changed], preview
    )


@transaction.atomic
def undo(change: Change, by: Any = None, note: str = "", *, everything: bool = False, via: str = "") -> Change:
    """Take a decision back. What was changed since stays as it is, unless `everything` is to be as it was before.

    Raises CannotUndo, and ValidationError where what was before cannot be any more.
    """
    with translation.override(settings.LANGUAGE_CODE):  # it is stored
        note = note or f"Undo of what {who(change)} decided on {time_of(change.at)}"
    taken_back = moves.move_back if change.kind == Change.Kind.ROOMS else _undo_rollout
    done: Change | None = taken_back(change, by, note, everything, via)
    if done is None:
        raise CannotUndo(_nothing_left(change))
    return done


def _undo_rollout(change: Change, by: Any, note: str, everything: bool, via: str) -> Change | None:
    before, after = _sides(change)
    rollout = Rollout.objects.select_for_update().get(pk=Rollout.ONLY)
    return write(
        lambda now: _restored(now, before, after, everything),
        by,
        note,
        via=via,
        undoes=change,
        to_environment=_first_and_last(change, rollout),
    )


def _sides(change: Change) -> tuple[RolloutValues, RolloutValues]:
    """What held before the decision, and what it decided."""
    record = Rollout.history.filter(change=change).first()
    earlier = record and Rollout.history.filter(version=record.version - 1).first()
    if not earlier:
        raise CannotUndo(_("The history does not hold what there was before."))
    return of_record(earlier), of_record(record)


def _restored(
    now: RolloutValues, before: RolloutValues, after: RolloutValues, everything: bool = False
) -> RolloutValues:
    """Of lists, what was added goes and what was removed comes back; a value that is another by now stays."""
    values: dict[str, Any] = {}
    for name in after.changed_from(before):
        old, decided, present = (getattr(each, name) for each in (before, after, now))
        if name in LISTS:
            values[name] = (present - (decided - old)) | (old - decided)
        elif present == decided or everything:
            values[name] = old
    return plan.sound(replace(now, **values))


def _since(now: RolloutValues, before: RolloutValues, after: RolloutValues) -> list[str]:
    names = [name for name in after.changed_from(before) if name not in LISTS]
    other = [name for name in names if getattr(now, name) != getattr(after, name)]
    return [
        _("{field} is {now} by now, not {decided}.").format(
            field=LABELS[name],
            now=in_words(name, getattr(now, name)),
            decided=in_words(name, getattr(after, name)),
        )
        for name in other
        if name not in UNTOLD
    ]


def _first_and_last(change: Change, rollout: Rollout | None) -> bool:
    """Whether it is the only decision there was: taking it back leaves it to the environment again."""
    record = Rollout.history.filter(change=change).first()
    if rollout is None or record is None or record.version != rollout.version:
        return False
    earlier = Rollout.history.filter(version=record.version - 1).first()
    return bool(earlier and earlier.decided_at is None)


def _nothing_left(change: Change) -> str:
    done = change.undone_by.first()
    if done:
        return _("It was taken back already, on {when} by {who}.").format(when=time_of(done.at), who=who(done))
    return _("There is nothing to take back: all of it was changed since.")


def undoable(limit: int = 20) -> Sequence[Change]:
    """The latest decisions, newest first."""
    return list(Change.objects.select_related("by").prefetch_related("undone_by")[:limit])
