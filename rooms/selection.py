"""Which platform a room opens on, and why. The rules are one pure function; the rest gathers its inputs."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import get_available_platforms, platform_label, why_unavailable

if TYPE_CHECKING:
    from rooms.models import Room


@dataclass(frozen=True)
class RolloutPolicy:
    """The rollout: automatic rooms move to `target`, by list or by share, while the switch is on."""

    default: str
    target: str
    switched_on: bool = False
    room_ids: frozenset[str] = frozenset()
    percentage: int = 0
    failover: Sequence[str] = ()
    switch_name: str = "the migration switch"
    # Every platform there is -> why nothing may open on it, as a sentence; None when it may.
    platforms: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    platform: str
    reason: str


def select_platform(room_id: str, chosen: str, policy: RolloutPolicy) -> Selection:
    """The platform for a room's next meeting. `chosen` is the room's own platform, "" for automatic.

    Where what is wanted may not be used, the default platform goes first and the failover order decides next.
    Raises PlatformNotConfigured, naming what to set, when no platform is left.
    """
    wanted, reason = _wanted(room_id, chosen, policy)
    candidates = dict.fromkeys([wanted, policy.default, *policy.failover])
    refusals: list[str] = []
    for platform in candidates:
        refusal = _refusal(platform, policy)
        if refusal is None:
            return Selection(platform, " ".join([reason, *refusals, *_instead(platform, wanted)]))
        refusals.append(refusal)
    raise PlatformNotConfigured(" ".join(["No video platform can open this room.", *refusals]), wanted)


def _wanted(room_id: str, chosen: str, policy: RolloutPolicy) -> tuple[str, str]:
    """What the room's own choice and the rollout ask for, whether or not it can be had."""
    if chosen:
        return chosen, "Chosen for this room."
    if room_id in policy.room_ids:
        return policy.target, "The room is on the migration list."
    if bucket(room_id) < policy.percentage:
        return policy.target, f"The room is within the {policy.percentage} % being migrated."
    return policy.default, "The default platform."


def _refusal(platform: str, policy: RolloutPolicy) -> str | None:
    if platform == policy.target and not policy.switched_on:
        return f"{platform_label(platform)} is switched off ({policy.switch_name} is false)."
    return policy.platforms.get(platform, f"There is no platform {platform!r}.")


def _instead(platform: str, wanted: str) -> list[str]:
    return [] if platform == wanted else [f"So it opens on {platform_label(platform)} instead."]


def bucket(room_id: str) -> int:
    """A number from 0 to 99 that stays the same for a room, so that a rising percentage only adds rooms."""
    return int.from_bytes(hashlib.sha256(room_id.encode()).digest()[:8], "big") % 100


def current_policy() -> RolloutPolicy:
    migration = settings.VIDEO_PLATFORM_MIGRATION
    return RolloutPolicy(
        default=settings.DEFAULT_VIDEO_PLATFORM,
        target=migration["TARGET"],
        switched_on=getattr(settings, migration["SWITCH"]),
        switch_name=migration["SWITCH"],
        room_ids=frozenset(str(room_id).lower() for room_id in getattr(settings, migration["ROOM_IDS"])),
        percentage=getattr(settings, migration["PERCENTAGE"]),
        failover=settings.VIDEO_PLATFORM_FAILOVER,
        platforms={name: why_unavailable(name) for name in get_available_platforms()},
    )


def select_for_room(room: "Room", policy: RolloutPolicy | None = None) -> Selection:
    return select_platform(str(room.pk), room.platform, policy or current_policy())


def get_platform_for_room(room_id: str | uuid.UUID) -> str:
    """The alias that the room's next meeting opens on. Raises Room.DoesNotExist, PlatformNotConfigured."""
    from rooms.models import Room

    try:
        room = Room.objects.get(pk=room_id)
    except ValidationError as error:
        raise Room.DoesNotExist(f"There is no room {room_id!r}.") from error
    return select_for_room(room).platform
