"""What staff decide of the rollout, as values: of the environment, of the row, or of a record of its history."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from rooms.models import Rollout

LISTS = ("listed_rooms", "held_back_rooms", "groups")
# Field -> the variable that holds while staff decided nothing; those that end in "migration" are named by a setting.
VARIABLES = {
    "default_platform": "DEFAULT_VIDEO_PLATFORM",
    "failover_order": "VIDEO_PLATFORM_FAILOVER",
}
MIGRATION = {"switched_on": "SWITCH", "listed_rooms": "ROOM_IDS", "percentage": "PERCENTAGE"}


@dataclass(frozen=True)
class RolloutValues:
    """Lists of rooms and groups are sets of keys."""

    switched_on: bool
    default_platform: str
    target_platform: str
    listed_rooms: frozenset[uuid.UUID] = frozenset()
    held_back_rooms: frozenset[uuid.UUID] = frozenset()
    groups: frozenset[int] = frozenset()
    percentage: int = 0
    failover_allowed: bool = True
    failover_order: list[str] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    guards: Mapping[str, Any] = field(default_factory=dict)
    on_breach: str = Rollout.OnBreach.PAUSE
    stage: int = 0
    stage_began_at: datetime | None = None
    watched_since: datetime | None = None
    paused_at: datetime | None = None
    paused_because: str = ""

    def changed_from(self, other: "RolloutValues") -> list[str]:
        """Names of the fields that differ, in the order above."""
        return [name for name in NAMES if getattr(self, name) != getattr(other, name)]


NAMES = [each.name for each in fields(RolloutValues)]


def variables() -> dict[str, str]:
    """Field -> name of the environment variable that it begins with."""
    migration = settings.VIDEO_PLATFORM_MIGRATION
    return {**VARIABLES, **{name: migration[key] for name, key in MIGRATION.items()}}


def snapshot() -> dict[str, Any]:
    """What each variable says now, as JSON can hold it."""
    return {name: getattr(settings, variable) for name, variable in variables().items()}


def of_environment() -> RolloutValues:
    said = snapshot()
    return RolloutValues(
        target_platform=settings.VIDEO_PLATFORM_MIGRATION["TARGET"],
        **{
            **said,
            "listed_rooms": frozenset(uuid.UUID(room_id) for room_id in said["listed_rooms"]),
            "failover_order": list(said["failover_order"]),
        },
    )


def of_row(rollout: Rollout | None) -> RolloutValues:
    """What holds: the row where staff decided, else the environment."""
    if rollout is None or rollout.decided_at is None:
        return of_environment()
    lists: dict[str, Any] = {name: frozenset(getattr(rollout, name).values_list("pk", flat=True)) for name in LISTS}
    return RolloutValues(**_plain(rollout), **lists)


def of_record(record: Any) -> RolloutValues:
    """What a record of the history holds; of the first one that is what the environment said then."""
    keys = {"listed_rooms": "room_id", "held_back_rooms": "room_id", "groups": "group_id"}
    lists: dict[str, Any] = {
        name: frozenset(getattr(record, name).values_list(key, flat=True)) for name, key in keys.items()
    }
    return RolloutValues(**_plain(record), **lists)


def present() -> RolloutValues:
    return of_row(Rollout.objects.filter(pk=Rollout.ONLY).first())


def people_of(groups: frozenset[int]) -> frozenset[int]:
    """Who is in one of them."""
    if not groups:
        return frozenset()
    return frozenset(get_user_model().objects.filter(groups__in=groups).values_list("pk", flat=True))


def _plain(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NAMES if name not in LISTS}
