"""What a change would mean, before anything happens: of the rollout, or of the platform that rooms have chosen."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from platforms.handler import find_platform_client_class, platform_label
from rooms.lost_features import lost_features
from rooms.models import CalendarEvent, Room
from rooms.platform_change import LIVE, choice_label, count_of, select_or_refusal
from rooms.rollout.decide import after_edits
from rooms.rollout.values import RolloutValues, present
from rooms.selection import RolloutPolicy, Selection, current_policy, policy_of

SOON = timedelta(days=1)
# What selecting and comparing need of a room.
NEEDED = [
    *("name", "owner", "platform", "never_elsewhere", "updated_at"),
    *("logo", "is_locked", "room_mode", "recording_type", "recording_trigger"),
]


@dataclass(frozen=True)
class Affected:
    """A room whose own choice, or what it opens on, would be another."""

    room: Room
    chosen: str  # the room's own platform after the change, "" for automatic
    before: Selection
    after: Selection
    lost: Sequence[str] = ()
    gained: Sequence[str] = ()
    live: int = 0
    next_event: datetime | None = None

    @property
    def moves(self) -> bool:
        return self.before.platform != self.after.platform

    @property
    def is_stuck(self) -> bool:
        """It is to open somewhere else than before, and does not open there."""
        return self.after.platform != self.after.wanted and self.after.wanted != self.before.platform

    @property
    def choice(self) -> str:
        was, will_be = choice_label(self.room.platform), choice_label(self.chosen)
        return was if was == will_be else f"{was} → {will_be}"

    @property
    def opens_on(self) -> str:
        was, will_be = _label(self.before.platform), _label(self.after.platform)
        return was if was == will_be else f"{was} → {will_be}"


@dataclass(frozen=True)
class Preview:
    affected: list[Affected] = field(default_factory=list)  # by name
    unaffected: int = 0

    @property
    def moving(self) -> list[Affected]:
        return [each for each in self.affected if each.moves]

    @property
    def stuck(self) -> list[Affected]:
        return [each for each in self.affected if each.is_stuck]

    def sentences(self) -> list[str]:
        """The whole of it in a few lines."""
        return [self._moving(), *self._choices(), *self._meetings(), *self._features(), *self._stuck()]

    def _moving(self) -> str:
        ways = Counter((each.before.platform, each.after.platform) for each in self.moving)
        if not ways:
            return _("No room opens on another platform.")
        parts = [
            _("{number} from {old} to {new}").format(number=number, old=_label(old), new=_label(new))
            for (old, new), number in ways.most_common()
        ]
        return ngettext(
            "{rooms} opens on another platform from the next meeting on: {ways}.",
            "{rooms} open on another platform from the next meeting on: {ways}.",
            len(self.moving),
        ).format(rooms=count_of(len(self.moving), "room"), ways=", ".join(parts))

    def _choices(self) -> Iterator[str]:
        if number := sum(each.chosen != each.room.platform for each in self.affected):
            yield ngettext(
                "{rooms} gets another platform of its own.", "{rooms} get another platform of their own.", number
            ).format(rooms=count_of(number, "room"))

    def _meetings(self) -> Iterator[str]:
        if live := sum(each.live for each in self.moving):
            yield ngettext(
                "{number} live meeting stays where it is until it ends.",
                "{number} live meetings stay where they are until they end.",
                live,
            ).format(number=live)
        if soon := sum(each.next_event is not None for each in self.moving):
            yield ngettext(
                "{rooms} has a meeting by calendar within a day, to be opened by the new rules.",
                "{rooms} have meetings by calendar within a day, to be opened by the new rules.",
                soon,
            ).format(rooms=count_of(soon, "room"))

    def _features(self) -> Iterator[str]:
        if lost := Counter(what for each in self.moving for what in each.lost):
            yield _("Lost: {features}.").format(features=_counted(lost))
        if gained := Counter(what for each in self.moving for what in each.gained):
            yield _("Gained: {features}.").format(features=_counted(gained))

    def _stuck(self) -> list[str]:
        reasons = Counter(each.after.reason for each in self.stuck)
        return [
            _("{rooms} cannot move: {reason}").format(rooms=count_of(number, "room"), reason=reason)
            for reason, number in reasons.most_common()
        ]


def preview_rollout(edits: Mapping[str, Any], now: RolloutValues | None = None) -> Preview:
    """Of a decision. Raises ValidationError, as deciding would."""
    return preview_values(after_edits(now or present(), edits))


def preview_values(values: RolloutValues) -> Preview:
    before = current_policy()
    after = replace(policy_of(values), platforms=before.platforms, cordoned=before.cordoned, silent=before.silent)
    return _preview(Room.objects.all(), before, after, lambda room: room.platform)


def preview_move(rooms: QuerySet[Room], platform: str) -> Preview:
    """Of choosing a platform, "" for automatic, for the rooms."""
    return preview_choices(rooms, lambda room: platform)


def preview_choices(rooms: QuerySet[Room], choice_of: Callable[[Room], str]) -> Preview:
    policy = current_policy()
    return _preview(Room.objects.filter(pk__in=rooms.order_by().values("pk")), policy, policy, choice_of)


def _preview(
    rooms: QuerySet[Room], before: RolloutPolicy, after: RolloutPolicy, choice_of: Callable[[Room], str]
) -> Preview:
    found = list(rooms.order_by("name").only(*NEEDED, "owner__username").select_related("owner"))
    compared = [_compared(room, choice_of(room), before, after) for room in found]
    affected = [each for each in compared if each.moves or each.is_stuck or each.chosen != each.room.platform]
    return Preview(_with_meetings(affected, rooms), len(found) - len(affected))


def _compared(room: Room, chosen: str, before: RolloutPolicy, after: RolloutPolicy) -> Affected:
    moved = copy(room)
    moved.platform = chosen
    was, will_be = select_or_refusal(room, before), select_or_refusal(moved, after)
    if was.platform == will_be.platform:
        return Affected(room, chosen, was, will_be)
    lost_before, lost_after = _lost(room, was.platform), _lost(room, will_be.platform)
    lost = [what for what in lost_after if what not in lost_before]
    return Affected(room, chosen, was, will_be, lost, [what for what in lost_before if what not in lost_after])


def _lost(room: Room, platform: str) -> list[str]:
    client_class = find_platform_client_class(platform)
    return lost_features(room, client_class) if client_class else []


def _with_meetings(affected: Iterable[Affected], rooms: QuerySet[Room]) -> list[Affected]:
    """Two statements, however many rooms there are."""
    now = timezone.now()
    live = Counter(rooms.filter(LIVE).order_by().values_list("pk", flat=True))
    coming = CalendarEvent.objects.upcoming(now, SOON).filter(start_time__gt=now).order_by("-start_time")
    soonest = dict(coming.values_list("room_id", "start_time"))
    return [replace(each, live=live[each.room.pk], next_event=soonest.get(each.room.pk)) for each in affected]


def _counted(features: Counter[str]) -> str:
    return "; ".join(f"{what} ({count_of(number, 'room')})" for what, number in features.most_common())


def _label(platform: str) -> str:
    return platform_label(platform) if platform else _("nowhere")


COLUMNS: dict[str, Callable[[Affected], Any]] = {
    gettext_noop("room"): lambda each: each.room.name,
    gettext_noop("id"): lambda each: each.room.pk,
    gettext_noop("owner"): lambda each: each.room.owner.get_username(),
    gettext_noop("own platform"): lambda each: choice_label(each.room.platform),
    gettext_noop("own platform then"): lambda each: choice_label(each.chosen),
    gettext_noop("opens on"): lambda each: _label(each.before.platform),
    gettext_noop("opens on then"): lambda each: _label(each.after.platform),
    gettext_noop("why"): lambda each: each.after.reason,
    gettext_noop("loses"): lambda each: "; ".join(each.lost),
    gettext_noop("gains"): lambda each: "; ".join(each.gained),
    gettext_noop("live meetings"): lambda each: each.live,
    gettext_noop("next meeting"): lambda each: each.next_event.isoformat() if each.next_event else "",
}


def table(preview: Preview) -> list[list[str]]:
    """For a download, with its heading. No cell begins as a spreadsheet's formula does."""
    rows = [[str(cell(each)) for cell in COLUMNS.values()] for each in preview.affected]
    return [
        [_(name) for name in COLUMNS],
        *([f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in row] for row in rows),
    ]
