"""Which platform a room opens on, and why. The rules are one pure function; the rest gathers its inputs."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache, partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from platforms import revision
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import get_available_platforms, get_platform_client_class, platform_label, why_unavailable
from platforms.health import states
from rooms.lost_features import lost_features
from rooms.models import Rollout, Room
from rooms.rollout.values import RolloutValues, of_environment, of_row, people_of

BY_STAFF = gettext_lazy("by staff")


class Unavailability(Mapping[str, str | None]):
    """Every platform there is -> why nothing may open on it, found out when somebody asks: most are not needed."""

    def __init__(self) -> None:
        self._names = get_available_platforms()
        self._found: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str | None:
        if name not in self._found:
            if name not in self._names:
                raise KeyError(name)
            self._found[name] = why_unavailable(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class RolloutPolicy:
    """The rollout: automatic rooms move to `target`, by list, by their owners or by share, while the switch is on."""

    default: str
    target: str
    switched_on: bool = False
    off_because: str | Promise = BY_STAFF  # who switched it off
    room_ids: frozenset[str] = frozenset()
    held_back: frozenset[str] = frozenset()
    owner_ids: frozenset[int] = frozenset()  # people of the groups that go first
    percentage: int = 0
    failover_allowed: bool = True
    failover: Sequence[str] = ()
    # Every platform there is -> why nothing may open on it, as a sentence; None when it may.
    platforms: Mapping[str, str | None] = field(default_factory=dict)
    # Those on which nothing opens for the time being -> why, as a sentence: cordoned by staff, or not answering.
    cordoned: Mapping[str, str] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    def is_open(self, platform: str) -> bool:
        """Whether a meeting can open there at once: nothing speaks against it."""
        if platform not in self._open:
            is_away = platform in self.cordoned or platform in self.silent
            self._open[platform] = not is_away and _refusal(platform, self) is None
        return self._open[platform]

    @property
    def is_one_for_all(self) -> bool:
        """Whether all automatic rooms want the same platform."""
        return not (self.room_ids or self.held_back or self.owner_ids or self.percentage)

    @cached_property
    def _open(self) -> dict[str, bool]:
        return {}

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        return reasons_in(get_language(), self.percentage)


@dataclass(frozen=True)
class Selection:
    platform: str
    reason: str
    wanted: str = ""  # what the room's own choice and the rollout ask for, whether or not it can be had
    lasting: str = ""  # where it opens when none is away for the time being; empty where it opens nowhere

    @property
    def can_open(self) -> bool:
        return bool(self.lasting)


def select_platform(
    room_id: str,
    chosen: str,
    policy: RolloutPolicy,
    owner_id: int | None = None,
    never_elsewhere: bool = False,
    count_lost: Callable[[str], int] = lambda platform: 0,
) -> Selection:
    """The platform for a room's next meeting. `chosen` is the room's own platform, "" for automatic.

    Off, the switch puts the default platform in the target's place. Where what is wanted then may not be used, the
    failover order decides, of those on which the room loses least. Where none answers, the first is tried all the same.
    Raises PlatformNotConfigured, naming what to set, when no platform is left.
    """
    wanted, reason = wanted_platform(room_id, chosen, policy, owner_id)
    if policy.is_open(wanted):
        return _as_wanted(wanted, reason)
    usable, refusals = list[str](), list[str]()
    for platform in _candidates(wanted, chosen, policy, never_elsewhere, count_lost):
        refusal = _refusal(platform, policy)
        if refusal is None:
            usable.append(platform)
            refusal = policy.cordoned.get(platform) or policy.silent.get(platform)
        if refusal is None:
            reasons = [reason, *refusals, *_instead(platform, wanted)]
            return Selection(platform, " ".join(reasons), wanted, lasting=usable[0])
        refusals.append(refusal)
    if not policy.failover_allowed:
        refusals.append(_("The rollout does not allow another platform instead."))
    elif never_elsewhere:
        refusals.append(_("The room opens on no other platform instead."))
    if tried := next((name for name in usable if name not in policy.cordoned), None):
        return Selection(tried, " ".join([reason, *refusals]), wanted, lasting=usable[0])
    raise PlatformNotConfigured(" ".join([_("No video platform can open this room."), *refusals]), wanted)


@lru_cache(128)
def _as_wanted(platform: str, reason: str) -> Selection:
    """One for all rooms of a list that open as they want to."""
    return Selection(platform, reason, platform, lasting=platform)


@cache
def reasons_in(language: str | None, percentage: int) -> Mapping[str, str]:
    """Why a room opens where it does, in the language that is active: found once, as lists need them for each row."""
    return {
        "chosen": _("Chosen for this room."),
        "held back": _("The room is held back."),
        "listed": _("The room is on the migration list."),
        "owner": _("The room's owner is in a group that goes first."),
        "share": _("The room is within the {percent} % being migrated.").format(percent=percentage),
        "default": _("The default platform."),
    }


def wanted_platform(room_id: str, chosen: str, policy: RolloutPolicy, owner_id: int | None) -> tuple[str, str]:
    """What the room's own choice and the rollout ask for, whether or not it can be had."""
    reasons = policy.reasons
    if chosen:
        return chosen, reasons["chosen"]
    if room_id in policy.held_back:
        return policy.default, reasons["held back"]
    if room_id in policy.room_ids:
        return policy.target, reasons["listed"]
    if owner_id in policy.owner_ids:
        return policy.target, reasons["owner"]
    if policy.percentage and bucket(room_id) < policy.percentage:
        return policy.target, reasons["share"]
    return policy.default, reasons["default"]


