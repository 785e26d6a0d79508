"""The rollout as programs and pages are told of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from platforms.handler import platform_label
from rooms.models import Change, Rollout, Room
from rooms.platform_change import select_or_refusal
from rooms.rollout import watching
from rooms.rollout.values import LISTS, NAMES, of_row, present
from rooms.rollout.words import LABELS, environment_differs, in_words, names_of_groups, names_of_rooms, who
from rooms.selection import current_policy


def describe() -> dict[str, Any]:
    """What holds, by field, as JSON can hold it but for the times; who decided it, and what variables say else."""
    rollout = Rollout.objects.select_related("decided_by").filter(pk=Rollout.ONLY).first()
    values = of_row(rollout)
    decided = rollout if rollout and rollout.decided_at else None
    return {
        **{name: getattr(values, name) for name in NAMES if name not in LISTS},
        "listed_rooms": sorted(map(str, values.listed_rooms)),
        "held_back_rooms": sorted(map(str, values.held_back_rooms)),
        "groups": sorted(Group.objects.filter(pk__in=values.groups).values_list("name", flat=True)),
        "decided_at": decided and decided.decided_at,
        "decided_by": str(decided.decided_by) if decided and decided.decided_by else None,
        "version": rollout.version if rollout else 0,
        "environment_differs": environment_differs(rollout),
        "plan": watching.describe(rollout),
    }


def described() -> list[tuple[str, str]]:
    """Label and value of each field, for people."""
    values = present()
    return [(str(LABELS[name]), _shown(name, getattr(values, name))) for name in NAMES if name in LABELS]


def _shown(name: str, value: Any) -> str:
    if name not in LISTS:
        return in_words(name, value)
    names = names_of_groups(value) if name == "groups" else names_of_rooms(value)
    return ", ".join(names) or _("none")


def as_json(edits: Mapping[str, Any]) -> dict[str, Any]:
    """Edits as the API takes them."""
    groups = edits.get("groups")
    return {
        **edits,
        **{name: sorted(map(str, edits[name])) for name in ("listed_rooms", "held_back_rooms") if name in edits},
        **({"groups": names_of_groups(groups)} if groups is not None else {}),
    }


def where_rooms_open() -> list[tuple[str, int]]:
    """Platform, "" for nowhere, and how many rooms' next meetings would open on it, most first."""
    policy = current_policy()
    rooms = Room.objects.only("platform", "owner", "never_elsewhere").order_by()
    return Counter(select_or_refusal(room, policy).platform for room in rooms.iterator(chunk_size=5000)).most_common()


def describe_change(change: Change) -> dict[str, Any]:
    undone = change.undone_by.first()
    return {
        "id": str(change.pk),
        "kind": change.kind,
        "at": change.at,
        "by": who(change),
        "summary": change.summary,
        "note": change.note,
        "undoes": str(change.undoes_id) if change.undoes_id else None,
        "undone_by": str(undone.pk) if undone else None,
    }


def sentence() -> str:
    """One line: the switch, the target, and who goes there."""
    said = describe()
    target = platform_label(said["target_platform"])
    if not said["switched_on"]:
        return _("Off: no meeting opens on {platform}.").format(platform=target)
    if not said["stages"]:
        told = _("On: {percentage} % of automatic rooms go to {platform}.")
    elif said["paused_at"]:
        told = _("On: {percentage} % of automatic rooms go to {platform}, stage {stage} of {stages}, paused.")
    else:
        told = _("On: {percentage} % of automatic rooms go to {platform}, stage {stage} of {stages}.")
    return told.format(
        percentage=said["percentage"], platform=target, stage=said["stage"] + 1, stages=len(said["stages"])
    )
