"""Moving rooms to another platform as one decision, and back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from platforms.handler import platform_label
from rooms.history import changed_by
from rooms.models import Change, Room
from rooms.platform_change import choice_label, count_of
from rooms.rollout.words import time_of

BATCH = 5000  # rooms; databases take so many keys in one statement


@transaction.atomic
def move(rooms: QuerySet[Room], platform: str, by: Any = None, note: str = "", via: str = "") -> Change | None:
    """Choose `platform`, "" for automatic, for those of the rooms that have another; None where all have it."""
    moving = list(
        Room.objects.filter(pk__in=rooms.order_by().values("pk")).exclude(platform=platform).select_for_update()
    )
    if not moving:
        return None
    with translation.override(settings.LANGUAGE_CODE):  # it is stored
        named = _named(moving)
    what = f"moved to {platform_label(platform)}" if platform else "now following the rollout"
    change = Change(kind=Change.Kind.ROOMS, summary=f"{named} {what}.", note=note, by=by, via=via)
    return _choose(change, [(room, platform) for room in moving])


def _choose(change: Change, choices: Sequence[tuple[Room, str]]) -> Change:
    change.save(force_insert=True)
    rooms = defaultdict(list)
    for room, platform in choices:
        rooms[platform].append(room.pk)
    with changed_by(change.by, change.note, change):
        for platform, keys in rooms.items():
            for start in range(0, len(keys), BATCH):
                batch = Room.objects.filter(pk__in=keys[start : start + BATCH])
                batch.update(platform=platform, updated_at=timezone.now())
    return change


def _named(rooms: Sequence[Room]) -> str:
    return rooms[0].name if len(rooms) == 1 else count_of(len(rooms), "room")


@dataclass(frozen=True)
class Back:
    """A room that a decision moved, as it would be by taking it back. `since` is the record that moved it elsewhere."""

    record: Any
    room: Room | None
    since: Any = None

    @property
    def is_changed(self) -> bool:
        return self.room is None or self.room.platform != self.record.platform

    def in_words(self) -> str:
        name = self.record.name
        if self.room is None:
            return _("{name} was deleted meanwhile.").format(name=name)
        if not self.is_changed:
            return _("{name} from {was} to {now}").format(
                name=name, was=choice_label(self.room.platform), now=choice_label(self.record.left)
            )
        by = self.since and self.since.history_user
        chosen = choice_label(self.room.platform)
        if not self.since:
            return _("{name} has {chosen}.").format(name=name, chosen=chosen)
        when = time_of(self.since.history_date)
        return _("{name} has {chosen} since {when}, by {by}.").format(
            name=name, chosen=chosen, when=when, by=by or _("somebody in a shell")
        )


@dataclass(frozen=True)
class WayBack:
    moves: list[Back]
    changed: list[Back]


def way_back(change: Change) -> WayBack:
    """What taking back would move, and what was moved elsewhere or deleted since."""
    records = list(Room.history.filter(change=change, moved=True).order_by("name", "history_id"))
    rooms = Room.objects.in_bulk([record.id for record in records])
    found = [Back(record, rooms.get(record.id)) for record in records]
    moves = [back for back in found if not back.is_changed]
    return WayBack(moves, _with_what_came_since([back for back in found if back.is_changed]))


def _with_what_came_since(changed: Iterable[Back]) -> list[Back]:
    by_room = {back.record.id: back for back in changed}
    later = Room.history.filter(id__in=by_room, moved=True).select_related("history_user").order_by("history_id")
    since = {record.id: record for record in later if record.history_id > by_room[record.id].record.history_id}
    return [Back(back.record, back.room, since.get(key)) for key, back in by_room.items()]


@transaction.atomic
def move_back(change: Change, by: Any, note: str, everything: bool = False, via: str = "") -> Change | None:
    back = way_back(change)
    chosen = [*back.moves, *(back.changed if everything else [])]
    records = {each.record.id: each.record for each in chosen if each.room}
    rooms = list(Room.objects.select_for_update().filter(pk__in=records))
    choices = [(room, records[room.pk].left) for room in rooms if room.platform != records[room.pk].left]
    if not choices:
        return None
    with translation.override(settings.LANGUAGE_CODE):  # it is stored
        summary = f"{_named(rooms)} moved back."
    return _choose(Change(kind=Change.Kind.ROOMS, summary=summary, note=note, by=by, via=via, undoes=change), choices)
