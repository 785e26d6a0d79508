"""The rollout's values as people read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.handler import platform_label
from rooms.models import Change, Rollout, Room
from rooms.platform_change import count_of
from rooms.rollout.values import RolloutValues, of_environment, of_row, snapshot, variables

LABELS: dict[str, str | Promise] = {
    "switched_on": gettext_lazy("Master switch"),
    "default_platform": gettext_lazy("Default platform"),
    "target_platform": gettext_lazy("Target platform"),
    "listed_rooms": gettext_lazy("Rooms on the list"),
    "held_back_rooms": gettext_lazy("Rooms held back"),
    "groups": gettext_lazy("Groups that go first"),
    "percentage": gettext_lazy("Percentage"),
    "failover_allowed": gettext_lazy("Failing over"),
    "failover_order": gettext_lazy("Failover order"),
    "stages": gettext_lazy("Plan"),
    "guards": gettext_lazy("Guards"),
    "on_breach": gettext_lazy("When a guard is breached"),
    "stage": gettext_lazy("Stage"),
    "stage_began_at": gettext_lazy("Stage began"),
    "watched_since": gettext_lazy("Guards count since"),
    "paused_at": gettext_lazy("Paused"),
    "paused_because": gettext_lazy("Why it is paused"),
}
UNTOLD = ("stage_began_at", "watched_since", "paused_because")
NAMED = 3  # rooms in a sentence; of more their number is said


def differences(before: RolloutValues, after: RolloutValues) -> list[str]:
    """One sentence without its end for each field that differs: `Percentage from 10 to 20`."""
    return [_difference(name, getattr(before, name), getattr(after, name)) for name in _told(before, after)]


def _told(before: RolloutValues, after: RolloutValues) -> list[str]:
    """The times of a stage go without saying beside the stage."""
    names = after.changed_from(before)
    return [name for name in names if name not in UNTOLD] or names


def _difference(name: str, old: Any, new: Any) -> str:
    if name in ("listed_rooms", "held_back_rooms"):
        return _of_lists(LABELS[name], names_of_rooms(new - old), names_of_rooms(old - new))
    if name == "groups":
        return _of_lists(LABELS[name], names_of_groups(new - old), names_of_groups(old - new))
    return _("{field} from {old} to {new}").format(field=LABELS[name], old=in_words(name, old), new=in_words(name, new))


def _of_lists(label: str | Promise, added: Sequence[str], removed: Sequence[str]) -> str:
    parts = [
        *([_("added {names}").format(names=_named(added))] if added else []),
        *([_("removed {names}").format(names=_named(removed))] if removed else []),
    ]
    return f"{label}: {', '.join(parts)}"


def _named(names: Sequence[str]) -> str:
    return str(len(names)) if len(names) > NAMED else ", ".join(names)


def in_words(name: str, value: Any) -> str:
    """A value that is no list of rooms or groups."""
    if name in ("default_platform", "target_platform"):
        return platform_label(value)
    if name == "failover_order":
        return ", ".join(map(platform_label, value)) or _("none")
    if name == "stages":
        return ", ".join(f"{stage['percentage']} %" for stage in value) or _("none")
    if name == "stage":
        return str(value + 1)
    if name == "guards":
        return _("by default, but for {names}").format(names=", ".join(value)) if value else _("by default")
    if name == "on_breach":
        label = str(Rollout.OnBreach(value).label).split(":")[0]
        return label[:1].lower() + label[1:]
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, datetime):
        return time_of(value)
    return _("none") if value in (None, "") else str(value)


def time_of(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def names_of_rooms(keys: frozenset[Any]) -> list[str]:
    return list(Room.objects.filter(pk__in=keys).order_by("name").values_list("name", flat=True)) if keys else []


def names_of_groups(keys: frozenset[Any]) -> list[str]:
    return list(Group.objects.filter(pk__in=keys).order_by("name").values_list("name", flat=True)) if keys else []


def who(change: Change) -> str:
    return str(change.by or change.via or _("somebody in a shell"))


def told(change: Change) -> str:
    """One line of what was decided: when, by whom, what and why."""
    note = f" ({change.note})" if change.note else ""
    return f"{time_of(change.at)}, {who(change)}: {change.summary}{note}"


def changes_after(version: int) -> list[str]:
    """What was decided since a version of the row, the first one first."""
    records = Rollout.history.filter(version__gt=version).order_by("version").select_related("change__by")
    return [told(record.change) for record in records if record.change]


def environment_differs(rollout: Rollout | None) -> list[str]:
    """A sentence for each variable that was changed since staff decided, and says something else than they did."""
    if rollout is None or rollout.decided_at is None:
        return []
    said, decided, now = of_environment(), of_row(rollout), snapshot()
    when, by = time_of(rollout.decided_at), str(rollout.decided_by or _("a command"))
    return [
        _differs(name, variable, said, decided, when, by)
        for name, variable in variables().items()
        if now[name] != rollout.environment.get(name) and getattr(said, name) != getattr(decided, name)
    ]


def _differs(name: str, variable: str, said: RolloutValues, decided: RolloutValues, when: str, by: str) -> str:
    says, chose = (_short(name, getattr(values, name)) for values in (said, decided))
    return _("{variable} was changed: the environment says {says}, Admin decided {chose} on {when} by {by}.").format(
        variable=variable, says=says, chose=chose, when=when, by=by
    )


def _short(name: str, value: Any) -> str:
    return count_of(len(value), "room") if name == "listed_rooms" else in_words(name, value)


def problems_of(error: ValidationError) -> list[str]:
    """What was wrong with each field, a line for each."""
    return [
        f"{LABELS.get(name, name)}: {' '.join(map(str, messages))}" for name, messages in error.message_dict.items()
    ]
