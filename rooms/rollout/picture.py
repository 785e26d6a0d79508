"""What the rollout does now: who goes where, for a picture, and the rules in sentences."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, Count, QuerySet, TextField, When
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from platforms.exceptions import PlatformNotConfigured
from platforms.handler import create_platform_client, platform_label
from rooms.models import Room
from rooms.platform_change import count_of, select_or_refusal
from rooms.selection import RolloutPolicy, select_platform, wanted_platform

# What of a room says where it opens, besides its id, its owner and its own choice.
SETTINGS = ("has_logo", "never_elsewhere", "is_locked", "room_mode", "recording_type", "recording_trigger")
LOOKED_AT = 5000  # rooms; of more, so many are taken by their ids, which are random
WITH_DASHES = 36  # characters of an id, as PostgreSQL writes it
HAS_LOGO = Case(When(logo="", then=False), default=True, output_field=BooleanField())


@dataclass(frozen=True)
class Share:
    """The rooms that open on one platform; `platform` is "" for those that open nowhere."""

    platform: str
    automatic: int
    chosen: int  # that have it, or the one which it stands in for, as their own choice
    before: int  # rooms of those that come before it in the picture
    of: int

    @property
    def label(self) -> str:
        return platform_label(self.platform) if self.platform else _("Nowhere")

    @property
    def rooms(self) -> int:
        return self.automatic + self.chosen

    @property
    def percent(self) -> float:
        return 100 * self.rooms / self.of

    @property
    def from_percent(self) -> float:
        return 100 * self.before / self.of


def spread(policy: RolloutPolicy) -> tuple[list[Share], bool]:
    """By two or three statements, and whether it is of all rooms, not of some LOOKED_AT.

    Of the rooms that want the same and are set alike, one is asked where it opens.
    """
    beyond = Room.objects.order_by("pk").values_list("pk", flat=True)[LOOKED_AT : LOOKED_AT + 1].first()
    rooms = Room.objects.order_by() if beyond is None else Room.objects.filter(pk__lt=beyond).order_by()
    counts: Counter[tuple[str, bool]] = Counter()
    if policy.is_one_for_all:
        alike = [*_alike(rooms)]
    else:
        alike = [*_alike(rooms.exclude(platform="")), *_automatic(rooms, policy)]
    for room, number in alike:
        counts[select_or_refusal(room, policy).platform, bool(room.platform)] += number
    return _in_a_row(counts, [*policy.platforms, ""]), beyond is None


def _alike(rooms: QuerySet[Room]) -> Iterable[tuple[Room, int]]:
    """An example of each kind of room of which its settings alone say where it opens, and how many there are."""
    kinds = rooms.annotate(has_logo=HAS_LOGO).values_list("platform", *SETTINGS)
    for platform, *values, number in kinds.annotate(Count("pk")):
        yield _example(*values, platform=platform), number


def _automatic(rooms: QuerySet[Room], policy: RolloutPolicy) -> Iterable[tuple[Room, int]]:
    """The same of automatic ones, each of which has to be looked at. Their ids come as text: half of the work."""
    numbers: Counter[tuple[Any, ...]] = Counter()
    examples: dict[tuple[Any, ...], Room] = {}
    automatic = rooms.filter(platform="").annotate(has_logo=HAS_LOGO, key=Cast("pk", TextField()))
    for key, owner_id, *values in automatic.values_list("key", "owner_id", *SETTINGS):
        room_id = key if len(key) == WITH_DASHES else str(UUID(key))
        wanted, _ = wanted_platform(room_id, "", policy, owner_id)
        kind = (wanted, *values)
        numbers[kind] += 1
        if numbers[kind] == 1:
            examples[kind] = _example(*values, pk=room_id, owner_id=owner_id)
    return [(examples[kind], number) for kind, number in numbers.items()]


def _example(has_logo: bool, *values: Any, **others: Any) -> Room:
    return Room(logo="logo" if has_logo else "", **dict(zip(SETTINGS[1:], values, strict=True)), **others)


def _in_a_row(counts: Counter[tuple[str, bool]], order: Sequence[str]) -> list[Share]:
    shares: list[Share] = []
    for name in order:
        automatic, chosen = counts[name, False], counts[name, True]
        if automatic + chosen:
            shares.append(Share(name, automatic, chosen, sum(share.rooms for share in shares), counts.total()))
    return shares


def sentences(policy: RolloutPolicy) -> list[str]:
    return [_default_sentence(policy), _migration_sentence(policy)]


def only_simulated(policy: RolloutPolicy) -> list[str]:
    """The labels of all that can be used, where all of it is played on this machine: people elsewhere cannot meet."""
    usable = [name for name, refusal in policy.platforms.items() if refusal is None]
    is_so = all(create_platform_client(name).is_simulated for name in usable)
    return [platform_label(name) for name in usable] if is_so else []


def _default_sentence(policy: RolloutPolicy) -> str:
    """What becomes of an automatic room that the migration does not reach."""
    nobody = replace(policy, room_ids=frozenset(), owner_ids=frozenset(), percentage=0)
    try:
        selection = select_platform("", "", nobody)
    except PlatformNotConfigured as error:
        return str(error)
    return _("Automatic rooms open on {platform}. {reason}").format(
        platform=platform_label(selection.platform), reason=selection.reason
    )


def _migration_sentence(policy: RolloutPolicy) -> str:
    target = platform_label(policy.target)
    if not policy.switched_on:
        return _(
            "{platform} is switched off ({reason}): no meeting opens there, not even in rooms that chose it."
        ).format(platform=target, reason=policy.off_because)
    listed = count_of(len(policy.room_ids), "listed room")
    return _("The switch is on: {listed} and {percentage} % of the other automatic rooms go to {platform}.").format(
        listed=listed, percentage=policy.percentage, platform=target
    )
