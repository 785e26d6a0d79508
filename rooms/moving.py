"""What a move to another platform means for a room: what is lost, what stays where it is, and what platforms can do."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet, TextChoices
from django.utils import timezone

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformNotConfigured
from platforms.handler import get_available_platforms, get_platform_client_class, platform_label, why_unavailable
from rooms.models import Room, RoomQuerySet
from rooms.selection import RolloutPolicy, Selection, current_policy, select_for_room

AUTOMATIC = "Automatic"  # the label of a room's platform when it has none of its own
# The state of a meeting that people can be in; meetings are not imported here, they import rooms.
LIVE = Q(meetings__state="live")

ABILITIES = {
    "Shows the room's logo": "supports_logo",
    "People can be made to knock": "supports_locking",
    "Says who is in the room": "supports_presence",
    "Rooms can be closed from here": "supports_closing",
    "Lets people in by personal token": "supports_join_tokens",
}
VARIETIES: dict[str, tuple[str, type[TextChoices]]] = {
    "Room modes": ("room_modes", Room.Mode),
    "Recording types": ("recording_types", Room.RecordingType),
    "Recording starts": ("recording_triggers", Room.RecordingTrigger),
}


def losses(room: Room, client_class: type[VideoPlatformClient]) -> list[str]:
    """What the room is set to and the platform cannot do."""
    lost = []
    if room.logo and not client_class.supports_logo:
        lost.append("logo")
    if room.is_locked and not client_class.supports_locking:
        lost.append("knocking before one is let in")
    if room.room_mode not in client_class.room_modes:
        lost.append(f"room mode “{room.room_mode}”")
    if room.recording_type not in client_class.recording_types:
        lost.append(f"{room.recording_type} recording")
    elif room.recording_type == Room.RecordingType.CLOUD:
        lost += _trigger_loss(room.recording_trigger, client_class.recording_triggers)
    return lost


def _trigger_loss(trigger: str, offered: frozenset[str]) -> list[str]:
    """Only recording in the cloud starts by a trigger."""
    triggers = Room.RecordingTrigger
    if trigger in offered:
        return []
    if trigger == triggers.AUTOMATIC_2ND_PARTICIPANT and triggers.AUTOMATIC in offered:
        return ["recording starts with the first person instead of the second"]
    if trigger == triggers.AUTOMATIC and triggers.AUTOMATIC_2ND_PARTICIPANT in offered:
        return ["recording starts with the second person instead of the first"]
    if trigger == triggers.NONE:
        return ["recording that is started by hand only"]
    return ["asking people to start recording" if trigger == triggers.PROMPT else "recording that starts by itself"]


def select_or_refusal(room: Room, policy: RolloutPolicy) -> Selection:
    """What the room opens on; platform "" with the reason where nothing can be opened."""
    try:
        return select_for_room(room, policy)
    except PlatformNotConfigured as error:
        return Selection("", str(error))


def choice_label(platform: str) -> str:
    """A room's own choice of platform, for people."""
    return platform_label(platform) if platform else AUTOMATIC


def compare_platforms(room: Room | None = None) -> list[tuple[str, list[str]]]:
    """Rows of a table with a column for each platform; the first row holds the names."""
    names = get_available_platforms()
    classes = [_class_or_none(name) for name in names]
    rows = [
        ("Platform", [platform_label(name) for name in names]),
        ("Meetings can open there", [why_unavailable(name) or "yes" for name in names]),
        *((words, [_yes_or_no(found, attribute) for found in classes]) for words, attribute in ABILITIES.items()),
        *((words, [_variety(found, *what) for found in classes]) for words, what in VARIETIES.items()),
    ]
    if room:
        rows.append(("Lost by this room there", [_lost(room, found) for found in classes]))
    return rows


def _class_or_none(name: str) -> type[VideoPlatformClient] | None:
    try:
        return get_platform_client_class(name)
    except PlatformNotConfigured:
        return None


def _yes_or_no(client_class: type[VideoPlatformClient] | None, attribute: str) -> str:
    if client_class is None:
        return "unknown"
    return "yes" if getattr(client_class, attribute) else "no"


def _variety(client_class: type[VideoPlatformClient] | None, attribute: str, known: type[TextChoices]) -> str:
    """Known values in the order of the room's own choices, so that columns can be compared."""
    if client_class is None:
        return "unknown"
    offered = getattr(client_class, attribute)
    return ", ".join(value for value in known.values if value in offered) or "no"


def _lost(room: Room, client_class: type[VideoPlatformClient] | None) -> str:
    if client_class is None:
        return "unknown"
    return "; ".join(losses(room, client_class)) or "nothing"


@dataclass(frozen=True)
class Move:
    """What a change of platform meant for some rooms. `before` maps the platform left to the rooms that left it."""

    platform: str
    before: dict[str, list[Room]] = field(default_factory=dict)
    staying: int = 0  # live meetings on another platform than the one chosen now
    lost: Counter[str] = field(default_factory=Counter)
    not_yet: str = ""  # why the rooms open elsewhere for now

    @property
    def moved(self) -> int:
        return sum(len(rooms) for rooms in self.before.values())

    def consequences(self) -> list[str]:
        """Sentences for staff; none when the move means nothing but the move."""
        sentences = [self.not_yet] if self.not_yet else []
        if self.staying:
            stay = "meeting stays where it is until it ends" if self.staying == 1 else "meetings stay where they are"
            sentences.append(f"{self.staying} live {stay}{'' if self.staying == 1 else ' until they end'}.")
        if self.lost:
            listed = "; ".join(f"{what}: {count_of(number, 'room')}" for what, number in self.lost.most_common())
            sentences.append(f"Lost by the move: {listed}.")
        return sentences


@transaction.atomic
def move_rooms(rooms: RoomQuerySet | QuerySet[Room], platform: str) -> Move:
    """Choose `platform` ("" for automatic) for those of the rooms that have another. Live meetings are left alone."""
    others = Room.objects.filter(pk__in=rooms.order_by().values("pk")).exclude(platform=platform)
    moving = list(others.select_for_update())
    live = live_meetings_of(others)
    before: dict[str, list[Room]] = {}
    for room in moving:
        before.setdefault(room.platform, []).append(room)
        room.platform = platform
        room.updated_at = timezone.now()
    Room.objects.bulk_update(moving, ["platform", "updated_at"])
    return weigh(platform, before, live)


def live_meetings_of(rooms: QuerySet[Room]) -> list[tuple[uuid.UUID, str]]:
    """Room id and platform of each live meeting."""
    return list(rooms.filter(LIVE).order_by().values_list("pk", "meetings__platform"))


def weigh(platform: str, before: dict[str, list[Room]], live: Iterable[tuple[uuid.UUID, str]]) -> Move:
    """What it means that the rooms, which hold their new platform by now, have left their old ones."""
    policy = current_policy()
    rooms = [room for left in before.values() for room in left]
    selections = {room.pk: select_or_refusal(room, policy) for room in rooms}
    heading = {pk: platform or selection.platform for pk, selection in selections.items()}
    lost: Counter[str] = Counter()
    for room in rooms:
        if client_class := _class_or_none(heading[room.pk]):
            lost.update(losses(room, client_class))
    elsewhere = _elsewhere(platform, list(selections.values()))
    return Move(platform, before, sum(heading.get(pk, on) != on for pk, on in live), lost, elsewhere)


def _elsewhere(platform: str, selections: Sequence[Selection]) -> str:
    """All rooms with the same choice share the reason for which they do not open there."""
    if not platform or not selections or selections[0].platform == platform:
        return ""
    return f"Not yet in effect: {selections[0].reason}"


def count_of(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