def _candidates(
    wanted: str, chosen: str, policy: RolloutPolicy, never_elsewhere: bool, count_lost: Callable[[str], int]
) -> Iterator[str]:
    """One after the other, so that nobody counts what a room loses where it need not go."""
    first = [wanted]
    is_off = wanted == policy.target and not policy.switched_on
    if is_off and not (chosen and never_elsewhere):
        first = list(dict.fromkeys([wanted, policy.default]))
    yield from first
    if policy.failover_allowed and not never_elsewhere:
        yield from sorted((name for name in dict.fromkeys(policy.failover) if name not in first), key=count_lost)


def _refusal(platform: str, policy: RolloutPolicy) -> str | None:
    if platform == policy.target and not policy.switched_on:
        return _("{platform} is switched off ({reason}).").format(
            platform=platform_label(platform), reason=policy.off_because
        )
    if platform not in policy.platforms:
        return _("There is no platform {platform!r}.").format(platform=platform)
    return policy.platforms[platform]


def _instead(platform: str, wanted: str) -> list[str]:
    return (
        []
        if platform == wanted
        else [_("So it opens on {platform} instead.").format(platform=platform_label(platform))]
    )


def bucket(room_id: str) -> int:
    """A number from 0 to 99 that stays the same for a room, so that a rising percentage only adds rooms."""
    return int.from_bytes(hashlib.sha256(room_id.encode()).digest()[:8], "big") % 100


def current_policy(token: str | None = None) -> RolloutPolicy:
    """What holds now, by one small statement where nothing was changed since the last time.

    `token` is the present revision, where the caller has asked for it already.
    """
    token = revision.current() if token is None else token
    cordoned, silent = states.away(token)
    return replace(_kept().get(token), platforms=Unavailability(), cordoned=cordoned, silent=silent)


def without(policy: RolloutPolicy, platform: str) -> RolloutPolicy:
    """The same for who has just found a platform unavailable."""
    return replace(
        policy,
        silent={
            **policy.silent,
            platform: _("{platform} could not open it just now.").format(platform=platform_label(platform)),
        },
    )


def environment_policy() -> RolloutPolicy:
    """What holds while staff decided nothing."""
    switch = settings.VIDEO_PLATFORM_MIGRATION["SWITCH"]
    return policy_of(of_environment(), off_because=format_lazy(gettext_lazy("{switch} is false"), switch=switch))


def policy_of(values: RolloutValues, off_because: str | Promise = BY_STAFF) -> RolloutPolicy:
    """The rules as decided, with no word yet on which platforms can be used."""
    return RolloutPolicy(
        default=values.default_platform,
        target=values.target_platform,
        switched_on=values.switched_on,
        off_because=off_because,
        room_ids=frozenset(map(str, values.listed_rooms)),
        held_back=frozenset(map(str, values.held_back_rooms)),
        owner_ids=people_of(values.groups),
        percentage=values.percentage,
        failover_allowed=values.failover_allowed,
        failover=values.failover_order,
    )


def _read_policy() -> RolloutPolicy:
    rollout = Rollout.objects.filter(pk=Rollout.ONLY, decided_at__isnull=False).first()
    return policy_of(of_row(rollout)) if rollout else environment_policy()


@cache
def _kept() -> revision.Cached[RolloutPolicy]:
    return revision.Cached(_read_policy)


def _forget(**kwargs: Any) -> None:
    _kept.cache_clear()


setting_changed.connect(_forget)


def select_for_room(room: Room, policy: RolloutPolicy | None = None) -> Selection:
    return select_platform(
        str(room.pk),
        room.platform,
        policy or current_policy(),
        room.owner_id,
        room.never_elsewhere,
        partial(_count_lost, room),
    )


def select_instead(room: Room, platform: str, policy: RolloutPolicy) -> Selection:
    """For one meeting of the room, where somebody in charge of it says so: as if it were the room's own choice.

    It takes the place of what the rules ask for, so that all who come meet there. Raises PlatformNotConfigured.
    """
    chosen = select_platform(str(room.pk), platform, policy, room.owner_id, never_elsewhere=True)
    reason = _("Opened on {platform} by somebody in charge of the room.").format(
        platform=platform_label(chosen.platform)
    )
    try:
        by_rules = select_for_room(room, policy)
    except PlatformNotConfigured:
        return replace(chosen, reason=reason)
    return replace(by_rules, platform=chosen.platform, reason=reason)


def _count_lost(room: Room, platform: str) -> int:
    try:
        return len(lost_features(room, get_platform_client_class(platform)))
    except PlatformNotConfigured:
        return 0  # it is refused anyhow


def get_platform_for_room(room_id: str | uuid.UUID) -> str:
    """The alias that the room's next meeting opens on. Raises Room.DoesNotExist, PlatformNotConfigured."""
    try:
        room = Room.objects.get(pk=room_id)
    except ValidationError as error:
        raise Room.DoesNotExist(f"There is no room {room_id!r}.") from error
    return select_for_room(room).platform
